//! `cargo xtask docs`: the parts of the documents that are made from the program, between `<!-- generated: NAME -->` and
//! `<!-- /generated -->`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use clap::Args;
use serde::Deserialize;

use crate::process::{narrows, output};
use crate::{Result, repository};

/// How to treat documents that are out of date.
#[derive(Args, Debug, Default)]
pub struct Options {
    /// Fail instead of writing
    #[arg(long)]
    pub check: bool,
}

const OPEN: &str = "<!-- generated: ";
const CLOSE: &str = "<!-- /generated -->";

/// Rewrites every generated block, or with `check` says which are out of date.
///
/// # Errors
///
/// When a block has no generator or no end, the program fails, or `check` finds an old block.
pub fn run(options: &Options) -> Result {
    let mut generated = Generated::default();
    let mut old = Vec::new();
    for path in repository::files()?.into_iter().filter(|path| repository::is_kind(path, "md")) {
        let text = repository::read(&path)?;
        let fresh = rewritten(&text, |name| generated.block(name)).map_err(|error| format!("{path}: {error}"))?;
        if fresh != text {
            if !options.check {
                repository::write(&path, &fresh)?;
                println!("{path}: rewritten");
            }
            old.push(path);
        }
    }
    if options.check && !old.is_empty() {
        return Err(format!("out of date: {}; `cargo xtask docs` rewrites them", old.join(", ")).into());
    }
    Ok(())
}

/// `text` with every block filled anew.
fn rewritten(text: &str, mut block: impl FnMut(&str) -> Result<String>) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        out.push_str(line);
        let Some(name) = line.trim().strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let closing = lines.find(|line| line.trim() == CLOSE);
        let closing = closing.ok_or_else(|| format!("block `{name}` has no end: expected `{CLOSE}`"))?;
        let _ = write!(out, "\n{}\n\n{closing}", block(name)?.trim());
    }
    Ok(out)
}

/// Blocks by name, each made once.
#[derive(Default)]
struct Generated(BTreeMap<String, String>);

impl Generated {
    fn block(&mut self, name: &str) -> Result<String> {
        if let Some(text) = self.0.get(name) {
            return Ok(text.clone());
        }
        let text = match name {
            "models" => models(&output(Command::new(narrows()?).args(["models", "--json"]))?)?,
            "cli" => command_line(&narrows()?)?,
            _ => return Err(format!("block `{name}` is unknown: expected `models` or `cli`").into()),
        };
        self.0.insert(name.to_owned(), text.clone());
        Ok(text)
    }
}

/// One entry of `narrows models --json`.
#[derive(Deserialize)]
struct Model {
    name: String,
    kind: String,
    summary: String,
    paper: Paper,
}

#[derive(Deserialize)]
struct Paper {
    authors: String,
    year: u16,
    title: String,
}

#[derive(Deserialize)]
struct Models {
    models: Vec<Model>,
}

/// The catalogue as a Markdown table.
fn models(json: &str) -> Result<String> {
    let Models { models } = serde_json::from_str(json).map_err(|error| format!("narrows models --json: {error}"))?;
    let mut out = "| model | kind | what it is | paper |\n|---|---|---|---|".to_owned();
    for Model { name, kind, summary, paper: Paper { authors, year, title } } in models {
        let cells = [format!("`{name}`"), kind, summary, format!("{authors} {year}, *{title}*")];
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = write!(out, "\n| {} |", cells.join(" | "));
    }
    Ok(out)
}

/// The help of the program and of every verb below it.
fn command_line(program: &Path) -> Result<String> {
    let mut out = String::new();
    let mut open = vec![Vec::new()];
    while let Some(verb) = open.pop() {
        let help = help(program, &verb)?;
        let inner = verbs(&help).into_iter().filter(|inner| inner != "help");
        let inner: Vec<Vec<String>> = inner.map(|inner| verb.iter().cloned().chain([inner]).collect()).collect();
        open.extend(inner.into_iter().rev());
        let title = ["narrows"].into_iter().chain(verb.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        let _ = write!(out, "## `{title}`\n\n```text\n{}\n```\n\n", help.trim_end());
    }
    Ok(out)
}

/// Help at a fixed width and without the settings of this machine, so that it is the same everywhere.
fn help(program: &Path, verb: &[String]) -> Result<String> {
    let text = output(
        Command::new(program)
            .args(verb)
            .arg("--help")
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .env_remove("NARROWS_DATA"),
    )?;
    Ok(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
}

/// The names listed under `Commands:`.
fn verbs(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A name is indented by two columns; its wrapped description by more.
    let names = listed.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    names.filter_map(|rest| rest.split_whitespace().next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_replaced_and_the_rest_stays() {
        let text = "a\n<!-- generated: models -->\nold\n<!-- /generated -->\nb";
        let fresh = rewritten(text, |name| Ok(format!("new {name}"))).unwrap();
        assert_eq!(fresh, "a\n<!-- generated: models -->\n\nnew models\n\n<!-- /generated -->\nb");
        assert_eq!(rewritten(&fresh, |name| Ok(format!("new {name}\n"))).unwrap(), fresh);
        let open = rewritten("<!-- generated: x -->\n", |_| Ok(String::new())).unwrap_err();
        assert!(open.to_string().contains("has no end"));
    }

    #[test]
    fn the_catalogue_becomes_a_table() {
        let json = r#"{"models": [{"name": "ae", "kind": "vanilla", "title": "T", "summary": "a | b",
            "paper": {"authors": "A & B", "year": 2006, "title": "P"}}]}"#;
        let table = models(json).unwrap();
        assert_eq!(table.lines().last().unwrap(), "| `ae` | vanilla | a \\| b | A & B 2006, *P* |");
    }

    #[test]
    fn verbs_are_read_from_the_help() {
        let help = "Usage: x\n\nCommands:\n  train  Trains\n         on a file\n  help   Print\n\nOptions:\n  -q\n";
        assert_eq!(verbs(help), ["train", "help"]);
    }
}
