//! Commands for maintainers: one file a command, called through `cargo xtask`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod bench;
pub mod ci;
pub mod data;
pub mod docs;
pub mod golden;
pub mod large;
pub mod new_variant;
pub mod process;
pub mod repository;
pub mod reproduce;
pub mod sanitize;
pub mod tidy;

/// The result of a command. The text of the error is for the person at the terminal.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
