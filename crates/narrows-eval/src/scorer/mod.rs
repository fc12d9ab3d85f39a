//! Scores of rows: how far a row is from what normal rows are like. Larger is stranger.

mod kth_neighbour;
mod nearest;
mod residual;

pub use kth_neighbour::KthNeighbour;
pub use nearest::{Nearest, Neighbour};
pub use residual::Residual;
