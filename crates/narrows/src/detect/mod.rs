//! Detection of anomalies: scores from a trained model, thresholds from held-out rows, alarms with their reasons.
//!
//! A detector is fitted after the network: it stores what normal rows are like (a sample of training rows, the size of
//! their residuals) and the scores of held-out rows, which make p-values of new scores. All of it is in the model file.

mod alarm;
mod arriving;
mod attribution;
mod calibration;
mod clock;
mod code;
mod config;
mod detected;
mod detector;
mod drift;
mod event;
mod fitting;
mod follow;
mod followed;
mod gaps;
mod hidden;
mod overview;
mod pipeline;
mod quality;
mod reasons;
mod record;
mod remarkable;
mod rows;
mod scoring;
mod silent;
mod state;
mod stored;
mod surprise;
mod trimming;
mod writer;

pub use alarm::{Alarm, Rule};
pub use calibration::Calibration;
pub use config::{CodeDistance, Codes, DetectConfig, LocalRows, Neighbours, Passes, Power, Score, Trim};
pub use detected::{Detected, counted};
pub use detector::Detector;
pub(crate) use detector::PREFIX;
pub use event::Event;
pub(crate) use fitting::fit;
pub use follow::follow;
pub use followed::{FollowOptions, Followed};
pub(crate) use hidden::check as check_hidden;
pub use pipeline::{Chart, Options, detect};
pub use quality::{AlarmQuality, DetectionQuality, detection_quality};
pub use record::Record;
pub use surprise::Usual;
pub(crate) use surprise::check as check_distribution;
pub(crate) use trimming::without_strangest;
