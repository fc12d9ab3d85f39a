//! `narrows describe`: one variant with its paper, formula and options.

use std::io::Write as _;

use clap::Args;
use narrows::catalog_view::{Card, card};
use narrows::narrows_models::{Kind, OptionDoc};

use super::Result;
use crate::arguments::Shared;
use crate::exit::Outcome;

/// The longest line of running text.
const WIDTH: usize = 100;

/// Options of `narrows describe`.
#[derive(Args, Debug)]
pub(crate) struct Describe {
    /// The variant, as `narrows models` lists it.
    name: String,
}

impl Describe {
    /// Prints what the catalogue knows.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let card = card(&self.name)?;
        if shared.json {
            say!("{}", serde_json::to_string(&card)?)?;
        } else {
            std::io::stdout().lock().write_all(text(&card).as_bytes())?;
        }
        Ok(Outcome::Done)
    }
}

fn text(card: &Card) -> String {
    let Card { about, options } = card;
    let paper = &about.paper;
    let mut text = format!("{} ({}), family {}\n", about.title, about.name, family(about.kind));
    text.push_str(&wrapped(about.summary, ""));
    text.push_str("\nPaper\n");
    text.push_str(&wrapped(&format!("{} {}: {}", paper.authors, paper.year, paper.title), "  "));
    text.push_str("\nFormula\n");
    text.push_str(&wrapped(about.formula, "  "));
    text.push_str("\nOptions\n");
    for OptionDoc { name, kind, meaning, default } in options {
        let default = if default.is_empty() { "from the data".to_owned() } else { format!("default {default}") };
        text.push_str(&wrapped(&format!("{name}: {kind}; {default}"), "  "));
        text.push_str(&wrapped(meaning, "      "));
    }
    text + &format!(
        "\nSet one with --set model.OPTION=VALUE, or below [model.{}] in a configuration file.\n",
        about.name
    )
}

/// `text` in lines of at most [`WIDTH`] characters behind `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    let mut out = String::new();
    let mut line = indent.to_owned();
    for word in text.split_whitespace() {
        if line.len() > indent.len() && line.chars().count() + word.chars().count() + 1 > WIDTH {
            out += line.trim_end();
            out.push('\n');
            indent.clone_into(&mut line);
        }
        line += word;
        line.push(' ');
    }
    out + line.trim_end() + "\n"
}

/// The family as users read it.
pub(super) fn family(kind: Kind) -> &'static str {
    match kind {
        Kind::Vanilla => "vanilla",
        Kind::Sparse => "sparse",
        Kind::Denoising => "denoising",
        Kind::Variational => "variational",
        Kind::Contractive => "contractive",
        Kind::Adversarial => "adversarial",
        Kind::OneClass => "one-class",
    }
}
