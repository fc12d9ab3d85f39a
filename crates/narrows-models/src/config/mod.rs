//! Building blocks of variants' configurations: numbers that are checked when they are parsed, and the nearest name.

pub mod activation;
pub mod checked;
mod flow;
pub mod nearest;

pub use checked::{
    Active, Band, CodeSize, Deform, Depth, Deviation, Directions, Draws, Dropout, Entries, FlowSteps, FreeBits,
    LevelCounts, Members, Noise, Outside, Photons, Prefixes, Samples, Share, Shift, TargetActivation, Warmup, Weight,
    Widths,
};
pub use flow::FlowConfig;
pub use nearest::{nearest, suggestion};
