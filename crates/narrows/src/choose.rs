//! Which model fits a task and the shape of the data, and why.

use narrows_data::{Layout, Sample};
use serde::{Deserialize, Serialize};
use toml::Value;

/// What the autoencoder is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Fewer dimensions that keep what matters.
    #[default]
    Reduction,
    /// Scores that tell unusual rows from usual ones.
    Anomaly,
}

/// A model chosen for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Name in the catalogue.
    pub model: &'static str,
    /// One sentence for the log.
    pub because: &'static str,
}

/// Largest side, in pixels, of pictures for which a dense network is still the better and faster choice.
const DENSE_SIDE: usize = 32;

/// Chooses a model for `task` on samples of this shape.
pub fn model(task: Task, sample: &Sample, layout: &Layout) -> Choice {
    match sample {
        Sample::Image { .. } => {}
        _ if task == Task::Anomaly => {
            return Choice {
                model: "dae",
                because: "a wide denoising network beside the nearest training row tells the unusual from the usual best",
            };
        }
        _ => {}
    }
    match sample {
        Sample::Image { height, width, .. } if (*height).max(*width) > DENSE_SIDE => Choice {
            model: "conv-ae",
            because: "pictures larger than 32 pixels a side are cheaper to describe by convolutions",
        },
        Sample::Image { .. } => Choice {
            model: "ae",
            because: "for small pictures a dense network with a linear path reconstructs best for its cost",
        },
        _ if layout.steps > 1 => Choice {
            model: "ae",
            because: "windows of this length are described best by a dense network with a linear path",
        },
        Sample::Table | Sample::Array { .. } => {
            Choice { model: "ae", because: "columns without neighbourhood call for a dense network" }
        }
    }
}

/// Smallest side, in pixels, of pictures that are bent in training: smaller ones have no room for it.
const BENT_SIDE: usize = 20;
/// How far, as a share of their size.
const BENT: f64 = 0.08;

/// Steps that most data need.
const STEPS: usize = 12_000;

/// How far training samples are to be bent so that a model does not learn them by heart; `None` for not at all.
pub fn deformation(sample: &Sample) -> Option<f64> {
    match sample {
        Sample::Image { height, width, .. } => (*height.min(width) >= BENT_SIDE).then_some(BENT),
        Sample::Table | Sample::Array { .. } => None,
    }
}

/// Options that make the chosen model what the task needs, as paths and values of a configuration.
///
/// For anomalies in tables: noise of a level drawn for each row teaches the network the way back from every distance; its
/// code is wide because noise, not the bottleneck, keeps it from copying.
pub fn options(task: Task, model: &str, rows: usize) -> Vec<(&'static str, Value)> {
    if task != Task::Anomaly || model != "dae" {
        return Vec::new();
    }
    let noise = toml::Table::from_iter([("level".to_owned(), Value::Float(1.0))]);
    vec![
        ("model.dae.code", Value::Integer(128)),
        ("model.dae.widths", Value::Array(vec![Value::Integer(256), Value::Integer(256)])),
        ("model.dae.skip", Value::Boolean(false)),
        ("model.dae.corruption", toml::Table::from_iter([("random-gaussian".to_owned(), Value::Table(noise))]).into()),
        ("train.steps", Value::Integer(1_500)),
        ("train.batch", Value::Integer(256.min(rows.max(1)) as i64)),
        ("train.rate", Value::Float(1e-3)),
        ("train.decay", Value::Float(0.0)),
        ("train.checkpoint-every", Value::Integer(500)),
        ("detect.neighbours", Value::Integer(50_000)),
    ]
}

/// Training options that suit the data, as paths and values of a configuration.
pub fn training(layout: &Layout, rows: usize) -> Vec<(&'static str, Value)> {
    let batch = match rows {
        0..4_000 => 64,
        4_000..500_000 => 128,
        _ => 512,
    };
    // Small data need many passes, large data few.
    let steps_per_epoch = (rows / batch).max(1);
    let epochs = (STEPS / steps_per_epoch).clamp(4, if layout.width() > 1_000 { 60 } else { 150 });
    vec![
        ("train.batch", Value::Integer(batch.min(rows.max(1)) as i64)),
        ("train.epochs", Value::Integer(epochs as i64)),
    ]
}
