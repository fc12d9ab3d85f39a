//! `cargo xtask ci`: the whole gate, cheapest first. Stops at the first stage that fails.

use std::time::{Duration, Instant};

use clap::Args;

use crate::process::{cargo, narrows, output, run as execute};
use crate::{Result, docs, repository, tidy};

/// What to run.
#[derive(Args, Debug, Default)]
pub struct Options {
    /// Run only these stages (fmt, tidy, data, clippy, test, doc, generated, smoke)
    #[arg(value_name = "STAGE", value_parser = STAGES.map(|(name, _)| name).to_vec())]
    stages: Vec<String>,
}

type Stage = (&'static str, fn() -> Result);

const STAGES: [Stage; 8] = [
    ("fmt", format),
    ("tidy", tidy::run),
    ("data", data_without_tensors),
    ("clippy", clippy),
    ("test", test),
    ("doc", doc),
    ("generated", generated),
    ("smoke", smoke),
];

/// Runs the stages in order, each with its time.
///
/// # Errors
///
/// When a stage fails.
pub fn run(options: &Options) -> Result {
    let start = Instant::now();
    let mut times = Vec::new();
    for (name, stage) in STAGES {
        if !options.stages.is_empty() && !options.stages.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("== {name}");
        let began = Instant::now();
        stage().map_err(|error| format!("stage `{name}`: {error}"))?;
        println!("== {name}: passed in {}", shown(began.elapsed()));
        times.push((name, began.elapsed()));
    }
    println!();
    for (name, time) in times {
        println!("{name:<10} {:>9}", shown(time));
    }
    println!("{:<10} {:>9}", "gate", shown(start.elapsed()));
    Ok(())
}

fn format() -> Result {
    execute(&mut cargo(&["fmt", "--all", "--check"]))
}

/// Alone, with the features that it asks for itself and without tensors; its tests run with all others.
fn data_without_tensors() -> Result {
    execute(&mut cargo(&["check", "--package", "narrows-data", "--all-targets"]))?;
    let tree = output(&mut cargo(&["tree", "--package", "narrows-data", "--edges", "normal", "--prefix", "none"]))?;
    match tree.lines().find(|line| line.starts_with("candle")) {
        Some(line) => Err(format!("narrows-data depends on {line}: tensors belong in narrows-tensor").into()),
        None => Ok(()),
    }
}

fn clippy() -> Result {
    execute(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn test() -> Result {
    execute(&mut cargo(&["test", "--workspace"]))
}

fn doc() -> Result {
    execute(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

fn generated() -> Result {
    docs::run(&docs::Options { check: true })
}

/// The tour that a newcomer takes first, in the dev profile.
fn smoke() -> Result {
    let narrows = narrows()?;
    let verbs = output(std::process::Command::new(&narrows).arg("--help"))?;
    if !verbs.lines().any(|line| line.split_whitespace().next() == Some("demo")) {
        println!("narrows has no verb `demo` yet: nothing to run");
        return Ok(());
    }
    let out = repository::target()?.join("smoke");
    if out.exists() {
        std::fs::remove_dir_all(&out)?;
    }
    execute(std::process::Command::new(&narrows).arg("demo").arg("--out").arg(&out))?;
    let report = out.join("report.html");
    if !report.is_file() {
        return Err("narrows demo ended without an error, but wrote no report.html".into());
    }
    Ok(std::fs::remove_dir_all(&out)?)
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 100.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}
