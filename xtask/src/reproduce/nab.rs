//! The Numenta Anomaly Benchmark, real-time, scored by its own rules: series judged step by step by the online detector of
//! `narrows-eval`, one setting for all.

use super::Row;
use super::runs::{Runs, number};
use crate::process::{cargo, output};
use crate::{Result, repository};

/// Runs `crates/narrows-eval/examples/nab.rs`.
pub(super) fn run(_: &Runs) -> Result<Vec<Row>> {
    let folder = repository::data("nab")?;
    let mut command = cargo(&["run", "--release", "--quiet", "--package", "narrows-eval", "--example", "nab", "--"]);
    let found = serde_json::from_str(&output(command.arg(folder))?)?;
    let series = number(&found, "/series")?;
    let other = |name: &str| number(&found, &format!("/{name}/score"));
    let what = format!(
        "online detector on {series} series of NAB, standard profile (low FP {:.1}, low FN {:.1})",
        other("low_false_alarms")?,
        other("low_missed")?
    );
    let of = "published over all groups: HTM 70.1, KNN-CAD 58.0, random cut forest 51.7";
    Ok(vec![Row::at_least(what, other("standard")?, 60.0, of)])
}
