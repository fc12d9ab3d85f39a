//! From a file to a trained autoencoder with default settings: held-out error beside PCA's at the same code size, on real data
//! of every kind; and what must not change when a run is stopped, killed or resumed.

use std::process::{Command, Stdio};
use std::time::Instant;

use super::Row;
use super::runs::{Runs, number};
use crate::process::{cargo, run as execute};
use crate::{Result, repository};

const MODEL: &str = "/held_out/model/squared_error";
const PCA: &str = "/held_out/pca/squared_error";

/// MNIST at code 30: PCA, the default model, and the network of Hinton & Salakhutdinov 2006.
pub(super) fn mnist(runs: &Runs) -> Result<Vec<Row>> {
    let mnist = repository::data("mnist")?;
    let start = Instant::now();
    let default = runs.train("mnist", &mnist, &["--latent", "30"])?;
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let config = repository::root().join("examples/configs/hinton-2006.toml");
    let hinton = runs.train("hinton-2006", &mnist, &["--config", &config.to_string_lossy()])?;
    let pca = number(&default, PCA)?;
    Ok(vec![
        Row::at_most(
            "PCA on MNIST, 30 components: distance of its squared error a test image from 13.87",
            (pca - 13.87).abs(),
            0.1,
            "Hinton & Salakhutdinov 2006",
        ),
        Row::at_most(
            "`narrows train mnist --latent 30`: squared error a test image, of 784 pixels in 0..1",
            number(&default, MODEL)?,
            4.5,
            "",
        ),
        Row::at_most("the same: minutes, on this machine", minutes, 10.0, "two cores"),
        Row::at_most(
            "`hinton-2006.toml` (784-1000-500-250-30): squared error a test image",
            number(&hinton, MODEL)?,
            3.0,
            "Hinton & Salakhutdinov 2006",
        ),
    ])
}

/// Default settings on a census table, photographs, a small table without names, and activations of a language model.
pub(super) fn files(runs: &Runs) -> Result<Vec<Row>> {
    let files: [(&str, &str, &[&str]); 4] = [
        ("adult", "adult/adult.csv.gz", &["--latent", "8"]),
        ("bsds500", "bsds500/train", &[]),
        ("pendigits", "adbench/28_pendigits.npz", &[]),
        ("activations", "activations/minilm-layer3.safetensors", &["--tensor", "activations"]),
    ];
    let mut rows = Vec::new();
    for (name, path, arguments) in files {
        let trained = runs.train(name, &repository::data(path)?, arguments)?;
        let code = number(&trained, "/held_out/code")?;
        let what = format!("`{name}` with default settings, code {code}: held-out squared error a sample");
        rows.push(Row::at_most(what, number(&trained, MODEL)?, number(&trained, PCA)?, "PCA with as many components"));
    }
    Ok(rows)
}

/// Every variant stopped at every step of forty, and 200 kills of a run that writes a checkpoint at each step.
pub(super) fn interruptions(_: &Runs) -> Result<Vec<Row>> {
    let ignored = |package: &str, test: &str| -> Command {
        cargo(&[
            "test",
            "--release",
            "--quiet",
            "--package",
            package,
            "--test",
            "it",
            "--",
            "--ignored",
            "--exact",
            test,
        ])
    };
    let proofs = [
        (
            "narrows",
            "resume::every_variant_resumes_bit_for_bit_at_every_step",
            "every variant stopped at each of 40 steps and resumed: failures",
        ),
        (
            "narrows-train",
            "kill::two_hundred_kills_lose_nothing",
            "200 kills of a run that checkpoints at every step: failures",
        ),
    ];
    let mut rows = Vec::new();
    for (package, test, what) in proofs {
        let holds = ignored(package, test).status()?.success();
        rows.push(Row::at_most(what, f64::from(u8::from(!holds)), 0.0, ""));
    }
    Ok(rows)
}

/// Whole commands by the clock, process start and all; the median of several.
pub(super) fn commands(runs: &Runs) -> Result<Vec<Row>> {
    execute(&mut cargo(&[
        "build",
        "--quiet",
        "--release",
        "--package",
        "narrows-data",
        "--example",
        "correlated_rows",
    ]))?;
    let file = runs.path("rows.csv");
    let make = repository::target()?.join("release").join("examples").join("correlated_rows");
    execute(Command::new(make).arg(&file).args(["1000000", "20"]))?;
    runs.train("model", &file, &["--latent", "8", "--steps", "200"])?;
    let (model, codes) = (runs.path("model"), runs.path("codes.parquet"));
    let mut encode = runs.narrows(&["encode", "--force", "--quiet"]);
    encode.arg(model).arg(&file).arg("-o").arg(codes);
    let megabytes = std::fs::metadata(&file)?.len() as f64 / 1e6;
    let reading = megabytes / seconds(&mut encode, 5)?;
    let start = 1e3 * seconds(runs.narrows(&["--version"]).stdout(Stdio::null()), 50)?;
    Ok(vec![
        Row::at_least("`narrows encode` of 1,000,000 x 20 from CSV: megabytes a second", reading, 150.0, ""),
        Row::at_most("`narrows --version`: milliseconds", start, 10.0, ""),
    ])
}

/// The median time of a command.
fn seconds(command: &mut Command, times: usize) -> Result<f64> {
    let mut all = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        execute(command)?;
        all.push(start.elapsed().as_secs_f64());
    }
    all.sort_by(f64::total_cmp);
    Ok(all[times / 2])
}
