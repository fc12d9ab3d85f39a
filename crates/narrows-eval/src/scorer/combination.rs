//! How the sizes that several scorers give a row become one score, each first put on a scale of its own: by its mean over
//! training rows, its rank among them, or its p-value among them (Fisher 1925: the mean of `-ln p`). Sizes in units of their
//! mean are averaged as they are or geometrically.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The scale on which sizes are averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Combination {
    /// In units of the mean size over training rows: 1 is usual, and what is far out stays far out.
    #[default]
    Mean,
    /// In units of the mean size over training rows, averaged geometrically: a part in which all rows differ much does not
    /// drown one in which they differ little.
    Geometric,
    /// The share of training rows that are smaller: 1 is as strange as the strangest training row.
    Rank,
    /// `-ln p`, where `p` is the share of training rows at least as large.
    PValue,
}

/// What is added to sizes that are averaged geometrically: below it, parts of the mean size count as nothing.
const NOTHING: f64 = 0.05;

impl Combination {
    /// The average of sizes on this scale.
    pub fn average(self, sizes: impl Iterator<Item = f64>) -> f64 {
        let (sum, count) = sizes.fold((0.0, 0.0), |(sum, count), size| match self {
            Self::Geometric => (sum + (size + NOTHING).ln(), count + 1.0),
            Self::Mean | Self::Rank | Self::PValue => (sum + size, count + 1.0),
        });
        match self {
            Self::Geometric => (sum / count).exp() - NOTHING,
            Self::Mean | Self::Rank | Self::PValue => sum / count,
        }
    }

    /// Whether sizes are put on this scale by more than their mean.
    pub fn by_rank(self) -> bool {
        matches!(self, Self::Rank | Self::PValue)
    }
}

/// What is known of the sizes that a scorer gives training rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UsualSizes {
    /// Their mean.
    mean: f64,
    /// Evenly spaced quantiles of them from the smallest to the largest.
    quantiles: Vec<f64>,
}

/// Quantiles that are kept.
const KEPT: usize = 1_001;

impl UsualSizes {
    /// Of these sizes; those that are no numbers are left out.
    pub fn of(sizes: &[f64]) -> Self {
        let mut sizes: Vec<f64> = sizes.iter().copied().filter(|size| size.is_finite()).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        let mean = match sizes.iter().sum::<f64>() / sizes.len().max(1) as f64 {
            mean if mean > 0.0 => mean,
            _ => 1.0,
        };
        let kept = sizes.len().min(KEPT);
        let place = |at: usize| if kept > 1 { at * (sizes.len() - 1) / (kept - 1) } else { 0 };
        Self { mean, quantiles: (0..kept).map(|at| sizes[place(at)]).collect() }
    }

    /// The mean size.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The largest size; the mean where none is known.
    pub fn largest(&self) -> f64 {
        self.quantiles.last().copied().unwrap_or(self.mean).max(self.mean)
    }

    /// Keeps what scales that are not [by rank](Combination::by_rank) need.
    pub fn forget_quantiles(&mut self) {
        self.quantiles.clear();
    }

    /// A size on the scale of a combination. Beyond the largest of training rows every scale goes on in proportion to the
    /// size, so that no two of the strangest rows are equal; what is no number stays none.
    pub fn on(&self, scale: Combination, size: f64) -> f64 {
        if size.is_nan() {
            return size;
        }
        let count = self.quantiles.len() as f64;
        let beyond = (size / self.largest()).max(1.0);
        match scale {
            Combination::Mean | Combination::Geometric => size / self.mean,
            Combination::Rank => {
                let (smaller, equal) = self.place(size);
                if beyond > 1.0 { beyond } else { (smaller + 0.5 * equal) / count.max(1.0) }
            }
            Combination::PValue => {
                let (smaller, _) = self.place(size);
                let p = (1.0 + count - smaller) / (1.0 + count);
                if beyond > 1.0 { beyond * (1.0 + count).ln() } else { -p.ln() }
            }
        }
    }

    /// How many quantiles are smaller, and how many equal.
    fn place(&self, size: f64) -> (f64, f64) {
        let smaller = self.quantiles.partition_point(|other| *other < size);
        let up_to = self.quantiles.partition_point(|other| *other <= size);
        (smaller as f64, (up_to - smaller) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_grow_with_the_size_and_have_their_meaning() {
        let usual = UsualSizes::of(&(1..=999).map(f64::from).collect::<Vec<_>>());
        assert_eq!((usual.mean(), usual.largest()), (500.0, 999.0));
        for scale in [Combination::Mean, Combination::Rank, Combination::PValue] {
            let on: Vec<f64> =
                [0.0, 0.5, 500.0, 998.0, 999.0, 999.5, 1e3, 1e9].iter().map(|s| usual.on(scale, *s)).collect();
            assert!(on.windows(2).all(|pair| pair[0] <= pair[1]), "{scale:?}: {on:?}");
            assert!(on[4] < on[5] && on[5] < on[6] && on[7] > 1e3, "{scale:?}: {on:?}");
        }
        assert_eq!(usual.on(Combination::Mean, 250.0), 0.5);
        assert_eq!(usual.on(Combination::Rank, 500.0), 0.5);
        assert!((usual.on(Combination::PValue, 900.0) - 10f64.ln()).abs() < 0.02);
    }

    #[test]
    fn a_geometric_average_lets_no_part_drown_another() {
        let average = |sizes: [f64; 2]| Combination::Geometric.average(sizes.into_iter());
        assert!((average([1.0, 1.0]) - 1.0).abs() < 1e-12 && (average([3.0, 3.0]) - 3.0).abs() < 1e-12);
        // Twice as far in either part is the same, but for what counts as nothing.
        assert!((average([200.0, 1.0]) / average([100.0, 2.0]) - 1.0).abs() < 0.05);
        assert!(average([100.0, 0.0]) > 1.0 && average([f64::NAN, 1.0]).is_nan());
        assert_eq!(Combination::Mean.average([100.0, 2.0].into_iter()), 51.0);
    }

    #[test]
    fn what_is_no_number_or_nothing_is_no_scale() {
        let usual = UsualSizes::of(&[f64::NAN, f64::INFINITY]);
        assert_eq!((usual.mean(), usual.largest()), (1.0, 1.0));
        assert!([Combination::Rank, Combination::PValue].iter().all(|scale| usual.on(*scale, 2.0).is_finite()));
        let known = UsualSizes::of(&[1.0, 2.0]);
        assert!(
            [Combination::Mean, Combination::Rank, Combination::PValue]
                .iter()
                .all(|scale| known.on(*scale, f64::NAN).is_nan())
        );
        assert_eq!(UsualSizes::of(&[0.0, 0.0]).on(Combination::Mean, 3.0), 3.0);
    }

    #[test]
    fn many_sizes_are_kept_as_quantiles() {
        let usual = UsualSizes::of(&(0..100_000).map(f64::from).collect::<Vec<_>>());
        assert!((usual.on(Combination::Rank, 25_000.0) - 0.25).abs() < 0.002);
        assert_eq!(usual.largest(), 99_999.0);
    }
}
