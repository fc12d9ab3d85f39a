//! Tests of the baseline on data whose components are known, of its bytes at several thread counts, and of metrics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod detection;
mod mnist;
mod pca;
mod threads;
