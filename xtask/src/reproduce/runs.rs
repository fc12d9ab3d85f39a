//! What reproductions work with: the release binary, a folder of their own, the data, Python.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::process::{cargo, output, run as execute};
use crate::{Result, golden, repository};

const SCRIPTS: &str = "xtask/reproduce";

/// The surroundings of one reproduction.
#[derive(Debug)]
pub struct Runs {
    narrows: PathBuf,
    folder: PathBuf,
    python: String,
    seeds: Vec<u64>,
    tables: Mutex<String>,
}

impl Runs {
    /// Builds the release binary and makes the folder.
    ///
    /// # Errors
    ///
    /// When it does not build, or the folder cannot be made.
    pub fn new(name: &str, python: &str, seeds: &[u64]) -> Result<Self> {
        execute(&mut cargo(&["build", "--release", "--quiet", "--package", "narrows-cli"]))?;
        let target = repository::target()?;
        let folder = target.join("reproduce").join(name);
        fs::create_dir_all(&folder)?;
        let narrows = target.join("release").join(format!("narrows{}", std::env::consts::EXE_SUFFIX));
        let (python, tables) = (python.to_owned(), Mutex::default());
        Ok(Self { narrows, folder, python, seeds: seeds.to_vec(), tables })
    }

    /// The seeds asked for, of reproductions that run several.
    pub fn seeds(&self) -> &[u64] {
        &self.seeds
    }

    /// Adds a table to the page, below the rows.
    pub fn table(&self, markdown: &str) {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).push_str(markdown);
    }

    /// The tables added.
    pub fn tables(&self) -> String {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A place for a file of this reproduction.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// `narrows` with arguments.
    pub fn narrows(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.narrows);
        command.args(arguments).current_dir(&self.folder);
        command
    }

    /// Trains anew into the folder `run` and returns what `narrows train --json` says.
    ///
    /// # Errors
    ///
    /// When training fails.
    pub fn train(&self, run: &str, data: &Path, arguments: &[&str]) -> Result<Value> {
        println!("train {run}");
        let mut command = self.narrows(&["train"]);
        command.arg(data).args(arguments).args(["--json", "--quiet", "--force", "--out"]).arg(self.path(run));
        Ok(serde_json::from_str(&output(&mut command)?)?)
    }

    /// Trains anew into the folder `run` and returns the seconds that it took.
    ///
    /// # Errors
    ///
    /// When training fails.
    pub fn train_timed(&self, run: &str, data: &Path, arguments: &[&str]) -> Result<f64> {
        let start = Instant::now();
        self.train(run, data, arguments)?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// What `narrows evaluate --json` says of a run on data.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub fn evaluate(&self, run: &str, data: &Path, arguments: &[&str]) -> Result<Value> {
        let mut command = self.narrows(&["evaluate"]);
        command.arg(self.path(run)).arg(data).args(arguments).args(["--json", "--quiet"]);
        Ok(serde_json::from_str(&output(&mut command)?)?)
    }

    /// The JSON that a script in `xtask/reproduce` prints.
    ///
    /// # Errors
    ///
    /// When Python or the script fails.
    pub fn script(&self, name: &str, arguments: &[&str]) -> Result<Value> {
        println!("python {name}.py {}", arguments.join(" "));
        let script = repository::root().join(SCRIPTS).join(format!("{name}.py"));
        let mut command = Command::new(golden::environment(&self.python)?);
        command.arg(script).args(arguments).current_dir(&self.folder);
        Ok(serde_json::from_str(&output(&mut command)?)?)
    }
}

/// What `measure` gives for each of `all`, a thread each, in their order.
///
/// # Errors
///
/// When one of them fails.
pub(super) fn side_by_side<T: Sync, R: Send>(all: &[T], measure: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let measured: std::result::Result<Vec<R>, String> = thread::scope(|scope| {
        let started: Vec<_> =
            all.iter().map(|one| scope.spawn(|| measure(one).map_err(|error| error.to_string()))).collect();
        started.into_iter().map(|one| one.join().map_err(|_| "a measurement has stopped".to_owned())?).collect()
    });
    Ok(measured?)
}

/// A number in a document, by its JSON pointer.
///
/// # Errors
///
/// When there is none.
pub(super) fn number(document: &Value, pointer: &str) -> Result<f64> {
    let found = document.pointer(pointer).and_then(Value::as_f64);
    found.ok_or_else(|| format!("no number at {pointer} of {document}").into())
}

/// A figure of the diagnostics, by its name.
///
/// # Errors
///
/// When there is none.
pub(super) fn diagnostic(document: &Value, name: &str) -> Result<f64> {
    let all = document.pointer("/diagnostics").and_then(Value::as_array);
    let found = all.and_then(|all| all.iter().find(|one| one["name"] == name)).and_then(|one| one["value"].as_f64());
    found.ok_or_else(|| format!("no diagnostic `{name}` in {document}").into())
}
