//! What one pass over the training rows gathers for each column, mergeable block by block in file order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Texts;

/// Count, mean, sum of squared deviations and range (Chan, Golub and LeVeque, 1979).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moments {
    pub(super) count: f64,
    pub(super) mean: f64,
    pub(super) squares: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// Whether all are whole.
    pub(super) whole: bool,
}

impl Moments {
    pub(super) fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut moments = Self { count: 0.0, mean: 0.0, squares: 0.0, min, max, whole: true };
        for value in values.clone() {
            moments.count += 1.0;
            moments.mean += value;
            moments.min = moments.min.min(value);
            moments.max = moments.max.max(value);
            moments.whole &= value.fract() == 0.0;
        }
        moments.mean /= moments.count.max(1.0);
        moments.squares = values.map(|value| (value - moments.mean) * (value - moments.mean)).sum();
        moments
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let count = self.count + other.count;
        if other.count > 0.0 {
            let delta = other.mean - self.mean;
            self.squares += other.squares + delta * delta * (self.count * other.count / count);
            self.mean += delta * (other.count / count);
            self.count = count;
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.whole &= other.whole;
    }

    /// The variance with divisor `count`.
    pub(super) fn variance(&self) -> f64 {
        self.squares / self.count.max(1.0)
    }
}

/// Values of a numeric or boolean column.
#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) moments: Moments,
    pub(super) missing: u64,
    /// Present values of the sampled rows.
    pub(super) sample: Vec<f64>,
}

impl Numbers {
    pub(super) fn of(values: &[f64], places: &[usize], sampled: &[usize]) -> Self {
        let present = places.iter().map(|&place| values[place]).filter(|value| !value.is_nan());
        let moments = Moments::of(present);
        let sample = sampled.iter().map(|&place| values[place]).filter(|value| !value.is_nan()).collect();
        Self { missing: places.len() as u64 - moments.count as u64, moments, sample }
    }

    fn merge(&mut self, other: &Self) {
        self.moments.merge(&other.moments);
        self.missing += other.missing;
        self.sample.extend_from_slice(&other.sample);
    }
}

/// Levels of a category and how often each occurs.
#[derive(Debug)]
pub(super) struct Levels {
    pub(super) counts: BTreeMap<Arc<str>, u64>,
    pub(super) missing: u64,
    /// Cells whose level came after the list was full.
    pub(super) uncounted: u64,
}

/// The most levels that are told apart while counting.
const MAX_COUNTED: usize = 100_000;

impl Levels {
    pub(super) fn of(texts: &Texts, places: &[usize]) -> Self {
        let mut counts = vec![0_u64; texts.levels.len()];
        let mut missing = 0;
        for &place in places {
            match counts.get_mut(texts.codes[place] as usize) {
                Some(count) => *count += 1,
                None => missing += 1,
            }
        }
        let seen = texts.levels.iter().cloned().zip(counts).filter(|(_, count)| *count > 0);
        Self { counts: seen.collect(), missing, uncounted: 0 }
    }

    fn merge(&mut self, other: Self) {
        self.missing += other.missing;
        self.uncounted += other.uncounted;
        for (level, count) in other.counts {
            let full = self.counts.len() >= MAX_COUNTED;
            match self.counts.get_mut(&level) {
                Some(total) => *total += count,
                None if full => self.uncounted += count,
                None => {
                    self.counts.insert(level, count);
                }
            }
        }
    }

    /// Cells that hold a value.
    pub(super) fn present(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.uncounted
    }

    /// Levels by falling frequency, then by name.
    pub(super) fn by_frequency(&self) -> Vec<(&str, u64)> {
        let mut levels: Vec<_> = self.counts.iter().map(|(level, count)| (level.as_ref(), *count)).collect();
        levels.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        levels
    }
}

/// One column's statistics.
#[derive(Debug)]
pub(super) enum Statistics {
    Numbers(Numbers),
    Levels(Levels),
    /// The column is never a feature.
    Skipped,
}

impl Statistics {
    /// Adds the statistics of rows further down the file.
    pub(super) fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::Numbers(own), Self::Numbers(other)) => own.merge(&other),
            (Self::Levels(own), Self::Levels(other)) => own.merge(other),
            _ => {}
        }
    }
}
