//! How well scores tell anomalies from normal rows: metrics against labels.
//!
//! Throughout, a larger score is stranger, and a row is flagged when its score is at least the threshold.

mod alarms;
pub mod nab;
mod ranking;
mod vus;

pub use alarms::Alarms;
pub use ranking::{BestF1, Ranking};
pub use vus::vus_pr;
