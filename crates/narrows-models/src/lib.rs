//! Networks, bottlenecks, likelihoods and the catalogue of autoencoder variants.
//!
//! A variant is one file in [`variants`] and one line in [`catalog`](mod@catalog): from that line come its name on the command line, its
//! TOML table, its entry in listings and its conformance tests. Nothing else in the workspace matches on variants.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod adversary;
pub mod augmentation;
pub mod bottleneck;
pub mod catalog;
pub mod composed;
pub mod config;
pub mod conformance;
pub mod corruption;
pub mod data;
pub mod deformation;
pub mod ensemble;
pub mod error;
pub mod jacobian;
pub mod likelihood;
pub mod network;
pub mod principal;
pub mod scaling;
pub mod sparse;
pub mod variant;
pub mod variants;
pub mod variational;

pub use catalog::{Entry, ModelConfig, catalog, is_variant};
pub use composed::Composed;
pub use data::{DataSpec, Reals};
pub use error::{Error, Result};
pub use likelihood::{Family, Head, Likelihood};
pub use variant::{About, Kind, OptionDoc, Paper, Variant, build};
