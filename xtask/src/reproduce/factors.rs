//! How well single latents know the factors of pictures: the mutual information gap of `beta-tc-vae` and `factor-vae` beside
//! that of `vae`, over several seeds.

use std::path::Path;
use std::thread;

use super::Row;
use super::runs::{Runs, number, side_by_side};
use super::spread::Spread;
use crate::Result;

const SQUARES: &str = "synthetic:squares?rows=10000";
const MODELS: [&str; 3] = ["vae", "beta-tc-vae", "factor-vae"];
const SEEDS: [&str; 3] = ["0", "1", "2"];

/// Trains all three at every seed, a thread each.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let jobs: Vec<(&str, &str)> = MODELS.iter().flat_map(|model| SEEDS.map(|seed| (*model, seed))).collect();
    let mut gaps = Vec::new();
    for group in jobs.chunks(thread::available_parallelism()?.get()) {
        gaps.extend(side_by_side(group, |(model, seed)| gap(runs, model, seed))?);
    }
    let of: Vec<Spread> = gaps.chunks(SEEDS.len()).map(Spread::of).collect();
    let rows = MODELS.iter().zip(&of).skip(1).map(|(model, gaps)| {
        let what =
            format!("`{model}`, squares of independent place and size, 6 latents, 3 seeds: mutual information gap");
        Row::spread(what, *gaps, of[0].mean, &format!("`vae`: {}", of[0]))
    });
    Ok(rows.collect())
}

/// The mutual information gap of a model.
fn gap(runs: &Runs, model: &str, seed: &str) -> Result<f64> {
    let run = format!("{model}-{seed}");
    let arguments = ["--model", model, "--latent", "6", "--steps", "6000", "--seed", seed, "--patch", "0"];
    let further = ["--set", "model.skip=false", "--set", "model.likelihood=bernoulli", "--threads", "1"];
    runs.train(&run, Path::new(SQUARES), &[&arguments[..], &further].concat())?;
    let found = runs.evaluate(&run, Path::new(SQUARES), &["--factors", "x,y,size", "--threads", "1"])?;
    let gap = number(&found, "/factors/mutual_information_gap")?;
    println!("{model}, seed {seed}: {gap:.3}");
    Ok(gap)
}
