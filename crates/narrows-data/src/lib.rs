//! From bytes to rows of f32: files, schemas, splits, preprocessing, streaming, datasets.
//!
//! The way of a row: a [`Source`] reads blocks of raw values from a file; a [`Subset`] says which rows belong to a
//! split; a [`Preparation`], fitted on the training subset only, turns raw values into features and back; a [`Feed`]
//! serves shuffled training batches as a function of the step. Nothing here knows what a tensor is.

pub mod block;
pub mod error;
pub mod schema;
pub mod source;

pub use block::{Block, ColumnData, Texts};
pub use error::{Error, Result};
pub use schema::{Column, ColumnKind, Role, Sample, Schema};
pub use source::Source;
