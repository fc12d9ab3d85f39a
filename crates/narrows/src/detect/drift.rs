//! Whether rows of a stream are still like the calibration rows: a test of the share of small p-values.
//!
//! Of `n` exchangeable calibration rows let `j = floor(a (n + 1))`. Among `m` further rows that are like them, the number
//! with a p-value of at most `a` is beta-binomial: `K ~ BetaBinomial(m, j, n + 1 - j)`, which counts in that the calibration
//! rows are few. Blocks of `m = 200` rows are tested one by one at `a = 0.1`; drift is `P(K >= k) <= 1e-4`. Rows that share
//! a window or a trailing mean are not independent, so only one row of each such stretch counts.

use serde::{Deserialize, Serialize};

/// Rows of a block.
const BLOCK: usize = 200;
/// What counts as a small p-value.
const SMALL: f64 = 0.1;
/// Probability of an alarm in a block without drift.
const LEVEL: f64 = 1e-4;

/// The block that is being counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drift {
    /// Rows since the last one that counted.
    since: usize,
    counted: usize,
    small: usize,
    /// Whether the last block had drifted.
    drifting: bool,
}

/// A block whose verdict is another than that of the block before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) drifting: bool,
    pub(super) small: usize,
    pub(super) rows: usize,
    /// The most small p-values that are no drift.
    pub(super) bound: usize,
}

impl Drift {
    /// Takes the p-value of the next row, one of `calibration + 1`; one row of each `stretch` counts.
    pub(super) fn add(&mut self, p_value: f64, calibration: usize, stretch: usize) -> Option<Change> {
        self.since += 1;
        if self.since < stretch.max(1) || p_value.is_nan() {
            return None;
        }
        self.since = 0;
        self.counted += 1;
        self.small += usize::from(p_value <= SMALL);
        if self.counted < BLOCK {
            return None;
        }
        let small = self.small;
        (self.counted, self.small) = (0, 0);
        let bound = bound(calibration)?;
        let drifting = small > bound;
        let before = std::mem::replace(&mut self.drifting, drifting);
        (drifting != before).then_some(Change { drifting, small, rows: BLOCK, bound })
    }
}

/// The largest count `k` with `P(K >= k) > LEVEL`: counts above it are drift. `None` where the calibration rows are too few
/// to have small p-values.
fn bound(calibration: usize) -> Option<usize> {
    let alpha = (SMALL * (calibration + 1) as f64 * (1.0 + 1e-12)).floor();
    let beta = (calibration + 1) as f64 - alpha;
    if alpha < 1.0 {
        return None;
    }
    let m = BLOCK as f64;
    // log P(K = 0), and P(K = k + 1) / P(K = k) = (m - k) (k + alpha) / ((k + 1) (m - k - 1 + beta)).
    let mut log = (0..BLOCK).map(|t| ((beta + t as f64) / (alpha + beta + t as f64)).ln()).sum::<f64>();
    let mut chances = vec![log.exp()];
    for k in 0..BLOCK {
        let k = k as f64;
        log += ((m - k) * (k + alpha) / ((k + 1.0) * (m - k - 1.0 + beta))).ln();
        chances.push(log.exp());
    }
    let mut above = 0.0;
    for k in (0..=BLOCK).rev() {
        above += chances[k];
        if above > LEVEL {
            return Some(k);
        }
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_that_of_the_binomial_where_calibration_is_large_and_wider_where_it_is_small() {
        // P(K > above) of the binomial distribution.
        let exact = |above: usize| -> f64 {
            let mut chance = 0.9_f64.powi(200);
            let mut total = 0.0;
            for k in 0..=200_usize {
                total += if k > above { chance } else { 0.0 };
                chance *= (200 - k) as f64 / (k + 1) as f64 / 9.0;
            }
            total
        };
        let large = bound(10_000_000 - 1).unwrap();
        assert!(exact(large) <= LEVEL && exact(large - 1) > LEVEL, "{large}");
        assert!(bound(150).unwrap() > large);
        assert_eq!(bound(5), None);
    }

    #[test]
    fn drift_is_told_when_it_begins_and_when_it_ends() {
        let mut drift = Drift::default();
        let mut block = |small: usize| {
            let found: Vec<Change> =
                (0..BLOCK).filter_map(|row| drift.add(if row < small { 0.05 } else { 0.5 }, 999, 1)).collect();
            found.first().map(|change| change.drifting)
        };
        assert_eq!([block(20), block(100), block(120), block(20)], [None, Some(true), None, Some(false)]);
    }

    #[test]
    fn rows_of_one_stretch_count_once() {
        let mut drift = Drift::default();
        let changes = (0..BLOCK * 3).filter(|_| drift.add(0.01, 999, 4).is_some()).count();
        assert_eq!((changes, drift.counted), (0, BLOCK * 3 / 4));
    }
}
