//! The command line as a whole: what every verb shares, and the list of verbs.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::verbs;

/// Autoencoders from a file to a trained, evaluated and reported model.
#[derive(Debug, Parser)]
#[command(name = "narrows", version, about, arg_required_else_help = true, propagate_version = true)]
#[command(
    after_help = "Start with `narrows demo`, or with `narrows train FILE`. Exit codes: 0 done; 1 the run failed; \
    2 usage or configuration; 3 bad data or a damaged file; 4 a check did not hold; 75 interrupted, resumable."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options of every verb.
#[derive(Args, Debug)]
#[command(next_help_heading = "General")]
pub(crate) struct Shared {
    /// Prints one JSON object instead of tables.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress bars and no remarks, only results and errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Threads to compute with; results do not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Where fetched datasets lie.
    #[arg(long, global = true, value_name = "DIR", env = "NARROWS_DATA", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

/// What narrows can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// The whole tour on embedded digits in under a minute.
    Demo(verbs::demo::Demo),
    /// Trains a model on a file and writes a run directory.
    Train(Box<verbs::train::Train>),
    /// Measures a model on data, beside PCA.
    Evaluate(verbs::evaluate::Evaluate),
    /// Writes the codes of rows.
    Encode(verbs::encode::Encode),
    /// Writes the rows that codes stand for.
    Decode(verbs::decode::Decode),
    /// Writes rows after passing through the bottleneck.
    Reconstruct(verbs::reconstruct::Reconstruct),
    /// Scores rows, and flags and explains the unusual ones.
    Detect(verbs::detect::Detect),
    /// Writes clean rows or pictures for noisy ones.
    Denoise(verbs::denoise::Denoise),
    /// Writes new samples in the schema of the training data.
    Generate(verbs::generate::Generate),
    /// Trains several models on the same data and ranks them, PCA among them.
    Compare(Box<verbs::compare::Compare>),
    /// Makes one HTML page of one or several runs.
    Report(verbs::report::Report),
    /// Lists the models.
    Models(verbs::models::Models),
    /// Shows one model: paper, formula and options.
    Describe(verbs::describe::Describe),
    /// Prints a configuration file to start from.
    Init(verbs::init::Init),
    /// Datasets: list and fetch them, describe any data file.
    Data(verbs::data::Data),
    /// Shows what a model file or a run holds, and verifies its checksums.
    Inspect(verbs::inspect::Inspect),
    /// Checks what this machine has for training.
    Doctor(verbs::doctor::Doctor),
    /// Prints the JSON Schema of a configuration file.
    Schema(verbs::schema::Schema),
    /// Prints a completion script for a shell.
    Completions(verbs::completions::Completions),
    /// Writes manual pages.
    Man(verbs::man::Manual),
}
