//! The distance to the k-th nearest of some reference rows (Ramaswamy, Rastogi & Shim 2000, Efficient Algorithms for Mining
//! Outliers from Large Data Sets), where `k` is a share of them: how far one must go from a row to meet that share of all.
//! Rows that are alike but few are far from the k-th as long as they are fewer than `k`.

use rayon::prelude::*;

use crate::{Error, Result};

/// Reference rows, each feature in units in which all weigh the same.
#[derive(Clone, Debug)]
pub struct KthNeighbour {
    scales: Vec<f32>,
    rows: Vec<f32>,
    k: usize,
}

impl KthNeighbour {
    /// For reference rows `[R, D]`, row-major, with these metric weights of features; `share` of the rows, at least one, are
    /// to be met.
    ///
    /// # Errors
    /// There is no row, the weights are not those of a row, or the share is not within `0..=1`.
    pub fn new(rows: &[f32], weights: &[f32], share: f64) -> Result<Self> {
        let width = weights.len();
        if width == 0 || rows.is_empty() || !rows.len().is_multiple_of(width) {
            let (found, expected) = (vec![rows.len()], vec![width]);
            return Err(Error::Shape { operation: "k-th neighbour", argument: "rows", found, expected });
        }
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::Setting { name: "share", value: share, expected: "a share from 0 to 1" });
        }
        let count = rows.len() / width;
        let k = ((share * count as f64).ceil() as usize).clamp(1, count);
        let scales: Vec<f32> = weights.iter().map(|weight| weight.sqrt()).collect();
        Ok(Self { rows: scaled(rows, &scales), scales, k })
    }

    /// The distance of each of the rows `[N, D]` to the k-th nearest reference row.
    pub fn distances(&self, rows: &[f32]) -> Vec<f64> {
        let width = self.scales.len();
        let of = |row: &[f32]| {
            let row = scaled(row, &self.scales);
            let mut squares: Vec<f32> = self.rows.chunks_exact(width).map(|other| squared(&row, other)).collect();
            let (_, kth, _) = squares.select_nth_unstable_by(self.k - 1, f32::total_cmp);
            f64::from(*kth).sqrt()
        };
        rows.par_chunks_exact(width).map(of).collect()
    }
}

fn scaled(rows: &[f32], scales: &[f32]) -> Vec<f32> {
    rows.chunks_exact(scales.len()).flat_map(|row| row.iter().zip(scales).map(|(x, scale)| x * scale)).collect()
}

fn squared(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_that_are_alike_are_far_from_the_kth() {
        // Twenty rows on a line and three in one place, far off.
        let mut rows: Vec<f32> = (0..20).flat_map(|row| [row as f32 * 0.1, 0.0]).collect();
        rows.extend([9.0, 1.0, 9.0, 1.0, 9.0, 1.0]);
        let distances = |share: f64| KthNeighbour::new(&rows, &[1.0, 4.0], share).unwrap().distances(&rows);
        assert!(distances(0.1)[20..].iter().all(|distance| *distance == 0.0));
        let found = distances(0.25);
        assert!((found[0] - 0.5).abs() < 1e-6, "{found:?}");
        let expected = (7.3_f64 * 7.3 + 4.0).sqrt();
        assert!(found[20..].iter().all(|distance| (distance - expected).abs() < 1e-5), "{found:?}");
    }
}
