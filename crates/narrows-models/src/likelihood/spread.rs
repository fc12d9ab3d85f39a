//! How real features spread around the decoder's mean: normal or Laplace with one scale for all values or one for each,
//! or as counts whose variance follows from their mean.

use candle_core::{D, DType, Tensor};
use narrows_core::Result;
use narrows_tensor::{Activation, Key};
use rand_distr::{Distribution, Gamma, Poisson};

use super::counts;

/// The distribution of real features around their means.
#[derive(Clone, Debug)]
pub enum Spread {
    /// `N(m, σ²)` with `σ_j = s_j exp(½ λ)`.
    Normal(Scale),
    /// `1 / (2 b) exp(-|x - m| / b)` with the same standard deviation, `b = σ / √2`.
    Laplace(Scale),
    /// `m^x exp(-m) / x!`
    Poisson,
    /// `Γ(x + r) / (Γ(r) x!) (r / (r + m))^r (m / (r + m))^x`: variance `m + m² / r`.
    NegativeBinomial {
        /// `log r` of each feature, `[features]`.
        log_dispersion: Tensor,
    },
}

/// Standard deviations.
#[derive(Clone, Debug)]
pub struct Scale {
    /// The deviation of each feature where λ is 0, `[features]`.
    pub unit: Tensor,
    /// λ: `[]` for all values, or `[N, features]`.
    pub log_var: Tensor,
}

impl Scale {
    fn part(&self, start: usize, length: usize) -> Result<Self> {
        let log_var = if self.log_var.rank() == 0 { self.log_var.clone() } else { part(&self.log_var, start, length)? };
        Ok(Self { unit: part(&self.unit, start, length)?, log_var })
    }

    /// `log σ`, `[1, features]` or `[N, features]`.
    fn log_deviation(&self) -> Result<Tensor> {
        Ok(self.unit.log()?.unsqueeze(0)?.broadcast_add(&(&self.log_var * 0.5)?)?)
    }
}

fn part(tensor: &Tensor, start: usize, length: usize) -> Result<Tensor> {
    Ok(tensor.narrow(D::Minus1, start, length)?.contiguous()?)
}

/// `log(|d|)` has a kink at 0, where the gradient is taken as 0.
fn absolute(d: &Tensor) -> Result<Tensor> {
    Ok((Activation::Relu.apply(d)? + Activation::Relu.apply(&d.neg()?)?)?)
}

/// The sum over features, of those that were observed.
pub(super) fn sum(values: &Tensor, observed: Option<&Tensor>) -> Result<Tensor> {
    Ok(match observed {
        Some(observed) => (values * observed)?.sum(1)?,
        None => values.sum(1)?,
    })
}

impl Spread {
    /// The spread of `length` features from `start` on.
    pub(super) fn part(&self, start: usize, length: usize) -> Result<Self> {
        Ok(match self {
            Self::Normal(scale) => Self::Normal(scale.part(start, length)?),
            Self::Laplace(scale) => Self::Laplace(scale.part(start, length)?),
            Self::Poisson => Self::Poisson,
            Self::NegativeBinomial { log_dispersion } => {
                Self::NegativeBinomial { log_dispersion: part(log_dispersion, start, length)? }
            }
        })
    }

    /// `-log p(x)` of each row.
    ///
    /// # Shapes
    /// - `mean`, `x`, `observed`: `[N, features]`
    /// - returns: `[N]`
    pub(super) fn nats(&self, mean: &Tensor, x: &Tensor, observed: Option<&Tensor>) -> Result<Tensor> {
        match self {
            Self::Normal(scale) if scale.log_var.rank() == 0 => {
                super::nats::gaussian(mean, x, observed, &scale.unit, &scale.log_var)
            }
            Self::Normal(scale) => {
                let log_deviation = scale.log_deviation()?;
                let standard = ((x - mean)? / log_deviation.exp()?)?;
                let nats = (standard.sqr()? * 0.5)?.broadcast_add(&log_deviation)?;
                sum(&nats.affine(1.0, 0.5 * std::f64::consts::TAU.ln())?, observed)
            }
            Self::Laplace(scale) => {
                // log b = log σ - ½ log 2
                let log_b = scale.log_deviation()?.affine(1.0, -0.5 * std::f64::consts::LN_2)?;
                let nats = absolute(&(x - mean)?)?.broadcast_div(&log_b.exp()?)?.broadcast_add(&log_b)?;
                sum(&nats.affine(1.0, std::f64::consts::LN_2)?, observed)
            }
            Self::Poisson => sum(&counts::poisson(mean, x)?, observed),
            Self::NegativeBinomial { log_dispersion } => {
                sum(&counts::negative_binomial(mean, x, log_dispersion)?, observed)
            }
        }
    }

