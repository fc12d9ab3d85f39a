//! `cargo xtask golden`: numbers of published implementations, computed by `xtask/golden/NAME.py` with pinned versions.
//!
//! A script gets one argument, an empty folder, and writes files below it at their place in the repository:
//! `FOLDER/crates/CRATE/tests/golden/*.json`. The command copies them here, or with `--check` compares. A script that only
//! compares, as with a reader of files that we write, fails and writes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde_json::Value;

use crate::process::run as execute;
use crate::{Result, repository};

const FOLDER: &str = "xtask/golden";
const REQUIREMENTS: &str = "xtask/golden/requirements.txt";
/// Relative difference between machines that `--check` accepts: kernels sum in different orders.
const TOLERANCE: f64 = 1e-6;

/// Which scripts, and what to do with their numbers.
#[derive(Args, Debug)]
pub struct Options {
    /// Scripts to run, without `.py`; all of them if none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Compare with the files in the repository instead of writing them
    #[arg(long)]
    check: bool,
    /// The Python to make the environment with
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    python: String,
}

/// Runs the scripts.
///
/// # Errors
///
/// When Python or a script fails, a script is unknown or writes elsewhere, or `--check` finds other numbers.
pub fn run(options: &Options) -> Result {
    let known = scripts()?;
    if let Some(unknown) = options.names.iter().find(|name| !known.contains(name)) {
        return Err(format!("no script `{unknown}` in {FOLDER}: expected one of {}", known.join(", ")).into());
    }
    let wanted: Vec<&String> = known.iter().filter(|n| options.names.is_empty() || options.names.contains(n)).collect();
    if wanted.is_empty() {
        println!("{FOLDER} holds no scripts");
        return Ok(());
    }
    let python = environment(&options.python)?;
    let mut differing = Vec::new();
    for name in wanted {
        let out = repository::target()?.join("golden").join("out").join(name);
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        fs::create_dir_all(&out)?;
        println!("{name}");
        let script = repository::root().join(FOLDER).join(format!("{name}.py"));
        execute(Command::new(&python).arg(script).arg(&out).current_dir(repository::root()).envs([
            ("PYTHONHASHSEED", "0"),
            ("OMP_NUM_THREADS", "1"),
            ("CUDA_VISIBLE_DEVICES", ""),
        ]))?;
        for path in written(&out, &out)? {
            let fresh = fs::read_to_string(out.join(&path)).map_err(|error| format!("{path}: {error}"))?;
            if !options.check {
                repository::write(&path, &fresh)?;
                println!("  {path}: written");
            } else if let Some(difference) = difference(&path, &fresh) {
                eprintln!("  {path}: {difference}");
                differing.push(path);
            }
        }
    }
    if differing.is_empty() { Ok(()) } else { Err(format!("golden numbers differ: {}", differing.join(", ")).into()) }
}

fn scripts() -> Result<Vec<String>> {
    let files = repository::files()?;
    let inside = files.iter().filter_map(|path| path.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(".py"));
    Ok(inside.map(str::to_owned).collect())
}

/// A virtual environment with the pinned packages, made once; where the pins change, pip replaces what differs.
pub(crate) fn environment(python: &str) -> Result<PathBuf> {
    let folder = repository::target()?.join("golden").join("venv");
    let inside = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let stamp = folder.join("requirements.txt");
    let wanted = repository::read(REQUIREMENTS)?;
    if fs::read_to_string(&stamp).is_ok_and(|made_for| made_for == wanted) {
        return Ok(inside);
    }
    println!("making a Python environment in {} (PyTorch is large)", folder.display());
    execute(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
    let requirements = repository::root().join(REQUIREMENTS);
    execute(
        Command::new(&inside)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&requirements),
    )?;
    // Copied last: an interrupted installation is made again.
    fs::copy(&requirements, &stamp)?;
    Ok(inside)
}

/// Files below `folder`, relative to `root`; all must lie where golden numbers belong.
fn written(folder: &Path, root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(written(&path, root)?);
            continue;
        }
        let relative = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
        if !(relative.starts_with("crates/") && relative.contains("/tests/golden/")) {
            return Err(
                format!("`{relative}` is no place for golden numbers: expected crates/CRATE/tests/golden/").into()
            );
        }
        found.push(relative);
    }
    found.sort();
    Ok(found)
}

/// How the file in the repository differs from `fresh`; `None` if it does not.
fn difference(path: &str, fresh: &str) -> Option<String> {
    let Ok(stored) = repository::read(path) else { return Some("is missing".to_owned()) };
    match (serde_json::from_str(&stored), serde_json::from_str(fresh)) {
        (Ok(stored), Ok(fresh)) => unequal(&stored, &fresh, "$"),
        _ => (stored != fresh).then(|| "differs".to_owned()),
    }
}

/// Where two documents part, numbers within [`TOLERANCE`] counting as equal.
fn unequal(stored: &Value, fresh: &Value, at: &str) -> Option<String> {
    match (stored, fresh) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64()?, b.as_f64()?);
            let close = (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1e-3);
            (!close).then(|| format!("{at}: {a} stored, {b} computed"))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| unequal(a, b, &format!("{at}[{i}]")))
        }
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().zip(b.values()).find_map(|((key, a), b)| unequal(a, b, &format!("{at}.{key}")))
        }
        _ => (stored != fresh).then(|| format!("{at}: differs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_with_tolerance_and_shapes_exactly() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let stored = value(r#"{"a": [1.0, 2.0], "b": "x"}"#);
        assert_eq!(unequal(&stored, &value(r#"{"a": [1.0000005, 2.0], "b": "x"}"#), "$"), None);
        let message = unequal(&stored, &value(r#"{"a": [1.0, 2.1], "b": "x"}"#), "$").unwrap();
        assert_eq!(message, "$.a[1]: 2 stored, 2.1 computed");
        assert!(unequal(&stored, &value(r#"{"a": [1.0], "b": "x"}"#), "$").is_some());
        assert!(unequal(&stored, &value(r#"{"a": [1.0, 2.0], "b": "y"}"#), "$").is_some());
    }
}
