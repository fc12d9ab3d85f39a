//! `top-k`, `batch-top-k` and `matryoshka` on the hidden states of a sentence transformer, beside the same models in PyTorch:
//! 6,144 latents, 32 active, the same rows, steps, batch, rate, schedule and revival, over several seeds. PyTorch's encoders
//! start as in the papers, along the directions and as long as they are, as does our `matryoshka`; the others a tenth as long.

use std::thread;

use super::Row;
use super::runs::{Runs, diagnostic, number, side_by_side};
use super::spread::Spread;
use crate::{Result, repository};

const MODELS: [&str; 3] = ["top-k", "batch-top-k", "matryoshka"];
const SEEDS: [&str; 3] = ["0", "1", "2"];
const LATENTS: &str = "6144";
const ACTIVE: &str = "32";
const STEPS: &str = "1000";
const BATCH: &str = "1024";
const RATE: &str = "1e-3";

/// Trains all three and their peers at every seed, a thread each.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let activations = repository::data("activations/minilm-layer3.safetensors")?;
    runs.script("sparse", &["prepare", &activations.to_string_lossy()])?;
    let jobs: Vec<(&str, &str)> = MODELS.iter().flat_map(|model| SEEDS.map(|seed| (*model, seed))).collect();
    let mut pairs = Vec::new();
    for group in jobs.chunks(thread::available_parallelism()?.get()) {
        pairs.extend(side_by_side(group, |(model, seed)| beside_pytorch(runs, model, seed))?);
    }
    Ok(MODELS.iter().zip(pairs.chunks(SEEDS.len())).flat_map(|(model, pairs)| rows(model, pairs)).collect())
}

/// What a model reaches on held-out rows.
struct Figures {
    /// The fraction of variance that it does not explain.
    unexplained: f64,
    /// Active latents a sample.
    active: f64,
    /// The share of latents that no sample uses.
    dead: f64,
}

/// Ours and PyTorch's.
fn beside_pytorch(runs: &Runs, model: &str, seed: &str) -> Result<[Figures; 2]> {
    let k = format!("model.k={ACTIVE}");
    let settings = [
        k.as_str(),
        "data.prepare.arrays=none",
        "data.split.fractions=[1.0, 0.0, 0.0]",
        "train.decay=0.0",
        "train.schedule={ trapezoid = { warmup = 0.02, decay = 0.8 } }",
        "train.checkpoint-every=1000000",
    ];
    let mut arguments = vec!["--model", model, "--latent", LATENTS, "--steps", STEPS, "--batch", BATCH, "--rate", RATE];
    arguments.extend(["--seed", seed, "--threads", "1"]);
    arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    let run = format!("{model}-{seed}");
    runs.train(&run, &runs.path("train.npy"), &arguments)?;
    let ours = runs.evaluate(&run, &runs.path("test.npy"), &["--threads", "1"])?;
    let ours = Figures {
        unexplained: 1.0 - number(&ours, "/model/explained_variance")?,
        active: diagnostic(&ours, "active latents a sample")?,
        dead: diagnostic(&ours, "dead latents, share")?,
    };
    let peer = runs.script("sparse", &["train", model, LATENTS, ACTIVE, STEPS, BATCH, RATE, seed])?;
    let theirs = |name: &str| number(&peer, &format!("/{name}"));
    let theirs = Figures { unexplained: theirs("fvu")?, active: theirs("active")?, dead: theirs("dead")? };
    println!("{run}: {:.4} unexplained, {:.4} in PyTorch", ours.unexplained, theirs.unexplained);
    Ok([ours, theirs])
}

/// The rows of one model, from its seeds.
fn rows(model: &str, pairs: &[[Figures; 2]]) -> [Row; 3] {
    let of = |side: usize, figure: fn(&Figures) -> f64| {
        Spread::of(&pairs.iter().map(|pair| figure(&pair[side])).collect::<Vec<_>>())
    };
    let what = |figure: &str| {
        format!("`{model}`, 384 to {LATENTS}, {STEPS} steps of {BATCH}, {} seeds: {figure}", pairs.len())
    };
    let [ours, theirs] = [0, 1].map(|side| of(side, |figures| figures.unexplained));
    let unexplained = Row {
        measured: ours.with_digits(4),
        ..Row::at_most(
            what("fraction of variance unexplained, held-out"),
            ours.mean,
            theirs.mean,
            &format!("the same in PyTorch: {}", theirs.with_digits(4)),
        )
    };
    // Rows that nobody trained on pass a learned threshold more often, in both.
    let [active, theirs] = [0, 1].map(|side| of(side, |figures| figures.active).mean);
    let active = Row::at_most(what("active latents, held-out"), active, 1.05 * theirs, "PyTorch's and 5 %");
    [unexplained, active, Row::at_most(what("dead latents, share"), of(0, |figures| figures.dead).mean, 0.01, "")]
}
