//! How well single latents know the factors of pictures: the mutual information gap of `beta-tc-vae` and `factor-vae` beside
//! that of `vae`, over several seeds.

use std::path::Path;

use super::Row;
use super::runs::{Runs, number};
use crate::Result;

const SQUARES: &str = "synthetic:squares?rows=10000";
const SEEDS: [&str; 3] = ["0", "1", "2"];

/// Trains all three at every seed.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let gap = |model: &str| -> Result<f64> {
        let mut sum = 0.0;
        for seed in SEEDS {
            let run = format!("{model}-{seed}");
            let arguments = ["--model", model, "--latent", "6", "--steps", "6000", "--seed", seed, "--patch", "0"];
            let further = ["--set", "model.skip=false", "--set", "model.likelihood=bernoulli"];
            runs.train(&run, Path::new(SQUARES), &[&arguments[..], &further].concat())?;
            let found = runs.evaluate(&run, Path::new(SQUARES), &["--factors", "x,y,size"])?;
            sum += number(&found, "/factors/mutual_information_gap")?;
        }
        println!("{model}: {:.3}", sum / SEEDS.len() as f64);
        Ok(sum / SEEDS.len() as f64)
    };
    let (vae, mut rows) = (gap("vae")?, Vec::new());
    for model in ["beta-tc-vae", "factor-vae"] {
        let what =
            format!("`{model}`, squares of independent place and size, 6 latents, 3 seeds: mutual information gap");
        rows.push(Row::at_least(what, gap(model)?, vae, "`vae`"));
    }
    Ok(rows)
}
