//! Building blocks of variants' configurations: numbers that are checked when they are parsed, and the nearest name.

pub mod activation;
pub mod checked;
pub mod nearest;

pub use checked::{
    CodeSize, Deform, Depth, Deviation, Draws, Dropout, Entries, FreeBits, LevelCounts, Members, Noise, Share, Shift,
    Warmup, Weight, Widths,
};
pub use nearest::{nearest, suggestion};
