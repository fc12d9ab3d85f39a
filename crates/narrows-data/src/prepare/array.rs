//! Arrays without names: centred by feature, scaled by one deviation or by each feature's own.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::config::{ArrayScaling, Tails};
use super::layout::Reals;
use super::number::{is_usual, soft, unsoft, usual_bend};
use super::rows::Rows;
use super::sweep::sweep;
use crate::{Error, Result, Sample, Subset, Train};

/// The widest vector that is scaled by feature unless asked otherwise: a table without names.
const TABLE_WIDTH: usize = 256;

/// `soft((x - mean) / deviation)`, per feature or with one deviation for all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArrayScale {
    /// One for each feature, or empty for none.
    mean: Vec<f32>,
    /// One for each feature, one for all, or empty for none.
    deviation: Vec<f32>,
    /// Deviations within which scaling is linear.
    #[serde(default = "usual_bend", skip_serializing_if = "is_usual")]
    bend: f64,
    /// What all values must be.
    #[serde(default, skip_serializing_if = "Reals::is_any")]
    reals: Reals,
}

/// Sums of one block, by feature.
#[derive(Debug)]
struct Sums {
    count: Vec<f64>,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn of(dense: &[f32], width: usize, places: &[usize]) -> Self {
        let rows = || places.iter().map(|place| &dense[place * width..(place + 1) * width]);
        let mut sums = Self { count: vec![0.0; width], mean: vec![0.0; width], squares: vec![0.0; width] };
        for row in rows() {
            for ((count, mean), &x) in sums.count.iter_mut().zip(&mut sums.mean).zip(row) {
                let seen = f64::from(u8::from(!x.is_nan()));
                *count += seen;
                *mean += if x.is_nan() { 0.0 } else { f64::from(x) };
            }
        }
        for (mean, count) in sums.mean.iter_mut().zip(&sums.count) {
            *mean /= count.max(1.0);
        }
        for row in rows() {
            for ((squares, mean), &x) in sums.squares.iter_mut().zip(&sums.mean).zip(row) {
                let delta = if x.is_nan() { 0.0 } else { f64::from(x) - mean };
                *squares += delta * delta;
            }
        }
        sums
    }

    fn merge(&mut self, other: &Self) {
        for feature in 0..self.mean.len() {
            let (own, others) = (self.count[feature], other.count[feature]);
            if others > 0.0 {
                let delta = other.mean[feature] - self.mean[feature];
                self.squares[feature] += other.squares[feature] + delta * delta * (own * others / (own + others));
                self.mean[feature] += delta * (others / (own + others));
                self.count[feature] = own + others;
            }
        }
    }
}

impl ArrayScale {
    /// Images and unscaled arrays.
    pub(super) const fn identity() -> Self {
        Self { mean: Vec::new(), deviation: Vec::new(), bend: usual_bend(), reals: Reals::Any }
    }

    /// What all values are known to be.
    pub(super) const fn reals(&self) -> Reals {
        self.reals
    }

    /// Fits the scaling, and the metric's weight of each feature.
    pub(super) fn fit(subset: &Subset<Train>, scaling: ArrayScaling, tails: Tails) -> Result<(Self, Vec<f32>)> {
        let sample = &subset.source().schema().sample;
        let width = sample.width().unwrap_or(0);
        let vector = matches!(sample, Sample::Array { dims } if dims.len() == 1) && width <= TABLE_WIDTH;
        let by_feature = match scaling {
            ArrayScaling::None => return Ok((Self::identity(), vec![1.0; width])),
            ArrayScaling::Counts => return Ok((Self { reals: Reals::Counts, ..Self::identity() }, vec![1.0; width])),
            ArrayScaling::UnitInterval => {
                return Ok((Self { reals: Reals::UnitInterval, ..Self::identity() }, vec![1.0; width]));
            }
            ArrayScaling::Auto => vector,
            ArrayScaling::Centre => false,
            ArrayScaling::Standardise => true,
        };
        let mut total: Option<Sums> = None;
        sweep(
            subset,
            |block, places, first_row| {
                finite(&block.dense, width, subset.source().origin(), first_row)?;
                Ok(Sums::of(&block.dense, width, places))
            },
            |sums| match &mut total {
                Some(total) => total.merge(&sums),
                None => total = Some(sums),
            },
        )?;
        let Sums { count, mean, squares } = total.unwrap_or_else(|| Sums::of(&[], width, &[]));
        let usable = |x: f64| if x.is_finite() && x > f64::from(f32::MIN_POSITIVE) { x as f32 } else { 1.0 };
        let deviation: Vec<f32> = if by_feature {
            squares.iter().zip(&count).map(|(squares, count)| usable((squares / count.max(1.0)).sqrt())).collect()
        } else {
            vec![usable((squares.iter().sum::<f64>() / count.iter().sum::<f64>().max(1.0)).sqrt())]
        };
        let varies = |squares: &f64| if *squares > 0.0 { 1.0 } else { 0.0 };
        let weights = if by_feature { squares.iter().map(varies).collect() } else { vec![1.0; width] };
        if squares.iter().all(|squares| *squares <= 0.0) {
            let (origin, reasons) = (subset.source().origin().to_owned(), "all values are missing or constant".into());
            return Err(Error::NoFeatures { origin, reasons });
        }
        let mean = mean.into_iter().map(|mean| mean as f32).collect();
        Ok((Self { mean, deviation, bend: tails.bend(), reals: Reals::Any }, weights))
    }

