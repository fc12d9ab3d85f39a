//! Samples from the distributions that a decoder's output describes.

use candle_core::{DType, Tensor};
use narrows_core::Result;
use narrows_tensor::{Key, random};

use super::{Family, Likelihood, Spread};

impl Likelihood {
    /// Samples whose expectation is `mean`: flags and categories are drawn, and so are real features where their spread is
    /// known.
    ///
    /// # Shapes
    /// - `mean`: `[N, ..sample]`, as [`Likelihood::mean`] gives it
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// Candle cannot read or make a tensor.
    pub fn draw(&self, mean: &Tensor, spread: Option<&Spread>, key: &Key) -> Result<Tensor> {
        let count = mean.elem_count();
        let mut uniform = vec![0f32; count];
        random::fill_uniform(&key.named("choice"), &mut uniform);
        let mut values = mean.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        let features = mean.flatten_from(1)?.dim(1)?;
        let mut reals = values.clone();
        if let Some(spread) = spread {
            spread.draw(&mut reals, features, key)?;
        }
        let runs = self.runs(features);
        for (row, values) in values.chunks_exact_mut(features).enumerate() {
            for &(start, length, family) in &runs {
                let part = &mut values[start..start + length];
                let place = row * features + start;
                match family {
                    Family::Gaussian => part.copy_from_slice(&reals[place..place + length]),
                    Family::Bernoulli => {
                        for (at, value) in part.iter_mut().enumerate() {
                            *value = f64::from(u8::from(f64::from(uniform[place + at]) < *value));
                        }
                    }
                    Family::Categorical => choose(part, f64::from(uniform[place])),
                }
            }
        }
        Ok(Tensor::from_vec(values, mean.shape(), mean.device())?.to_dtype(mean.dtype())?)
    }
}

/// Sets one of the shares to 1 and the others to 0; `draw` in `0..1` decides which.
fn choose(shares: &mut [f64], draw: f64) {
    let mut left = draw * shares.iter().sum::<f64>();
    let reached = shares.iter().position(|share| {
        left -= share;
        left < 0.0
    });
    let chosen = reached.unwrap_or(shares.len() - 1);
    shares.iter_mut().enumerate().for_each(|(at, share)| *share = f64::from(u8::from(at == chosen)));
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::{Head, Scale};
    use super::*;

    #[test]
    fn draws_have_their_expectation_and_categories_are_one_of_several() {
        let heads = vec![
            Head { range: 0..1, family: Family::Gaussian },
            Head { range: 1..2, family: Family::Bernoulli },
            Head { range: 2..5, family: Family::Categorical },
        ];
        let likelihood = Likelihood::mixed(heads, vec![]).unwrap();
        let mean = Tensor::new(&[[3.0f64, 0.2, 0.1, 0.6, 0.3]], &Device::Cpu).unwrap().repeat((20_000, 1)).unwrap();
        let deviation = Tensor::new(&[0.5f64, 1.0, 1.0, 1.0, 1.0], &Device::Cpu).unwrap();
        let log_var = Tensor::new(0f64, &Device::Cpu).unwrap();
        let spread = Spread::Normal(Scale { unit: deviation, log_var });
        let drawn = likelihood.draw(&mean, Some(&spread), &Key::new(1)).unwrap();
        let found = drawn.mean(0).unwrap().to_vec1::<f64>().unwrap();
        for (found, expected) in found.iter().zip([3.0, 0.2, 0.1, 0.6, 0.3]) {
            assert!((found - expected).abs() < 0.02, "{found} for {expected}");
        }
        let rows = drawn.to_vec2::<f64>().unwrap();
        assert!(rows.iter().all(|row| row[2] + row[3] + row[4] == 1.0 && [0.0, 1.0].contains(&row[1])));
        let spread = rows.iter().map(|row| (row[0] - 3.0).powi(2)).sum::<f64>() / 20_000.0;
        assert!((spread - 0.25).abs() < 0.01, "{spread}");
        let exact = likelihood.draw(&mean, None, &Key::new(1)).unwrap().to_vec2::<f64>().unwrap();
        assert!(exact.iter().all(|row| row[0] == 3.0));
    }
}
