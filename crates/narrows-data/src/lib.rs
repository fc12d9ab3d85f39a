//! From bytes to rows of f32: files, schemas, splits, preprocessing, streaming, datasets.
//!
//! The way of a row: a [`Source`] reads blocks of raw values from a file; a [`Subset`] says which rows belong to a
//! split; a [`Preparation`], fitted on the training subset only, turns raw values into features and back; a [`Feed`]
//! serves shuffled training batches as a function of the step. Nothing here knows what a tensor is.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod atomic;
pub mod block;
pub mod catalog;
pub mod digits;
pub mod error;
pub mod feed;
mod finite;
pub mod format;
mod keyed;
mod memory;
mod nearest;
mod open;
pub mod patches;
pub mod prepare;
pub mod schema;
pub mod sink;
mod smoothed;
pub mod source;
pub mod split;
mod synthetic;
pub mod table;

pub use block::{Block, ColumnData, Texts};
pub use error::{Error, Result};
pub use feed::{Feed, FeedConfig, InOrder, Portion, Restart, RowScores, in_order};
pub use memory::Memory;
pub use nearest::nearest;
pub use open::{OpenOptions, binary_format, is_picture_folder, open, open_stream};
pub use prepare::{
    Condition, Encoder, Family, Field, Given, Layout, Masses, Notices, Preparation, PrepareConfig, Reals, Rows, Unseen,
    Window,
};
pub use schema::{Column, ColumnKind, Role, Sample, Schema};
pub use source::Source;
pub use split::{Any, Fractions, Split, SplitBy, SplitConfig, Splits, Subset, Test, Train, Validation};
pub use synthetic::{SYNTHETIC, is_synthetic, synthetic};
pub use table::{Faults, Line, Lines, TableError};