    /// Whether it fits samples of `width` values.
    pub(super) fn is_sound(&self, width: usize) -> bool {
        let lengths = (self.mean.len(), self.deviation.len());
        let fits = lengths == (0, 0) || lengths == (width, 1) || lengths == (width, width);
        fits && self.mean.iter().all(|mean| mean.is_finite())
            && self.deviation.iter().all(|d| d.is_finite() && *d > 0.0)
            && self.bend.is_finite()
            && self.bend > 0.0
    }

    /// The features that did not vary in training, which have no weight, and their value.
    pub(super) fn constants(&self, weights: &[f32]) -> impl Iterator<Item = (usize, f64)> {
        let features = self.mean.iter().zip(weights).enumerate();
        features.filter(|(_, (_, weight))| **weight == 0.0).map(|(feature, (mean, _))| (feature, f64::from(*mean)))
    }

    /// Features of `dense`; missing values become the training mean.
    pub(super) fn apply(&self, dense: &[f32], width: usize, origin: &str, first_row: usize) -> Result<Rows> {
        finite(dense, width, origin, first_row)?;
        self.expected(dense, width, origin, first_row)?;
        let mut features = dense.to_vec();
        if !self.mean.is_empty() {
            features.chunks_exact_mut(width).for_each(|row| {
                for (feature, x) in row.iter_mut().enumerate() {
                    let z = (*x - self.mean[feature]) / self.deviation_of(feature);
                    *x = if f64::from(z.abs()) <= self.bend { z } else { soft(z.into(), self.bend) as f32 };
                }
            });
        }
        let observed = dense.iter().any(|x| x.is_nan()).then(|| {
            features.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 0.0);
            dense.iter().map(|x| if x.is_nan() { 0.0 } else { 1.0 }).collect()
        });
        Ok(Rows { rows: dense.len() / width.max(1), width, features, observed, condition: None })
    }

    /// Refuses values that are not what all are known to be.
    fn expected(&self, dense: &[f32], width: usize, origin: &str, first_row: usize) -> Result<()> {
        for (place, &x) in dense.iter().enumerate().filter(|(_, x)| !self.reals.is_any() && !x.is_nan()) {
            if let Some(expected) = self.reals.expects(f64::from(x)) {
                let (row, column) = (first_row + place / width.max(1), (place % width.max(1)).to_string());
                return Err(Error::Unexpected {
                    origin: origin.to_owned(),
                    row,
                    column,
                    value: f64::from(x),
                    expected,
                });
            }
        }
        Ok(())
    }

    /// Values from features.
    pub(super) fn invert(&self, features: &[f32], width: usize) -> Vec<f32> {
        let mut dense = features.to_vec();
        if !self.mean.is_empty() {
            dense.par_chunks_exact_mut(width).for_each(|row| {
                for (feature, y) in row.iter_mut().enumerate() {
                    let y_wide = f64::from(*y);
                    let z = if y_wide.abs() <= self.bend { *y } else { unsoft(y_wide, self.bend) as f32 };
                    *y = z * self.deviation_of(feature) + self.mean[feature];
                }
            });
        }
        dense
    }

    fn deviation_of(&self, feature: usize) -> f32 {
        self.deviation[if self.deviation.len() == 1 { 0 } else { feature }]
    }
}

fn finite(dense: &[f32], width: usize, origin: &str, first_row: usize) -> Result<()> {
    match dense.iter().position(|x| x.is_infinite()) {
        None => Ok(()),
        Some(place) => Err(Error::Infinite {
            origin: origin.to_owned(),
            row: first_row + place / width.max(1),
            column: (place % width.max(1)).to_string(),
        }),
    }
}
