//! Finite scalar quantisation (Mentzer et al. 2024): each latent is bounded and rounded to one of L levels, so that the
//! codebook is the grid of all combinations and needs no learning.
//!
//! `b(h) = a tanh(h + s) - o` with `a = (L - 1) / 2` (a thousandth less), `o = ½` for even L and else 0, and
//! `s = artanh(o / a)` so that `b(0) = 0`; `z = round(b(h)) / ⌊L / 2⌋`, with the gradient of `b`.

use candle_core::Tensor;
use narrows_core::{Diagnostic, Loss, Result, StepContext, usage};

use super::codebook::perplexity;
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

    fn watched(&self) -> bool {
        true
    }

    /// How often each latent is at each of its levels: one latent's levels after the other's.
    fn usage(&self, h: &Tensor) -> Result<Option<Tensor>> {
        let z = self.infer(h)?;
        let rows = z.dim(0)?;
        let counts = self.levels.iter().enumerate().map(|(latent, &levels)| {
            let places = z.narrow(1, latent, 1)?.affine((levels / 2) as f64, 0.0)?;
            // From the lowest place: -L/2 of even, -(L-1)/2 of odd L.
            let lowest = -((levels / 2) as f64);
            let grid = (0..levels).map(|level| lowest + level as f64).collect::<Vec<_>>();
            let grid = Tensor::new(grid, z.device())?.to_dtype(z.dtype())?.unsqueeze(0)?;
            let grid = grid.broadcast_as((rows, levels))?;
            let apart = places.broadcast_as((rows, levels))?.sub(&grid)?.abs()?;
            Ok(apart.lt(0.5)?.to_dtype(z.dtype())?.sum(0)?)
        });
        Ok(Some(Tensor::cat(&counts.collect::<Result<Vec<_>>>()?, 0)?))
    }

    fn diagnose(&self, used: &[f64]) -> Vec<Diagnostic> {
        let mut rest = used;
        let shares: Vec<f64> = self
            .levels
            .iter()
            .map(|&levels| {
                let (own, others) = rest.split_at(levels.min(rest.len()));
                rest = others;
                perplexity(own)
            })
            .collect();
        let unused = shares.iter().filter(|perplexity| **perplexity < CONSTANT).count();
        let share = unused as f64 / shares.len().max(1) as f64;
        let warning = || {
            format!(
                "{unused} of {} latents stay at one level and say nothing. Use a smaller code, or train longer",
                shares.len()
            )
        };
        let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
        vec![
            Diagnostic::new("levels used of a latent, perplexity", mean),
            Diagnostic::new("latents at one level, share", share).warn(share > usage::POOR, warning),
        ]
    }

    fn surrogate(&self) -> bool {
        true
    }
}

/// Perplexity below which a latent counts as constant.
const CONSTANT: f64 = 1.05;

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

    #[test]
    fn latents_that_stay_at_one_level_are_warned_about() {
        let levels = Levels::new(2, &[4, 5]);
        let usage = |rows: Vec<f64>| {
            let n = rows.len() / 2;
            let h = Tensor::from_vec(rows, (n, 2), &Device::Cpu).unwrap();
            let sums = levels.usage(&h).unwrap().unwrap().to_vec1::<f64>().unwrap();
            sums.into_iter().map(|sum| sum / n as f64).collect::<Vec<f64>>()
        };
        let spread = usage((-40..40).flat_map(|step| [f64::from(step) / 10.0; 2]).collect());
        assert!((spread[..4].iter().sum::<f64>() - 1.0).abs() < 1e-12 && spread.iter().all(|share| *share > 0.0));
        assert!(levels.diagnose(&spread).iter().all(|figure| figure.warning.is_none()));
        let still = usage((-40..40).flat_map(|step| [0.0, f64::from(step) / 10.0]).collect());
        let figures = levels.diagnose(&still);
        assert!(figures[1].value == 0.5 && figures[1].warning.as_ref().unwrap().contains("1 of 2 latents"));
    }
}
