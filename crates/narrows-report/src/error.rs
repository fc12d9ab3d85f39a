//! Why a page could not be drawn.

use thiserror::Error;

/// Why a page could not be drawn.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture holds more or fewer numbers than its size says.
    #[error(
        "report: picture `{name}` is {height}x{width} with {channels} channel(s) and must hold {expected} numbers, but holds {found}"
    )]
    PictureSize {
        /// Which example.
        name: String,
        /// Rows of pixels.
        height: usize,
        /// Pixels in a row.
        width: usize,
        /// Numbers a pixel.
        channels: usize,
        /// `height * width * channels`.
        expected: usize,
        /// Numbers there are.
        found: usize,
    },
    /// A picture is neither grey nor RGB.
    #[error("report: picture `{name}` has {channels} channels; expected 1 (grey) or 3 (RGB)")]
    PictureChannels {
        /// Which example.
        name: String,
        /// Numbers a pixel.
        channels: usize,
    },
    /// A picture could not be encoded.
    #[error("report: picture `{name}` could not be written as PNG")]
    PictureEncoding {
        /// Which example.
        name: String,
        /// What the encoder says.
        #[source]
        source: image::ImageError,
    },
    /// Two lists that describe the same things differ in length.
    #[error("report: {section}: {what} has {found} entries; expected {expected}, one for each {each}")]
    Length {
        /// The section of the page.
        section: &'static str,
        /// Which list.
        what: String,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
        /// What it must have one entry for.
        each: &'static str,
    },
    /// A class index points past the names of the classes.
    #[error("report: map of the codes: point {point} has class {class}, but only {levels} classes are named")]
    Class {
        /// Which point.
        point: usize,
        /// Its class index.
        class: usize,
        /// Number of names.
        levels: usize,
    },
    /// `render_many` was given nothing.
    #[error("report: no run to show; expected at least one")]
    NoRuns,
    /// The page's template failed: a defect in this crate.
    #[error("report: the page's template failed")]
    Template(#[source] minijinja::Error),
}

/// The result of drawing.
pub type Result<T> = std::result::Result<T, Error>;
