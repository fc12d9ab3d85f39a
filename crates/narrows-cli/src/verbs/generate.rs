//! `narrows generate`: new samples in the schema of the training data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use narrows::transform::Output;
use narrows::{Model, Sampler};

use super::Result;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::options::place;
use crate::terminal::progress;

/// Options of `narrows generate`.
#[derive(Args, Debug)]
pub(crate) struct Generate {
    /// A model file or a run directory.
    model: PathBuf,
    /// How many samples.
    #[arg(short, long = "number", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    number: u32,
    /// The file to write: .csv .tsv .parquet .arrow .arrows .npy .npz .safetensors .jsonl, and .png for pictures (a grid of
    /// up to 256, else numbered files; FOLDER/ for separate ones); `-` is standard output.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Seed of the samples.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Draw samples of this label from a conditional model, e.g. label=3; else labels are as frequent as in training.
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    condition: Option<String>,
    /// Where codes come from.
    #[arg(long, value_enum, default_value_t)]
    sampler: SamplerName,
    /// Replace the file that is there.
    #[arg(long)]
    force: bool,
}

/// Where codes come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum SamplerName {
    /// The model's prior; where it has none, the flow, or else the mixture.
    #[default]
    Auto,
    /// The distribution that training drew codes towards.
    Prior,
    /// A mixture of normal distributions fitted to the codes of training rows.
    Mixture,
    /// A flow fitted to the codes of training rows (`narrows train --flow`).
    Flow,
}

impl Generate {
    /// Draws, decodes and writes.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let model = Model::load(&self.model)?;
        let sampler = match self.sampler {
            SamplerName::Auto => Sampler::Auto,
            SamplerName::Prior => Sampler::Prior,
            SamplerName::Mixture => Sampler::Mixture,
            SamplerName::Flow => Sampler::Flow,
        };
        let given = self.condition.as_deref().map(|text| narrows::condition(&model, text)).transpose()?;
        let bar = progress::rows(u64::from(self.number), shared.quiet);
        let output = Output { path: &self.out, force: self.force, keep: &[] };
        let count = |rows| bar.inc(rows as u64);
        let written = narrows::generate(&model, sampler, self.number as usize, self.seed, given, output, count);
        progress::end(&bar);
        tracing::info!("{} rows in {}", written?, place(&self.out));
        Ok(Outcome::Done)
    }
}
