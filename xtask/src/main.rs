//! `cargo xtask COMMAND`: the dispatcher, and nothing else.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{bench, ci, data, docs, golden, large, new_variant, reproduce, sanitize, tidy};

/// Commands for maintainers. `cargo xtask ci` is the whole gate.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that must hold before a change is merged, cheapest first
    Ci(ci::Options),
    /// Rules of the house that no compiler checks: arrows between crates, sizes, names, documents
    Tidy,
    /// Rewrite the generated parts of the documents
    Docs(docs::Options),
    /// Fetch a catalogued dataset
    Data(data::Options),
    /// Measure our workloads, and PyTorch's in turns with them
    Bench(bench::Options),
    /// Compute the golden numbers with the published implementations
    Golden(golden::Options),
    /// Train on files larger than memory allows and measure the peak
    Large(large::Options),
    /// Run the tests of the crate with `unsafe` code under AddressSanitizer and ThreadSanitizer
    Sanitize(sanitize::Options),
    /// Measure what the models are known for, and write it into docs/reproductions.md
    Reproduce(reproduce::Options),
    /// Start a model variant: its file, its catalogue line and an example configuration
    NewVariant(new_variant::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Ci(options) => ci::run(&options),
        Command::Tidy => tidy::run(),
        Command::Docs(options) => docs::run(&options),
        Command::Data(options) => data::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Golden(options) => golden::run(&options),
        Command::Large(options) => large::run_large(&options),
        Command::Sanitize(options) => sanitize::run(&options),
        Command::Reproduce(options) => reproduce::run(&options),
        Command::NewVariant(options) => new_variant::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
