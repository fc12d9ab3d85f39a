//! `narrows describe`: one variant with its paper, formula and options.

use std::io::Write as _;

use clap::Args;
use narrows::catalog_view::{Card, card};
use narrows::narrows_models::{Kind, OptionDoc};

use super::Result;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::terminal::table::Table;

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
            println!("{}", serde_json::to_string(&card)?);
        } else {
            print(&card)?;
        }
        Ok(Outcome::Done)
    }
}

fn print(card: &Card) -> std::io::Result<()> {
    let Card { about, options } = card;
    let paper = &about.paper;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} ({}, {})", about.title, about.name, family(about.kind))?;
    writeln!(out, "{}\n", about.summary)?;
    writeln!(out, "Paper    {} {}: {}", paper.authors, paper.year, paper.title)?;
    writeln!(out, "Formula  {}\n", about.formula)?;
    drop(out);
    let mut table = Table::new(["option", "type", "default", "meaning"]);
    for OptionDoc { name, kind, meaning, default } in options {
        let default = if default.is_empty() { "from the data" } else { default };
        table.row([name.as_str(), kind, default, meaning]);
    }
    table.print()?;
    writeln!(std::io::stdout(), "\nSet one with --set model.OPTION=VALUE, or in [model.{}] of a file.", about.name)
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
    }
}
