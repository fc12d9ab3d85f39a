//! Integration tests of the data crate.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod files;
mod rows;
mod tables;
