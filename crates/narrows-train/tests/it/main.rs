//! Tests of whole runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod checkpoints;
mod disk;
mod events;
mod golden;
mod kill;
mod linear;
mod resume;
mod run;
