//! Tensor utilities over candle: fused kernels with backward, keyed randomness, the parameter store, tensor files.
//!
//! The only crate of the workspace in which `unsafe` is allowed. Everything above it works on candle's `Tensor`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

#[cfg(feature = "mimalloc")]
pub mod allocator;
pub mod candle_threads;
pub mod error;
pub mod file;
pub mod gradients;
mod kernel;
pub mod key;
pub mod ops;
pub mod parameters;
pub mod random;
pub mod unit;
pub mod update;

pub use candle_core::{DType, Device, Tensor};
pub use error::{Error, Result};
pub use file::TensorFile;
pub use gradients::Gradients;
pub use key::Key;
pub use ops::activation::Activation;
pub use parameters::{Buffer, Init, Parameters, Scope};
