//! What is followed, and what came of it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Rule;

/// What is followed, and what is written.
#[derive(Clone, Copy, Debug)]
pub struct FollowOptions<'a> {
    /// A file of delimited text or JSON objects, or `-` for standard input.
    pub input: &'a str,
    /// A `.csv`, `.tsv` or `.jsonl` file, or `-` for standard output.
    pub path: &'a Path,
    /// Whether to start anew where an output or a state is there.
    pub force: bool,
    /// Columns of the input that are carried along.
    pub keep: &'a [String],
    /// What is an alarm; `None`: the usual rate, and no alarms where the model has no calibration.
    pub rule: Option<Rule>,
    /// False alarms that are accepted in a day; the time between the first rows turns them into a rate. Goes before `rule`.
    pub per_day: Option<f64>,
    /// Whether each alarm gets its reasons.
    pub explain: bool,
}

/// What came of a stream, over all restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Followed {
    /// Rows written.
    pub rows: usize,
    /// Rows that have no score because no window holds them.
    pub unscored: usize,
    /// Lines that are no rows.
    pub skipped: usize,
    /// Cells that could not be read and count as missing.
    pub unreadable: usize,
    /// Cells with a value that no training row had.
    pub unseen: usize,
    /// Alarms; `None` where nothing decides what is one.
    pub alarms: Option<usize>,
    /// The score above which, or from which on, a row is an alarm.
    pub threshold: Option<f64>,
    /// Times that the clock went backwards.
    pub backwards: usize,
    /// Times that the clock jumped.
    pub jumps: usize,
    /// Times that rows began to be unlike the calibration rows.
    pub drifts: usize,
}
