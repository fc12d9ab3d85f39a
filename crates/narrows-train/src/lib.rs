//! The training loop, optimizers, schedules, observers and checkpoints.
//!
//! [`fit`](fit::fit) trains any [`Trainable`](narrows_core::Trainable) on any [`Batches`]; it knows no dataset and no
//! variant. Everything that changes during a run is a function of (seed, step), so that a run resumed from a
//! checkpoint is the run that was never stopped, bit for bit.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod average;
pub mod batches;
pub mod checkpoint;
pub mod config;
pub mod error;
pub mod fit;
pub mod number;
pub mod observer;
pub mod optimizer;
pub mod state;
mod trim;
pub mod validation;

pub use batches::Batches;
pub use checkpoint::{Checkpoint, Checkpoints};
pub use config::{Plan, TrainConfig};
pub use error::{BoxError, Error, Result};
pub use fit::{Ending, Outcome, fit};
pub use number::{NonNegative, OutOfRange, Positive, Share};
pub use observer::{Flow, GroupReport, Interruption, MetricsLog, Observer, StepReport, TensorBoard};
pub use optimizer::{AdamW, AdamWConfig, Optimizer, OptimizerConfig, Sgd, SgdConfig};
pub use state::{Best, State};
pub use validation::{Evaluation, HeldOut, Validation};