    /// Draws `[N, features]` values around their means, row by row.
    pub(super) fn draw(&self, means: &mut [f64], features: usize, key: &Key) -> Result<()> {
        let mut generator = key.generator(0);
        let numbers = |tensor: &Tensor| tensor.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>();
        let poisson = |rate: f64, generator: &mut _| Poisson::new(rate).map_or(rate, |rates| rates.sample(generator));
        match self {
            Self::Normal(scale) | Self::Laplace(scale) => {
                let laplace = matches!(self, Self::Laplace(_));
                let deviations = numbers(&scale.log_deviation()?.exp()?)?;
                let (mut normal, mut uniform) = (vec![0f32; means.len()], vec![0f32; means.len()]);
                if laplace {
                    narrows_tensor::random::fill_uniform(&key.named("noise"), &mut uniform);
                } else {
                    narrows_tensor::random::fill_normal(&key.named("noise"), &mut normal);
                }
                for (at, mean) in means.iter_mut().enumerate() {
                    let place = if deviations.len() == features { at % features } else { at };
                    let noise = if laplace { laplace_quantile(f64::from(uniform[at])) } else { f64::from(normal[at]) };
                    *mean += deviations[place] * noise;
                }
            }
            Self::Poisson => means.iter_mut().for_each(|mean| *mean = poisson(*mean, &mut generator)),
            Self::NegativeBinomial { log_dispersion } => {
                let dispersion = numbers(&log_dispersion.exp()?)?;
                for (at, mean) in means.iter_mut().enumerate() {
                    let r = dispersion[at % features];
                    let rate = Gamma::new(r, *mean / r).map_or(*mean, |rates| rates.sample(&mut generator));
                    *mean = poisson(rate, &mut generator);
                }
            }
        }
        Ok(())
    }
}

/// The quantile function of the Laplace distribution of variance 1.
fn laplace_quantile(p: f64) -> f64 {
    let apart = p.clamp(1e-9, 1.0 - 1e-9) - 0.5;
    -apart.signum() * (1.0 - 2.0 * apart.abs()).ln() / std::f64::consts::SQRT_2
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn row(values: &[f64]) -> Tensor {
        Tensor::new(values, &Device::Cpu).unwrap().unsqueeze(0).unwrap()
    }

    fn scale(unit: f64, log_var: &[f64]) -> Scale {
        let log_var = if log_var.len() == 1 { Tensor::new(log_var[0], &Device::Cpu).unwrap() } else { row(log_var) };
        Scale { unit: Tensor::new(&[unit, unit], &Device::Cpu).unwrap(), log_var }
    }

    fn nats(spread: &Spread, mean: &[f64], x: &[f64]) -> f64 {
        let all = spread.nats(&row(mean), &row(x), None).unwrap().to_vec1::<f64>().unwrap()[0];
        let observed = row(&[1.0, 1.0]);
        let seen = spread.nats(&row(mean), &row(x), Some(&observed)).unwrap().to_vec1::<f64>().unwrap()[0];
        assert!((all - seen).abs() < 1e-9);
        all
    }

    #[test]
    fn densities_follow_their_formulas() {
        let (mean, x) = ([1.0, 4.0], [2.5, 3.0]);
        let normal =
            |d: f64, sigma: f64| 0.5 * (std::f64::consts::TAU * sigma * sigma).ln() + 0.5 * (d / sigma).powi(2);
        let found = nats(&Spread::Normal(scale(2.0, &[0.6, -1.0])), &mean, &x);
        let expected = normal(1.5, 2.0 * 0.3f64.exp()) + normal(1.0, 2.0 * (-0.5f64).exp());
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
        let laplace = |d: f64, b: f64| (2.0 * b).ln() + d / b;
        let b = 2.0 * 0.3f64.exp() / 2f64.sqrt();
        let found = nats(&Spread::Laplace(scale(2.0, &[0.6])), &mean, &x);
        assert!((found - laplace(1.5, b) - laplace(1.0, b)).abs() < 1e-12);
    }

    #[test]
    fn draws_have_the_mean_and_variance_of_their_distribution() {
        let log_dispersion = Tensor::new(&[0.5f64.ln(), 3f64.ln()], &Device::Cpu).unwrap();
        let cases: [(Spread, [f64; 2]); 4] = [
            (Spread::Normal(scale(2.0, &[0.0])), [4.0, 4.0]),
            (Spread::Laplace(scale(1.5, &[0.0])), [2.25, 2.25]),
            (Spread::Poisson, [0.7, 12.0]),
            (Spread::NegativeBinomial { log_dispersion }, [0.7 + 0.49 / 0.5, 12.0 + 144.0 / 3.0]),
        ];
        for (spread, variances) in cases {
            let mut values = [0.7, 12.0].repeat(40_000);
            spread.draw(&mut values, 2, &Key::new(3)).unwrap();
            for (feature, (mean, variance)) in [0.7, 12.0].into_iter().zip(variances).enumerate() {
                let own = || values.iter().skip(feature).step_by(2);
                let found = own().sum::<f64>() / 40_000.0;
                let squares = own().map(|x| (x - found).powi(2)).sum::<f64>() / 40_000.0;
                assert!((found - mean).abs() < 5.0 * (variance / 40_000.0).sqrt(), "{spread:?}: mean {found}");
                assert!((squares / variance - 1.0).abs() < 0.1, "{spread:?}: variance {squares} for {variance}");
            }
        }
    }
}
