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
    /// Clean samples from noisy ones.
    Denoising,
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
    if task == Task::Denoising {
        let because = match sample {
            Sample::Image { .. } => "convolutions that learn to undo noise take noisy pictures of any size",
            _ => "it learns to give the clean sample for a noisy one",
        };
        return Choice { model: "dae", because };
    }
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

/// Side of the patches of photographs that noise is learnt from.
pub const DENOISING_PATCH: i64 = 40;

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

/// How numbers become features, as paths and values of a configuration: for anomalies, how far a number is from the usual
/// ones must not be squeezed away.
pub fn preparation(task: Task, sample: &Sample) -> Vec<(&'static str, Value)> {
    match sample {
        Sample::Table | Sample::Array { .. } if task == Task::Anomaly => {
            vec![("data.prepare.tails", Value::String("linear".into()))]
        }
        _ => Vec::new(),
    }
}

/// Options that make the chosen model what the task needs, as paths and values of a configuration.
pub fn options(task: Task, model: &str, sample: &Sample, rows: usize) -> Vec<(&'static str, Value)> {
    match (task, model) {
        (Task::Anomaly, "dae") => anomaly(rows),
        (Task::Denoising, "dae") => denoising(sample),
        _ => Vec::new(),
    }
}

/// For noise of any strength: levels up to half the range of pixels, or a whole deviation of other values, drawn anew for each
/// sample. Pictures are not bent: that would blur the very details to be kept.
fn denoising(sample: &Sample) -> Vec<(&'static str, Value)> {
    let picture = matches!(sample, Sample::Image { .. });
    let mut options = vec![("model.dae.corruption", random_noise(if picture { 0.5 } else { 1.0 }))];
    if picture {
        options.push(("model.dae.network", "conv".into()));
        options.push(("model.dae.deform", Value::Float(0.0)));
        options.push(("train.steps", Value::Integer(6_000)));
    }
    options
}

fn random_noise(level: f64) -> Value {
    let noise = toml::Table::from_iter([("level".to_owned(), Value::Float(level))]);
    toml::Table::from_iter([("random-gaussian".to_owned(), Value::Table(noise))]).into()
}

/// For anomalies in tables: noise of a level drawn for each row teaches the network the way back from every distance; its
/// code is wide because noise, not the bottleneck, keeps it from copying.
fn anomaly(rows: usize) -> Vec<(&'static str, Value)> {
    vec![
        ("model.dae.code", Value::Integer(128)),
        ("model.dae.widths", Value::Array(vec![Value::Integer(256), Value::Integer(256)])),
        ("model.dae.skip", Value::Boolean(false)),
        ("model.dae.corruption", random_noise(1.0)),
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
