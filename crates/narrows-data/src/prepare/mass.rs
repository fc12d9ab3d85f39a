//! A value that many training rows share, such as the zeros of a capital gain, brought back into columns that were drawn.
//!
//! No value comes twice in draws from a continuous distribution. So as many of the drawn numbers as training rows hold the
//! value, in the order of size those at its place, become the value; numbers below stay below it, those above stay above.

use serde::{Deserialize, Serialize};

use crate::ColumnData;

/// The share of training rows from which on a value is brought back.
const MANY: f64 = 0.1;

/// The value that most training rows hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mass {
    value: f64,
    /// Share of training rows with smaller values.
    below: f64,
    /// Share of training rows with this value.
    share: f64,
}

impl Mass {
    /// Of sorted numbers; `None` where no value is held by a tenth of them.
    pub(super) fn of(sorted: &[f64]) -> Option<Self> {
        let (mut below, mut largest) = (0, (0, 0, 0.0));
        for group in sorted.chunk_by(|a, b| a == b) {
            if group.len() > largest.1 {
                largest = (below, group.len(), group[0]);
            }
            below += group.len();
        }
        let share = |count: usize| count as f64 / sorted.len().max(1) as f64;
        let mass = Self { value: largest.2, below: share(largest.0), share: share(largest.1) };
        (mass.share >= MANY).then_some(mass)
    }

    /// The numbers that stand for the value, among numbers drawn as those to come.
    pub(super) fn band(self, mut drawn: Vec<f64>) -> Band {
        drawn.sort_by(f64::total_cmp);
        let place = |share: f64| (share * drawn.len() as f64).round() as usize;
        let [first, after] = [place(self.below), place(self.below + self.share)];
        let from = if first == 0 { f64::NEG_INFINITY } else { drawn.get(first).copied().unwrap_or(f64::INFINITY) };
        Band { value: self.value, from, to: drawn.get(after).copied().unwrap_or(f64::INFINITY) }
    }
}

/// Numbers from `from` on and below `to` stand for `value`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Band {
    value: f64,
    from: f64,
    to: f64,
}

impl Band {
    fn settle(&self, number: f64) -> f64 {
        if number < self.from {
            number.min(self.value)
        } else if number < self.to {
            self.value
        } else {
            number.max(self.value)
        }
    }
}

/// Which numbers of drawn columns stand for a value that many training rows share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Masses(pub(super) Vec<Option<Band>>);

impl Masses {
    pub(super) fn settle(&self, columns: &mut [ColumnData]) {
        for (band, values) in self.0.iter().zip(columns) {
            if let (Some(band), ColumnData::Numbers(values)) = (band, values) {
                for value in values {
                    *value = band.settle(*value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_drawn_numbers_as_training_rows_hold_the_value() {
        let trained = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0];
        let at_the_end = Mass::of(&trained).unwrap();
        let shifted: Vec<f64> = (0..1000).map(|at| f64::from(at) / 100.0 - 3.0).collect();
        let band = at_the_end.band(shifted.clone());
        let settled: Vec<f64> = shifted.iter().map(|number| band.settle(*number)).collect();
        assert_eq!(settled.iter().filter(|number| **number == 0.0).count(), 600);
        assert!(settled.windows(2).all(|pair| pair[0] <= pair[1]) && settled[999] == shifted[999]);
        let between = Mass::of(&[1.0, 2.0, 2.0, 5.0]).unwrap();
        assert_eq!(between, Mass { value: 2.0, below: 0.25, share: 0.5 });
        let band = between.band(vec![10.0, 20.0, 30.0, 40.0]);
        assert_eq!([10.0, 20.0, 39.0, 40.0].map(|number| band.settle(number)), [2.0, 2.0, 2.0, 40.0]);
        let distinct: Vec<f64> = (0..11).map(f64::from).collect();
        assert_eq!(Mass::of(&distinct), None);
        assert_eq!(Mass::of(&[]), None);
    }
}
