//! The catalogue as a whole: every variant conforms, matches its golden values, and keeps its tensor names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bad_input;
mod config;
mod conformance;
mod golden;
mod tensors;
