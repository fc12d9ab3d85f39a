//! How much sparser it is around a row than around its neighbours: the local outlier factor (Breunig, Kriegel, Ng & Sander
//! 2000) in its simplified form (Schubert, Zimek & Kriegel 2014).
//!
//! `lof(x) = d_k(x) / mean of d_k over the k nearest stored rows of x`, where `d_k` is the mean distance to the `k` nearest
//! stored rows. A row at the same distance is stranger beside a dense group than in a loose one.

use super::{Nearest, Neighbour};
use crate::Result;

/// Share of the mean spacing that is the least one counted: rows that lie on each other are no measure.
const LEAST: f64 = 0.01;

/// How densely stored rows lie.
#[derive(Clone, Debug)]
pub struct LocalOutlierFactor {
    /// Neighbours that are looked at.
    k: usize,
    /// `d_k` of each stored row.
    spacings: Vec<f32>,
    /// What is added to spacings that are compared with.
    least: f64,
}

impl LocalOutlierFactor {
    /// For stored rows, of which `k`, at least one, are looked at around each.
    ///
    /// # Errors
    /// Candle cannot multiply.
    pub fn fit(stored: &Nearest, k: usize) -> Result<Self> {
        let others = stored.others(stored.len(), k.max(1))?;
        Ok(Self::restore(k, others.iter().map(|others| spacing(others) as f32).collect()))
    }

    /// With spacings that were fitted.
    pub fn restore(k: usize, spacings: Vec<f32>) -> Self {
        let mean = spacings.iter().map(|spacing| f64::from(*spacing)).sum::<f64>() / spacings.len().max(1) as f64;
        let least = if mean > 0.0 { LEAST * mean } else { 1.0 };
        Self { k: k.max(1), spacings, least }
    }

    /// The mean distance of each stored row to its neighbours.
    pub fn spacings(&self) -> &[f32] {
        &self.spacings
    }

    /// Neighbours that are looked at.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The factor of a row with these nearest stored rows: about 1 where it lies as densely as they do.
    pub fn factor(&self, neighbours: &[Neighbour]) -> f64 {
        let theirs: f64 = neighbours.iter().map(|one| f64::from(self.spacings[one.row])).sum();
        spacing(neighbours) / (theirs / neighbours.len().max(1) as f64 + self.least)
    }
}

fn spacing(neighbours: &[Neighbour]) -> f64 {
    neighbours.iter().map(|one| one.distance).sum::<f64>() / neighbours.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};

    fn stored(values: &[f32]) -> Nearest {
        let rows = Tensor::from_slice(values, (values.len(), 1), &Device::Cpu).unwrap();
        Nearest::new(&rows, &[1.0]).unwrap()
    }

    fn factor(stored: &Nearest, fitted: &LocalOutlierFactor, x: f32) -> f64 {
        let x = Tensor::from_slice(&[x], (1, 1), &Device::Cpu).unwrap();
        fitted.factor(&stored.find_several(&x, None, fitted.k()).unwrap()[0])
    }

    #[test]
    fn the_same_distance_is_stranger_beside_a_dense_group() {
        let dense = (0..20).map(|row| row as f32 * 0.1);
        let rows: Vec<f32> = dense.chain((0..20).map(|row| 100.0 + row as f32 * 2.0)).collect();
        let stored = stored(&rows);
        let fitted = LocalOutlierFactor::fit(&stored, 2).unwrap();
        // Within each group rows have neighbours at one spacing on both sides.
        assert!((fitted.spacings()[10] - 0.1).abs() < 1e-5 && (fitted.spacings()[30] - 2.0).abs() < 1e-5);
        let (beside, within) = (factor(&stored, &fitted, -2.0), factor(&stored, &fitted, 98.0));
        assert!(beside > 10.0 && within < 2.0, "{beside} {within}");
        assert!((factor(&stored, &fitted, 119.0) - 1.0 / (2.0 + 0.01 * 1.1)).abs() < 0.01);
    }

    #[test]
    fn rows_that_are_all_equal_or_alone_give_numbers() {
        for rows in [&[1.0; 5][..], &[1.0]] {
            let stored = stored(rows);
            let fitted = LocalOutlierFactor::fit(&stored, 20).unwrap();
            assert_eq!((factor(&stored, &fitted, 1.0), factor(&stored, &fitted, 3.0)), (0.0, 2.0));
        }
    }
}
