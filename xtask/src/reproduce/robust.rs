//! Every variant at its defaults on data that break careless arithmetic: 2,000 steps, and every figure is a number. The
//! convolutional one, which takes no single rows, is given windows of them, all for training because a tenth of ten rows is
//! none, and the conditional one the labels.

use std::fmt::Write as _;
use std::process::Stdio;
use std::thread;

use serde_json::Value;

use super::Row;
use super::runs::{Runs, number, side_by_side};
use crate::Result;
use crate::process::output;

const STEPS: &str = "2000";
/// Rows of a window where a variant takes no single rows.
const WINDOW: &str = "4";

/// Trains every variant of the catalogue on every file.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let listing: Value = serde_json::from_str(&output(&mut runs.narrows(&["models", "--json"]))?)?;
    let models = listing["models"].as_array().into_iter().flatten().filter_map(|model| model["name"].as_str());
    let models: Vec<&str> = models.collect();
    let mut rows = Vec::new();
    for (what, name, text) in files() {
        std::fs::write(runs.path(&name), text)?;
        let mut outcomes = Vec::new();
        for group in models.chunks(thread::available_parallelism()?.get()) {
            outcomes.extend(side_by_side(group, |model| train(runs, model, &name))?);
        }
        let failed = models.iter().zip(&outcomes).filter_map(|(model, failure)| Some((model, failure.as_ref()?)));
        let failed: Vec<_> = failed.collect();
        for (model, failure) in &failed {
            println!("{what}: `{model}`: {failure}");
        }
        rows.push(Row {
            what: format!("variants that train on {what}, {STEPS} steps at defaults"),
            measured: format!("{} of {}", models.len() - failed.len(), models.len()),
            bar: "all".into(),
            holds: failed.is_empty(),
        });
    }
    Ok(rows)
}

/// Why a variant could not be trained on a file, if it could not.
fn train(runs: &Runs, model: &str, file: &str) -> Result<Option<String>> {
    let mut command = runs.narrows(&["train", file, "--model", model, "--label", "y", "--steps", STEPS]);
    command.args(["--threads", "1", "--json", "--quiet", "--force", "--out", model]).stderr(Stdio::piped());
    if model.starts_with("conv") {
        command.args(["--window", WINDOW, "--set", "data.split.fractions=[1.0, 0.0, 0.0]"]);
    }
    let done = command.output()?;
    if !done.status.success() {
        return Ok(Some(String::from_utf8_lossy(&done.stderr).trim().to_owned()));
    }
    let summary: Value = serde_json::from_slice(&done.stdout)?;
    let error = number(&summary, "/held_out/model/squared_error").ok().filter(|error| error.is_finite());
    Ok(error.is_none().then(|| "the held-out error is no number".to_owned()))
}

/// What each file is, its name, its text.
fn files() -> Vec<(&'static str, String, String)> {
    let mut state = 1_u64;
    let mut uniform = move || {
        // Knuth's linear congruential generator; its high bits.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let mut table = |name: &str, rows: usize, columns: usize, value: &dyn Fn(usize, f64) -> f64| {
        let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
        let mut text = names.join(",") + ",y\n";
        for row in 0..rows {
            let cells: Vec<String> = (0..columns).map(|column| value(column, uniform()).to_string()).collect();
            let _ = writeln!(text, "{},{}", cells.join(","), if row % 3 == 0 { "a" } else { "b" });
        }
        (format!("{name}.csv"), text)
    };
    let mut files = Vec::new();
    let mut add = |what, (name, text)| files.push((what, name, text));
    add("constant columns", table("constant", 300, 8, &|column, u| if column < 4 { 0.3 } else { u }));
    add("pixel values 0..255 unscaled", table("pixels", 500, 36, &|_, u| (256.0 * u).floor()));
    add("ten rows", table("ten", 10, 6, &|_, u| u - 0.5));
    add("one column", table("one", 300, 1, &|_, u| u * u));
    add("values of a million", table("million", 300, 6, &|column, u| 1e6 * (u + column as f64)));
    files
}
