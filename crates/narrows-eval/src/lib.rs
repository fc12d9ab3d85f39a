//! Metrics, baselines and maps of codes: how good a reconstruction is, and how good it would be without a network.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod detection;
pub mod error;
pub mod extremes;
pub mod histogram;
pub mod importance;
pub mod map;
pub mod mig;
pub mod mixture;
mod one_thread;
pub mod online;
pub mod pca;
pub mod reconstruction;
pub mod scorer;
pub mod threshold;

pub use error::{Error, Result};
pub use histogram::Histogram;
pub use mig::{MutualInformationGap, mutual_information_gap};
pub use mixture::GaussianMixture;
pub use pca::Pca;
pub use reconstruction::{Quality, ReconstructionError};
