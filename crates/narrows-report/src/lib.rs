//! One self-contained HTML page from the figures of a run.
//!
//! A [`Report`] is plain data. [`render`] draws it as one file without scripts and without anything from the network:
//! style sheet, charts (SVG) and pictures (PNG) stand inside. The same report gives the same bytes. [`draw_scores`] draws the
//! scores of a file as a picture of their own.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod draw;
mod error;
mod page;
mod reconstruction;
mod report;
mod scores;

pub use error::{Error, Result};
pub use page::{render, render_many};
pub use reconstruction::{Cell, Example, Picture, Rank, Reconstructions};
pub use report::{
    Better, Card, CodeMap, Coloring, ColumnError, ColumnErrors, Comparison, ErrorDistribution, Metric, Report,
    Training, TrainingPoint,
};
pub use scores::{Scores, Stretch, draw_scores};
