//! The vocabulary of Narrows: autoencoders, losses, batches, steps, schedules, errors.
//!
//! Models implement [`Autoencoder`] and [`Trainable`]; the training loop and the scorers know nothing else about them.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod batch;
pub mod dims;
pub mod error;
pub mod group;
pub mod loss;
pub mod probabilistic;
pub mod schedule;
pub mod step;
pub mod traits;
pub mod usage;

pub use batch::Batch;
pub use dims::{Dims, Spec};
pub use error::{Error, Result};
pub use group::Group;
pub use loss::{Loss, Term};
pub use probabilistic::Probabilistic;
pub use schedule::Schedule;
pub use step::{StepContext, StepOutput, Update};
pub use traits::{Autoencoder, Trainable};
pub use usage::Diagnostic;
