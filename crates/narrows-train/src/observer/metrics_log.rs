//! `metrics.jsonl`: one JSON line for each logged step and each evaluation.
//!
//! Lines hold nothing that depends on time, so that equal runs give equal files. A resumed run cuts the lines after
//! the step it resumes from, and a line that was not finished.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use narrows_tensor::file::write_atomically;
use serde_json::{Map, Value, json};

use super::{Flow, Observer, StepReport};
use crate::error::io;
use crate::{Best, BoxError, Error, Evaluation, Plan, Result};

/// Writes `metrics.jsonl`.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: Option<File>,
}

impl MetricsLog {
    /// A log at `path`; the file is opened when the run starts.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None }
    }

    fn line(&mut self, values: &Value) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(format!("{values}\n").as_bytes()).map_err(io(&self.path, "cannot append"))
    }
}

impl Observer for MetricsLog {
    fn started(&mut self, step: u64, _: &Plan) -> Result<(), BoxError> {
        let kept = if step == 0 { Vec::new() } else { lines_until(&self.path, step)? };
        write_atomically(&self.path, &kept)?;
        let file = OpenOptions::new().append(true).open(&self.path).map_err(io(&self.path, "cannot open"))?;
        self.file = Some(file);
        Ok(())
    }

    fn step(&mut self, report: &StepReport) -> Result<Flow, BoxError> {
        if report.logged {
            let groups = report.groups.iter().map(|group| {
                let values =
                    json!({"loss": group.loss, "terms": named(&group.terms), "gradient_norm": group.gradient_norm});
                (group.group.to_owned(), values)
            });
            let groups: Map<_, _> = groups.collect();
            self.line(&json!({"kind": "step", "step": report.step, "rate": report.rate, "groups": groups}))?;
        }
        Ok(Flow::Continue)
    }

    fn evaluated(&mut self, step: u64, evaluation: &Evaluation, best: Option<Best>) -> Result<(), BoxError> {
        let best = best.is_some_and(|best| best.step == step);
        let figures = named(&evaluation.figures);
        self.line(
            &json!({"kind": "evaluation", "step": step, "loss": evaluation.loss, "best": best, "figures": figures}),
        )?;
        Ok(())
    }

    fn checkpoint(&mut self, _: u64) -> Result<(), BoxError> {
        let Some(file) = &self.file else { return Ok(()) };
        Ok(file.sync_data().map_err(io(&self.path, "cannot sync"))?)
    }
}

fn named(values: &[(String, f64)]) -> Map<String, Value> {
    values.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
}

/// The whole lines of the log at `path` that belong to the first `step` steps; nothing if there is no log.
fn lines_until(path: &Path, step: u64) -> Result<Vec<u8>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Io { path: path.into(), action: "cannot read", source }),
    };
    let (mut reader, mut kept, mut line) = (BufReader::new(file), Vec::new(), Vec::new());
    while reader.read_until(b'\n', &mut line).map_err(io(path, "cannot read"))? > 0 {
        let at = serde_json::from_slice::<Value>(&line).ok().and_then(|values| values.get("step")?.as_u64());
        if line.ends_with(b"\n") && at.is_some_and(|at| at <= step) {
            kept.extend_from_slice(&line);
        }
        line.clear();
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resuming_cuts_later_and_unfinished_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.jsonl");
        std::fs::write(&path, "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"step\":2").unwrap();
        assert_eq!(lines_until(&path, 2).unwrap(), b"{\"step\":1}\n{\"step\":2}\n");
        assert!(lines_until(&directory.path().join("none"), 2).unwrap().is_empty());
    }
}
