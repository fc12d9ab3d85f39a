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
    let Task::Reduction = task;
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
