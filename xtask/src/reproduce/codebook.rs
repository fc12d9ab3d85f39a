//! How much of its codebook `vq-vae` uses on MNIST: the perplexity of the entries over all test pictures.

use super::Row;
use super::runs::{Runs, diagnostic};
use crate::{Result, repository};

const ENTRIES: f64 = 512.0;

/// Trains and counts.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let mnist = repository::data("mnist")?;
    let trained = runs.train("vq-vae", &mnist, &["--model", "vq-vae", "--latent", "32", "--epochs", "10"])?;
    let share = diagnostic(&trained["held_out"], "codebook perplexity")? / ENTRIES;
    let what =
        "`vq-vae`, MNIST, 512 entries, 8 a picture, 10 epochs: perplexity of the codebook on test pictures, share";
    Ok(vec![Row::at_least(what, share, 0.6, "")])
}
