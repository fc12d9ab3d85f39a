//! The whole command: `narrows encode` of a Parquet file, process start and all, and a Python script that does the same.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{Figures, Options, Outcome, clocked, peer, times};
use crate::process::{cargo, peak_kilobytes, run as execute};
use crate::{Result, repository};

const SCRIPT: &str = "xtask/bench/encode.py";
/// Columns of the file.
const COLUMNS: usize = 20;
/// Rows that the model is trained on.
const TRAINED: usize = 10_000;

/// Files and programs of these workloads.
pub(super) struct Scene {
    pub(super) folder: PathBuf,
    release: PathBuf,
}

impl Scene {
    /// Builds the programs.
    pub(super) fn new() -> Result<Self> {
        let target = repository::target()?;
        let folder = target.join("bench");
        std::fs::create_dir_all(&folder)?;
        execute(&mut cargo(&["build", "--quiet", "--release", "--package", "narrows-cli"]))?;
        let example = ["build", "--quiet", "--release", "--package", "narrows-data", "--example", "correlated_rows"];
        execute(&mut cargo(&example))?;
        Ok(Self { folder, release: target.join("release") })
    }

    /// A file of so many rows, made once.
    pub(super) fn rows(&self, rows: usize) -> Result<PathBuf> {
        let path = self.folder.join(format!("rows-{rows}.parquet"));
        if !path.exists() {
            let mut make = Command::new(self.release.join("examples").join("correlated_rows"));
            execute(make.arg(&path).args([rows.to_string(), COLUMNS.to_string()]))?;
        }
        Ok(path)
    }

    pub(super) fn narrows(&self) -> Command {
        let mut command = Command::new(self.release.join("narrows"));
        command.stdout(Stdio::null());
        command
    }

    /// A trained model.
    fn model(&self) -> Result<PathBuf> {
        let path = self.folder.join("encode-model");
        let train = ["--latent", "8", "--steps", "200", "--force", "--quiet", "--out"];
        execute(self.narrows().arg("train").arg(self.rows(TRAINED)?).args(train).arg(&path))?;
        Ok(path)
    }
}

/// Measures the workload of so many rows; the two programs take turns.
pub(super) fn measure(name: &str, rows: usize, python: Option<&Path>, options: &Options) -> Result<Outcome> {
    let scene = Scene::new()?;
    let (model, data) = (scene.model()?, scene.rows(rows)?);
    let out = |program: &str| scene.folder.join(format!("codes-{program}.parquet"));
    let ours = || {
        let mut command = scene.narrows();
        command.arg("encode").arg(&model).arg(&data).args(["--force", "--quiet", "-o"]).arg(out("ours"));
        command
    };
    let theirs = |python: &Path, arguments: [&Path; 3]| {
        let mut command = peer::script(python, SCRIPT);
        command.args(arguments);
        command
    };
    let encode = |python| theirs(python, [&model, &data, &out("theirs")]);
    let mut seconds = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..options.rounds.max(1) {
        seconds[0].push(clocked(&mut ours())?);
        if let Some(python) = python {
            let start = Instant::now();
            let inner = crate::process::output(&mut encode(python))?;
            seconds[1].push(start.elapsed().as_secs_f64());
            seconds[2].push(inner.trim().parse()?);
        }
    }
    let figures = |implementation: &str, seconds: &[f64], peak: u64| {
        Figures::of_command(implementation, rows as f64, seconds, peak)
    };
    let mut all = vec![figures("fused", &seconds[0], peak_kilobytes(&mut ours())?)];
    let (mut ratio, mut without_imports) = (None, None);
    if let Some(python) = python {
        execute(&mut theirs(python, [Path::new("--compare"), &out("ours"), &out("theirs")]))?;
        let peak = peak_kilobytes(encode(python).stdout(Stdio::null()))?;
        all.push(figures("torch, whole script", &seconds[1], peak));
        all.push(figures("without its imports", &seconds[2], peak));
        let to = |peer: &[f64]| Some(times(&seconds[0], peer));
        (ratio, without_imports) = (to(&seconds[1]), to(&seconds[2]));
    }
    Ok(Outcome { without_imports, ..Outcome::new(name, all, ratio) })
}
