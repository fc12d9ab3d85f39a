//! What is remarkable about a stream.

use std::fmt;

use super::drift::Change;

/// Something that whoever watches a stream should know.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An output is continued that has this many rows.
    Continued {
        /// Rows.
        rows: usize,
    },
    /// The file became shorter or was replaced, and is read from its start.
    Anew,
    /// A line is no row.
    Skipped {
        /// Which, and why not.
        reason: String,
    },
    /// A cell cannot be read and counts as missing.
    Unreadable {
        /// Where it is, and why not.
        reason: String,
    },
    /// A value that no training row had.
    Unseen {
        /// The row of the output, from 1.
        row: usize,
        /// Its column.
        column: String,
    },
    /// A column has had no value for many rows.
    Silent {
        /// The column.
        column: String,
        /// The last row of the output without one, from 1.
        row: usize,
    },
    /// A row is older than the one before.
    Backwards {
        /// Its line.
        line: u64,
        /// By how much.
        seconds: f64,
    },
    /// A row is much later than the one before.
    Jump {
        /// Its line.
        line: u64,
        /// By how much.
        seconds: f64,
    },
    /// Alarms a day became a rate.
    Budget {
        /// Alarms a day.
        per_day: f64,
        /// Seconds between rows.
        step: f64,
        /// The rate of false alarms.
        rate: f64,
        /// How many calibration rows there are, where they are too few for it, so that the fitted tail decides.
        few: Option<usize>,
    },
    /// Rows begin to be unlike the calibration rows, or are like them again.
    Drift {
        /// Whether they begin to be unlike.
        begins: bool,
        /// Rows with a p-value of at most 0.1.
        small: usize,
        /// Of how many.
        rows: usize,
        /// The most that is usual.
        bound: usize,
    },
}

impl Event {
    pub(super) fn drift(change: Change) -> Self {
        let Change { drifting, small, rows, bound } = change;
        Self::Drift { begins: drifting, small, rows, bound }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Continued { rows } => write!(f, "going on behind {rows} rows"),
            Self::Anew => write!(
                f,
                "the file became shorter or was replaced: reading it from its start; what was added to the old one since is \
                 not read"
            ),
            Self::Skipped { reason } => write!(f, "skipped: {reason}"),
            Self::Unreadable { reason } => write!(f, "counted as missing: {reason}"),
            Self::Unseen { row, column } => write!(f, "row {row}, column `{column}`: a value that no training row had"),
            Self::Silent { column, row } => {
                write!(f, "column `{column}` gives no values any more, up to row {row}; look at the sensor")
            }
            Self::Backwards { line, seconds } => write!(f, "line {line}: time goes backwards by {seconds} s"),
            Self::Jump { line, seconds } => write!(f, "line {line}: time jumps by {seconds} s"),
            Self::Budget { per_day, step, rate, few } => {
                write!(f, "{per_day} false alarms a day at a row every {step} s are a rate of {rate:.3e}")?;
                few.map_or(Ok(()), |rows| {
                    write!(
                        f,
                        ", beyond what {rows} calibration rows can show: the tail fitted to them decides, and where they \
                         resemble each other or are few it may be far off"
                    )
                })
            }
            Self::Drift { begins: true, small, rows, bound } => write!(
                f,
                "drift: {small} of the last {rows} rows have a p-value of at most 0.1, usual are at most {bound}; rows are no \
                 longer like those that alarms were calibrated on: look at the source, or train again"
            ),
            Self::Drift { small, rows, .. } => {
                write!(f, "drift is over: {small} of the last {rows} rows have a p-value of at most 0.1")
            }
        }
    }
}
