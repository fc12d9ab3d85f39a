//! The whole command: `narrows detect` from Parquet to Parquet with a dense detector, process start and all.

use std::path::PathBuf;

use super::encode::Scene;
use super::{Figures, Options, Outcome, clocked};
use crate::Result;
use crate::process::{peak_kilobytes, run as execute};

/// Rows that the detector is trained on, held out and calibrated with.
const TRAINED: usize = 100_000;

/// A detector that keeps no training rows to compare with: only so does a row cost the same however many there were.
fn detector(scene: &Scene) -> Result<PathBuf> {
    let path = scene.folder.join("detector");
    let train =
        ["--task", "anomaly", "--model", "ae", "--latent", "8", "--steps", "300", "--force", "--quiet", "--out"];
    execute(scene.narrows().arg("train").arg(scene.rows(TRAINED)?).args(train).arg(&path))?;
    Ok(path)
}

/// Measures the workload of so many rows.
pub(super) fn measure(name: &str, rows: usize, options: &Options) -> Result<Outcome> {
    let scene = Scene::new()?;
    let (model, data) = (detector(&scene)?, scene.rows(rows)?);
    let command = || {
        let mut command = scene.narrows();
        let out = scene.folder.join("alarms.parquet");
        command.arg("detect").arg(&model).arg(&data).args(["--fpr", "0.01", "--force", "--quiet", "-o"]).arg(out);
        command
    };
    let mut seconds = Vec::new();
    for _ in 0..options.rounds.max(1) {
        seconds.push(clocked(&mut command())?);
    }
    let figures = vec![Figures::of_command("fused", rows as f64, &seconds, peak_kilobytes(&mut command())?)];
    Ok(Outcome::new(name, figures, None))
}
