//! Scores of rows: how far a row is from what normal rows are like. Larger is stranger.

mod combination;
mod kth_neighbour;
mod lof;
mod mahalanobis;
mod nearest;
mod residual;

pub use combination::{Combination, UsualSizes};
pub use kth_neighbour::KthNeighbour;
pub use lof::LocalOutlierFactor;
pub use mahalanobis::Mahalanobis;
pub use nearest::{Nearest, Neighbour};
pub use residual::Residual;
