//! The table in `docs/reproductions.md`: the rows of one reproduction are replaced, the others stay.

use std::fmt::Write as _;

use super::Row;
use crate::Result;

const OPEN: &str = "<!-- reproductions -->";
const CLOSE: &str = "<!-- /reproductions -->";
const HEAD: &str = "| command | what | measured | must be | holds |\n|---|---|---|---|---|";

/// `text` with the rows of `name` in place of its earlier ones, in the order of `names`.
pub(super) fn with_rows(text: &str, name: &str, rows: &[Row], names: &[&str]) -> Result<String> {
    let place = text.split_once(OPEN).and_then(|(before, rest)| Some((before, rest.split_once(CLOSE)?)));
    let Some((before, (table, after))) = place else {
        return Err(format!("the page has no `{OPEN}` ... `{CLOSE}`").into());
    };
    let of = |line: &str| names.iter().position(|name| line.starts_with(&start(name)));
    let kept = table.lines().filter(|line| of(line).is_some_and(|place| names[place] != name));
    let mut lines: Vec<String> = kept.map(str::to_owned).collect();
    lines.extend(rows.iter().map(|row| line(name, row)));
    lines.sort_by_key(|line| of(line));
    let mut out = format!("{before}{OPEN}\n\n{HEAD}\n");
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
    let _ = write!(out, "\n{CLOSE}{after}");
    Ok(out)
}

/// `text` with the tables of `name` in a section of its own at the end, in place of its earlier ones.
pub(super) fn with_tables(text: &str, name: &str, about: &str, tables: &str) -> String {
    if tables.is_empty() {
        return text.to_owned();
    }
    let (open, close) = (format!("<!-- tables: {name} -->"), format!("<!-- /tables: {name} -->"));
    let section = format!("{open}\n\n## {name}: {about}\n\n{}\n\n{close}", tables.trim());
    let earlier = text.split_once(&open).and_then(|(before, rest)| Some((before, rest.split_once(&close)?.1)));
    match earlier {
        Some((before, after)) => format!("{before}{section}{after}"),
        None => format!("{}\n\n{section}\n", text.trim_end()),
    }
}

fn start(name: &str) -> String {
    format!("| `{name}` |")
}

fn line(name: &str, Row { what, measured, bar, holds }: &Row) -> String {
    format!("{} {what} | {measured} | {bar} | {} |", start(name), if *holds { "yes" } else { "no" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_reproduction_are_replaced_and_the_order_is_kept() {
        let names = ["b", "a"];
        let text = format!("Intro\n{OPEN}\n\n{HEAD}\n| `a` | earlier | 1 | at most 2 | yes |\n\n{CLOSE}\nEnd");
        let text = with_rows(&text, "b", &[Row::at_most("loss", 3.0, 2.0, "paper")], &names).unwrap();
        assert!(text.contains("| `b` | loss | 3.000 | at most 2.000 (paper) | no |\n| `a` | earlier"), "{text}");
        let text = with_rows(&text, "a", &[Row::at_least("gain", 3.0, 2.0, "")], &names).unwrap();
        assert!(text.contains("| `a` | gain | 3.000 | at least 2.000 | yes |") && !text.contains("earlier"), "{text}");
        assert!(text.starts_with("Intro\n") && text.ends_with("\nEnd"));
        assert!(with_rows("nothing", "a", &[], &names).is_err());
    }

    #[test]
    fn tables_of_one_reproduction_are_replaced() {
        let text = with_tables("Intro\n", "a", "one", "| first |\n");
        let text = with_tables(&text, "b", "two", "| other |");
        let text = with_tables(&text, "a", "one", "| second |");
        assert!(!text.contains("first") && text.find("second") < text.find("other"), "{text}");
        assert!(text.starts_with("Intro\n\n<!-- tables: a -->") && with_tables(&text, "c", "none", "") == text);
    }
}
