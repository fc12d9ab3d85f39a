//! Tests of the baseline on data whose components are known, and of its bytes at several thread counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod mnist;
mod pca;
mod threads;
