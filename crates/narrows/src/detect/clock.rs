//! The clock of a stream: how often rows come, and where time goes backwards or jumps.

use serde::{Deserialize, Serialize};

/// Steps between rows from which the usual step is told.
const SEEN: usize = 16;
/// A step this many times as long as the usual one is a jump.
const JUMP: f64 = 10.0;

/// What a row's time is to those before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// As usual, or not known.
    Usual,
    /// This many seconds before the last row.
    Backwards(f64),
    /// This many seconds after the last row.
    Jump(f64),
}

/// Times of rows as they come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clock {
    last: Option<f64>,
    /// The first steps forward, in seconds.
    steps: Vec<f64>,
}

impl Clock {
    /// Takes the time of the next row; NaN where it has none.
    pub(super) fn tick(&mut self, time: f64) -> Step {
        if !time.is_finite() {
            return Step::Usual;
        }
        let Some(last) = self.last.replace(time) else { return Step::Usual };
        let step = time - last;
        if step < 0.0 {
            return Step::Backwards(-step);
        }
        let jump = self.is_settled() && self.usual().is_some_and(|usual| usual > 0.0 && step > JUMP * usual);
        if self.steps.len() < SEEN {
            self.steps.push(step);
        }
        if jump { Step::Jump(step) } else { Step::Usual }
    }

    /// Whether enough rows were seen that the usual step no longer changes.
    pub(super) fn is_settled(&self) -> bool {
        self.steps.len() >= SEEN
    }

    /// The median of the first steps, in seconds.
    pub(super) fn usual(&self) -> Option<f64> {
        let mut steps = self.steps.clone();
        steps.sort_by(f64::total_cmp);
        steps.get(steps.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_step_settles_and_jumps_and_steps_back_are_told() {
        let mut clock = Clock::default();
        assert_eq!(clock.usual(), None);
        for row in 0..=SEEN {
            assert!(!clock.is_settled());
            assert_eq!(clock.tick(60.0 * row as f64), Step::Usual);
        }
        assert!(clock.is_settled());
        assert_eq!(clock.tick(f64::NAN), Step::Usual);
        assert_eq!(clock.tick(960.0 + 601.0), Step::Jump(601.0));
        assert_eq!(clock.tick(1_000.0), Step::Backwards(561.0));
        assert_eq!(clock.tick(1_060.0), Step::Usual);
        assert_eq!(clock.usual(), Some(60.0));
    }
}
