//! Every variant at its defaults on data that break careless arithmetic: 2,000 steps, and every figure is a number.

use std::fmt::Write as _;
use std::process::Stdio;

use serde_json::Value;

use super::Row;
use super::runs::{Runs, number};
use crate::Result;
use crate::process::output;

const STEPS: &str = "2000";
/// Exit codes of a refusal before training.
const REFUSED: [i32; 2] = [2, 3];

/// What a training run came to.
enum Ending {
    Finite,
    Refused,
    Failed(String),
}

/// Trains every variant of the catalogue on every file.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let listing: Value = serde_json::from_str(&output(&mut runs.narrows(&["models", "--json"]))?)?;
    let models = listing["models"].as_array().into_iter().flatten().filter_map(|model| model["name"].as_str());
    let models: Vec<&str> = models.collect();
    let mut rows = Vec::new();
    for (what, name, text) in files() {
        std::fs::write(runs.path(&name), text)?;
        let (mut finite, mut refused, mut failed) = (0, Vec::new(), Vec::new());
        for model in &models {
            match train(runs, model, &name)? {
                Ending::Finite => finite += 1,
                Ending::Refused => refused.push(format!("`{model}`")),
                Ending::Failed(reason) => failed.push(format!("`{model}`: {reason}")),
            }
        }
        let refusals = if refused.is_empty() { String::new() } else { format!(", {} refused", refused.join(", ")) };
        for failure in &failed {
            println!("{what}: {failure}");
        }
        rows.push(Row {
            what: format!("variants that train on {what}, {STEPS} steps at defaults"),
            measured: format!("{finite} of {}{refusals}", models.len()),
            bar: "all that take such data".into(),
            holds: failed.is_empty() && finite > 0,
        });
    }
    Ok(rows)
}

fn train(runs: &Runs, model: &str, file: &str) -> Result<Ending> {
    let mut command = runs.narrows(&["train", file, "--model", model, "--steps", STEPS]);
    command.args(["--threads", "1", "--json", "--quiet", "--force", "--out", "run"]).stderr(Stdio::piped());
    let done = command.output()?;
    if done.status.code().is_some_and(|code| REFUSED.contains(&code)) {
        return Ok(Ending::Refused);
    }
    if !done.status.success() {
        return Ok(Ending::Failed(String::from_utf8_lossy(&done.stderr).trim().to_owned()));
    }
    let summary: Value = serde_json::from_slice(&done.stdout)?;
    Ok(match number(&summary, "/held_out/model/squared_error") {
        Ok(error) if error.is_finite() => Ending::Finite,
        _ => Ending::Failed("the held-out error is no number".to_owned()),
    })
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
        let mut text = names.join(",") + "\n";
        for _ in 0..rows {
            let cells: Vec<String> = (0..columns).map(|column| value(column, uniform()).to_string()).collect();
            let _ = writeln!(text, "{}", cells.join(","));
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
