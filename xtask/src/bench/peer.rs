//! A process that runs rounds of one workload on request.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;

use crate::process::run as execute;
use crate::{Result, repository};

const SCRIPT: &str = "xtask/bench/peers.py";
const REQUIREMENTS: &str = "xtask/bench/requirements.txt";

/// One implementation, ready to run.
pub(super) struct Peer {
    pub(super) name: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What a round measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// Samples a second.
    pub(super) rate: f64,
    /// Seconds of a step.
    pub(super) step: f64,
}

#[derive(Deserialize)]
struct Answer {
    samples: f64,
    median: f64,
}

#[derive(Deserialize)]
struct Last {
    peak_mib: f64,
}

impl Peer {
    /// Our binary, of fused or of candle's own operations.
    pub(super) fn ours(workload: &str, operations: &str) -> Result<Self> {
        let program = format!("narrows-bench{}", std::env::consts::EXE_SUFFIX);
        let program = repository::target()?.join("release").join(program);
        Self::start(operations.to_owned(), Command::new(program).args([workload, operations]))
    }

    /// PyTorch's script.
    pub(super) fn torch(python: &Path, workload: &str, mode: &str) -> Result<Self> {
        Self::start(format!("torch {mode}"), script(python, SCRIPT).args([workload, mode]))
    }

    fn start(name: String, command: &mut Command) -> Result<Self> {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| format!("{name} cannot start: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{name} has no standard input or output").into());
        };
        Ok(Self { name, child, input, output: BufReader::new(output) })
    }

    /// Runs a round of `seconds`.
    pub(super) fn round(&mut self, seconds: f64) -> Result<Round> {
        writeln!(self.input, "{seconds}")?;
        self.input.flush()?;
        let answer: Answer = serde_json::from_str(&self.line()?)?;
        Ok(Round { rate: answer.samples / answer.median, step: answer.median })
    }

    /// Ends the process and returns its peak memory in MiB.
    pub(super) fn finish(self) -> Result<f64> {
        let Self { name, mut child, input, mut output } = self;
        drop(input);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("{name} failed ({status})").into());
        }
        Ok(serde_json::from_str::<Last>(&line)?.peak_mib)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            let status = self.child.wait()?;
            return Err(format!("{} ended early ({status})", self.name).into());
        }
        Ok(line)
    }
}

/// A script of the repository, run by `python` on processors alone.
pub(super) fn script(python: &Path, path: &str) -> Command {
    let mut command = Command::new(python);
    command.args(["-W", "ignore"]).arg(repository::root().join(path)).env("CUDA_VISIBLE_DEVICES", "");
    command
}

/// A virtual environment with the pinned packages, made once.
pub(super) fn environment(python: &str) -> Result<PathBuf> {
    let folder = repository::target()?.join("bench").join("venv");
    let inside = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let stamp = folder.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|made_for| repository::read(REQUIREMENTS).is_ok_and(|w| w == made_for))
    {
        return Ok(inside);
    }
    println!("making a Python environment in {} (PyTorch is large)", folder.display());
    execute(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
    let requirements = repository::root().join(REQUIREMENTS);
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    execute(Command::new(&inside).args(install).arg(&requirements))?;
    std::fs::copy(&requirements, &stamp)?;
    Ok(inside)
}
