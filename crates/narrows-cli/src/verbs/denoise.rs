//! `narrows denoise`: noisy rows or pictures to clean ones.

use std::path::PathBuf;

use clap::Args;
use narrows::Model;
use narrows::denoise::{Comparison, Denoise as Request, denoise};

use super::Result;
use super::evaluate::number;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::options::{SplitName, not_the_input};
use crate::terminal::progress;
use crate::terminal::table::Table;

/// Options of `narrows denoise`.
#[derive(Args, Debug)]
pub(crate) struct Denoise {
    /// A model file or a run directory, best of a `dae` (`narrows train --task denoising`).
    model: PathBuf,
    /// A file, a picture, a directory, `-` for standard input, or a dataset's name.
    input: String,
    /// The file to write: rows as .csv .tsv .parquet .arrow .arrows .npy .npz .safetensors .jsonl .png, one picture as .png
    /// .jpg; for a folder of pictures a folder.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// The same data without noise: prints how far input and output are from it.
    #[arg(long, value_name = "DATA", conflicts_with = "add_noise")]
    clean: Option<String>,
    /// Try it: takes the input as clean, adds Gaussian noise of this level (in deviations of the data; of pixels in 0..1, which
    /// noise may leave) and prints how far noisy input and output are from it.
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    add_noise: Option<f64>,
    /// Seed of the added noise.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "add_noise")]
    seed: u64,
    /// Also write the noisy data here.
    #[arg(long, value_name = "FILE", requires = "add_noise")]
    noisy: Option<PathBuf>,
    /// Which rows; a split other than `all` divides the data as in training.
    #[arg(long, value_enum, default_value_t)]
    split: SplitName,
    /// The first rows or pictures only.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Replace what is there.
    #[arg(long)]
    force: bool,
}

impl Denoise {
    /// Reads, computes and writes.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let model = Model::load(&self.model)?;
        super::warn_of_reconstruction(&model);
        for out in std::iter::once(&self.out).chain(&self.noisy) {
            for data in std::iter::once(&self.input).chain(&self.clean) {
                not_the_input(out, data)?;
            }
        }
        let request = Request {
            input: &self.input,
            data_dir: shared.data_dir.as_deref(),
            part: self.split.into(),
            limit: self.limit,
            out: &self.out,
            force: self.force,
            clean: self.clean.as_deref(),
            add_noise: self.add_noise,
            seed: self.seed,
            noisy: self.noisy.as_deref(),
        };
        let bar = progress::rows(0, shared.quiet);
        let count = &mut |samples: usize, total: usize| {
            bar.set_length(total as u64);
            bar.inc(samples as u64);
        };
        let done = denoise(&model, &request, count);
        progress::end(&bar);
        let done = done?;
        if done.comparison.as_ref().is_some_and(Comparison::harmful) {
            tracing::warn!(
                "the output is further from the clean data than the noisy input: the noise is weaker than what the model \
                 cannot represent; use a larger code (`--latent`), train longer, or leave the data as they are"
            );
        }
        let to_stdout = self.out.as_os_str() == "-";
        if shared.json && !to_stdout {
            say!("{}", serde_json::to_string(&done)?)?;
        } else if let (Some(comparison), false) = (&done.comparison, to_stdout) {
            print(model.document.config.model.name(), comparison)?;
        }
        tracing::info!("{} denoised in {}", done.samples, self.out.display());
        Ok(Outcome::Done)
    }
}

/// Distances from the clean data as a table.
fn print(name: &str, comparison: &Comparison) -> std::io::Result<()> {
    let Comparison { noisy, denoised } = comparison;
    let heading = format!("{} compared with clean ones", noisy.samples);
    let mut table = Table::new([heading.as_str(), "noisy", name]);
    let each = |value: f64| number(value);
    table.row([
        "squared error a value".to_owned(),
        each(noisy.squared_error_per_element),
        each(denoised.squared_error_per_element),
    ]);
    if let (Some(noisy), Some(denoised)) = (noisy.psnr, denoised.psnr) {
        table.row(["PSNR (dB)".to_owned(), format!("{noisy:.2}"), format!("{denoised:.2}")]);
    }
    table.print()
}

/// Parses a level of noise.
fn level(text: &str) -> std::result::Result<f64, String> {
    let parsed = text.parse::<f64>().ok().filter(|level| level.is_finite() && *level > 0.0);
    parsed.ok_or_else(|| "expected a number above 0, e.g. 0.1".into())
}
