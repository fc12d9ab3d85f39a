//! `top-k`, `batch-top-k` and `matryoshka` on the hidden states of a sentence transformer, beside the same models in PyTorch:
//! 6,144 latents, 32 active, the same rows, steps, batch, rate, schedule and revival.

use super::Row;
use super::runs::{Runs, diagnostic, number};
use crate::{Result, repository};

const LATENTS: &str = "6144";
const ACTIVE: &str = "32";
const STEPS: &str = "1000";
const BATCH: &str = "1024";
const RATE: &str = "1e-3";

/// Trains all three, and their peers.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let activations = repository::data("activations/minilm-layer3.safetensors")?;
    runs.script("sparse", &["prepare", &activations.to_string_lossy()])?;
    let (train, test) = (runs.path("train.npy"), runs.path("test.npy"));
    let mut rows = Vec::new();
    for model in ["top-k", "batch-top-k", "matryoshka"] {
        let k = format!("model.k={ACTIVE}");
        let settings = [
            k.as_str(),
            "data.prepare.arrays=none",
            "data.split.fractions=[1.0, 0.0, 0.0]",
            "train.decay=0.0",
            "train.schedule={ trapezoid = { warmup = 0.02, decay = 0.8 } }",
            "train.checkpoint-every=1000000",
        ];
        let mut arguments =
            vec!["--model", model, "--latent", LATENTS, "--steps", STEPS, "--batch", BATCH, "--rate", RATE];
        arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        runs.train(model, &train, &arguments)?;
        let ours = runs.evaluate(model, &test, &[])?;
        println!("{model}: {ours}");
        let peer = runs.script("sparse", &["train", model, LATENTS, ACTIVE, STEPS, BATCH, RATE])?;
        println!("{model} in PyTorch: {peer}");
        let what = |figure: &str| format!("`{model}`, 384 to {LATENTS}, {STEPS} steps of {BATCH}: {figure}");
        let unexplained = 1.0 - number(&ours, "/model/explained_variance")?;
        let (theirs, of) = (number(&peer, "/fvu")?, "the same in PyTorch");
        rows.push(Row::at_most(what("fraction of variance unexplained, held-out"), unexplained, theirs, of));
        // Rows that nobody trained on pass a learned threshold more often, in both.
        let (active, theirs) = (diagnostic(&ours, "active latents a sample")?, number(&peer, "/active")?);
        rows.push(Row::at_most(what("active latents, held-out"), active, 1.05 * theirs, "PyTorch's and 5 %"));
        let dead = diagnostic(&ours, "dead latents, share")?;
        rows.push(Row::at_most(what("dead latents, share"), dead, 0.01, ""));
    }
    Ok(rows)
}
