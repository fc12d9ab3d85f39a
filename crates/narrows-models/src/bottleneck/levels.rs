//! Finite scalar quantisation (Mentzer et al. 2024): each latent is bounded and rounded to one of L levels, so that the
//! codebook is the grid of all combinations and needs no learning.
//!
//! `b(h) = a tanh(h + s) - o` with `a = (L - 1) / 2` (a thousandth less), `o = ½` for even L and else 0, and
//! `s = artanh(o / a)` so that `b(0) = 0`; `z = round(b(h)) / ⌊L / 2⌋`, with the gradient of `b`.

use candle_core::Tensor;
use narrows_core::{Loss, Result, StepContext};

use super::{Bottleneck, Coded};

/// Bounds stay this share inside the outermost levels, so that rounding never leaves them.
const MARGIN: f64 = 1e-3;

/// Codes on a grid.
#[derive(Clone, Debug)]
pub struct Levels {
    /// Levels of each latent, at least 3.
    levels: Vec<usize>,
}

impl Levels {
    /// `code` latents; `pattern` gives their levels and repeats.
    pub fn new(code: usize, pattern: &[usize]) -> Self {
        Self { levels: pattern.iter().copied().cycle().take(code).collect() }
    }

    /// A row of one value for each latent.
    fn row(&self, of: impl Fn(f64) -> f64, like: &Tensor) -> Result<Tensor> {
        let values: Vec<f64> = self.levels.iter().map(|&levels| of(levels as f64)).collect();
        Ok(Tensor::new(values, like.device())?.to_dtype(like.dtype())?)
    }

    /// Rounded and exact places on the grid.
    fn places(&self, h: &Tensor) -> Result<(Tensor, Tensor)> {
        let reach = |levels: f64| (levels - 1.0) / 2.0 * (1.0 - MARGIN);
        let offset = |levels: f64| if levels % 2.0 == 0.0 { 0.5 } else { 0.0 };
        let shift = self.row(|levels| (offset(levels) / reach(levels)).atanh(), h)?;
        let bounded = h.broadcast_add(&shift)?.tanh()?.broadcast_mul(&self.row(reach, h)?)?;
        let bounded = bounded.broadcast_sub(&self.row(offset, h)?)?;
        let halves = self.row(|levels| 1.0 / (levels / 2.0).floor(), h)?;
        Ok((bounded.detach().round()?.broadcast_mul(&halves)?, bounded.broadcast_mul(&halves)?))
    }
}

impl Bottleneck for Levels {
    fn hidden(&self) -> usize {
        self.levels.len()
    }

    fn code(&self) -> usize {
        self.levels.len()
    }

    fn infer(&self, h: &Tensor) -> Result<Tensor> {
        Ok(self.places(h)?.0)
    }

    fn train(&self, h: &Tensor, _: &StepContext) -> Result<Coded> {
        let (rounded, bounded) = self.places(h)?;
        let z = (&bounded + (rounded - &bounded)?.detach())?;
        Ok(Coded { z, terms: Loss::default(), updates: Vec::new() })
    }

    fn surrogate(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use candle_core::Device;

    use super::*;

    #[test]
    fn every_latent_takes_exactly_its_levels_and_zero_stays() {
        let levels = Levels::new(4, &[5, 4, 3]);
        let rows: Vec<f64> = (-400..=400).flat_map(|step| [f64::from(step) / 50.0; 4]).collect();
        let h = Tensor::from_vec(rows, (801, 4), &Device::Cpu).unwrap();
        let z = levels.infer(&h).unwrap().t().unwrap().to_vec2::<f64>().unwrap();
        for (values, expected) in z.iter().zip([5, 4, 3, 5]) {
            let found: BTreeSet<i64> = values.iter().map(|value| (value * 1e6).round() as i64).collect();
            assert_eq!(found.len(), expected, "{found:?}");
            assert!(values.iter().all(|value| (-1.0..=1.0).contains(value)));
        }
        let zero = levels.infer(&Tensor::zeros((1, 4), candle_core::DType::F64, &Device::Cpu).unwrap()).unwrap();
        assert!(zero.to_vec2::<f64>().unwrap()[0].iter().all(|value| *value == 0.0));
    }
}
