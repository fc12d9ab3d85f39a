//! What the fused operations promise: right values, right gradients, the same on every path.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod activation;
mod allocations;
mod check;
mod conv;
mod conv1d;
mod every;
mod golden;
mod linear;
mod loss;
mod normalize;
mod perceptron;
mod sparse;
mod threads;
