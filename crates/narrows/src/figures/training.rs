//! The course of training, from a run's log.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use narrows_report::{Training, TrainingPoint};
use serde_json::Value;

use crate::{Error, Result};

/// The most points of a curve.
const POINTS: usize = 600;

/// Reads `metrics.jsonl`; `None` if there is none or nothing was logged.
pub(super) fn read(path: &Path) -> Result<Option<Training>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Io { path: path.into(), action: "cannot read", source }),
    };
    let mut points: BTreeMap<u64, TrainingPoint> = BTreeMap::new();
    let mut best_step = None;
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|source| Error::Io { path: path.into(), action: "cannot read", source })?;
        let Ok(entry) = serde_json::from_str::<Value>(&line) else { continue };
        let Some(step) = entry["step"].as_u64() else { continue };
        let point = points.entry(step).or_insert(TrainingPoint { step, ..TrainingPoint::default() });
        if entry["kind"] == "evaluation" {
            point.validation = entry["loss"].as_f64();
            if entry["best"] == true {
                best_step = Some(step);
            }
        } else {
            let groups = entry["groups"].as_object();
            point.train = groups.and_then(|groups| groups.values().next()).and_then(|group| group["loss"].as_f64());
            point.rate = entry["rate"].as_f64();
        }
    }
    let every = points.len().div_ceil(POINTS).max(1);
    let kept = points.into_values().enumerate().filter(|(at, point)| at % every == 0 || point.validation.is_some());
    let points: Vec<TrainingPoint> = kept.map(|(_, point)| point).collect();
    Ok((!points.is_empty()).then(|| Training { loss: "loss, mean over samples".into(), points, best_step }))
}
