//! Normal distributions with diagonal covariance over codes: samples, densities, and the divergence from the prior.

use candle_core::{D, Tensor};
use narrows_core::{Diagnostic, Result, usage};
use narrows_tensor::{Key, random};

/// `q(z|x) = N(μ, σ²)` for each sample.
///
/// # Shapes
/// - `mean`, `log_var`: `[N, code]`
#[derive(Clone, Debug)]
pub struct Posterior {
    /// Means μ.
    pub mean: Tensor,
    /// Logarithms of the variances σ².
    pub log_var: Tensor,
}

impl Posterior {
    /// `samples` codes of each sample, `z = μ + σ ε`, and their noise; the codes of one sample follow each other.
    ///
    /// # Shapes
    /// - returns: `[N samples, code]` each
    ///
    /// # Errors
    /// Candle cannot draw them.
    pub fn draw(&self, samples: usize, key: &Key) -> Result<(Tensor, Tensor)> {
        let (n, code) = self.mean.dims2()?;
        let noise = random::normal(key, (n * samples, code), self.mean.dtype(), self.mean.device())?;
        let deviation = (&self.log_var * 0.5)?.exp()?;
        let z = (each(&self.mean, samples)? + (each(&deviation, samples)? * &noise)?)?;
        Ok((z, noise))
    }

    /// Mean and log-variance behind each other.
    ///
    /// # Shapes
    /// - returns: `[N, 2 code]`
    ///
    /// # Errors
    /// Candle cannot copy them.
    pub fn statistics(&self) -> Result<Tensor> {
        Ok(Tensor::cat(&[&self.mean, &self.log_var], 1)?)
    }

    /// `log q(z|x)` of codes that [`Posterior::draw`] gave, by their noise: `-½ Σ (log 2π + log σ² + ε²)`.
    ///
    /// # Shapes
    /// - `noise`: `[N samples, code]`
    /// - returns: `[N samples]`
    ///
    /// # Errors
    /// The noise is not that of this posterior's codes.
    pub fn log_density(&self, noise: &Tensor) -> Result<Tensor> {
        let (n, code) = self.mean.dims2()?;
        let samples = noise.dim(0)? / n;
        let volume = each(&self.log_var.sum(D::Minus1)?, samples)?;
        let sum = (volume + noise.sqr()?.sum(D::Minus1)?)?;
        Ok(sum.affine(-0.5, -0.5 * code as f64 * std::f64::consts::TAU.ln())?)
    }

    /// `KL(q(z|x) || N(0, 1))` of each latent: `½ (μ² + σ² - 1 - log σ²)`.
    ///
    /// # Shapes
    /// - returns: `[N, code]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn divergence_by_latent(&self) -> Result<Tensor> {
        let squares = (self.mean.sqr()? + self.log_var.exp()?)?;
        Ok(((squares - &self.log_var)? - 1.0)?.affine(0.5, 0.0)?)
    }

    /// `KL(q || p)` for another distribution p in each place: `½ Σ [log σ_p² - log σ² + (σ² + (μ - μ_p)²) / σ_p² - 1]`.
    ///
    /// # Shapes
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The distributions are of another size.
    pub fn divergence_from(&self, prior: &Self) -> Result<Tensor> {
        let squares = (self.log_var.exp()? + (&self.mean - &prior.mean)?.sqr()?)?;
        let relative = (squares * prior.log_var.neg()?.exp()?)?;
        Ok((((&prior.log_var - &self.log_var)? + relative)?.affine(0.5, -0.5)?).sum(D::Minus1)?)
    }
}

/// `log N(z; μ, σ²)` of each code under the distribution in its place.
///
/// # Shapes
/// - `z`: `[N, code]`
/// - returns: `[N]`
///
/// # Errors
/// The codes are not as many as the distributions.
pub fn log_normal(z: &Tensor, distribution: &Posterior) -> Result<Tensor> {
    let code = z.dim(D::Minus1)?;
    let squares = ((z - &distribution.mean)?.sqr()? * distribution.log_var.neg()?.exp()?)?;
    let sum = (squares + &distribution.log_var)?.sum(D::Minus1)?;
    Ok(sum.affine(-0.5, -0.5 * code as f64 * std::f64::consts::TAU.ln())?)
}

impl Posterior {
    /// Sums over samples of what tells latents that are used: means, their squares, and nats of divergence.
    ///
    /// # Shapes
    /// - returns: `[3 code]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub(super) fn activity(&self) -> Result<Tensor> {
        let sums = [self.mean.sum(0)?, self.mean.sqr()?.sum(0)?, self.divergence_by_latent()?.sum(0)?];
        Ok(Tensor::cat(&sums, 0)?)
    }
}

/// Variance over samples of a latent's mean from which on the latent counts as active (Burda, Grosse & Salakhutdinov 2016).
const ACTIVE: f64 = 0.01;

/// What the means of [`Posterior::activity`] over samples say: a posterior that hardly depends on the sample has collapsed.
pub(super) fn diagnose(means: &[f64]) -> Vec<Diagnostic> {
    let code = means.len() / 3;
    let variance = |latent: usize| means[code + latent] - means[latent].powi(2);
    let active = (0..code).filter(|&latent| variance(latent) > ACTIVE).count();
    let warning = || {
        format!(
            "the posterior has collapsed: {active} of {code} latents say something about the sample (their means vary by more \
             than {ACTIVE}). Train longer, or on more rows; of the options that the model has (`narrows describe`), lower beta, \
             lengthen warmup, or allow free-bits"
        )
    };
    let poor = (active as f64) < usage::POOR * code as f64;
    vec![
        Diagnostic::new("active latents", active as f64).warn(poor, warning),
        Diagnostic::new("divergence from a standard normal, nats a sample", means[2 * code..].iter().sum()),
    ]
}

/// Each row `samples` times in sequence.
///
/// # Shapes
/// - `rows`: `[N, ..]`
/// - returns: `[N samples, ..]`
///
/// # Errors
/// Candle cannot copy the rows.
pub fn each(rows: &Tensor, samples: usize) -> Result<Tensor> {
    if samples == 1 {
        return Ok(rows.clone());
    }
    let (n, rest) = (rows.dim(0)?, &rows.dims()[1..]);
    let wide: Vec<usize> = [n, samples].into_iter().chain(rest.iter().copied()).collect();
    let long: Vec<usize> = std::iter::once(n * samples).chain(rest.iter().copied()).collect();
    Ok(rows.unsqueeze(1)?.broadcast_as(wide)?.contiguous()?.reshape(long)?)
}

/// `log N(z; 0, 1)` of each code.
///
/// # Shapes
/// - `z`: `[M, code]`
/// - returns: `[M]`
///
/// # Errors
/// Candle cannot compute it.
pub fn log_standard_normal(z: &Tensor) -> Result<Tensor> {
    let code = z.dim(D::Minus1)?;
    Ok(z.sqr()?.sum(D::Minus1)?.affine(-0.5, -0.5 * code as f64 * std::f64::consts::TAU.ln())?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_divergence_is_the_mean_of_the_log_ratio() {
        let row = |values: [f64; 2]| Tensor::new(&[values], &Device::Cpu).unwrap();
        let posterior = Posterior { mean: row([0.7, -1.2]), log_var: row([-1.0, 0.4]) };
        let (z, noise) = posterior.draw(200_000, &Key::new(2)).unwrap();
        let ratio = (posterior.log_density(&noise).unwrap() - log_standard_normal(&z).unwrap()).unwrap();
        let estimate = ratio.mean_all().unwrap().to_scalar::<f64>().unwrap();
        let exact = posterior.divergence_by_latent().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        assert!((estimate - exact).abs() < 0.01, "{estimate} for {exact}");
    }

    #[test]
    fn a_posterior_that_does_not_depend_on_the_sample_is_warned_about() {
        let judge = |spread: f64| {
            let mean = Tensor::new(&[[spread, 0.0], [-spread, 0.0]], &Device::Cpu).unwrap();
            let posterior = Posterior { log_var: mean.zeros_like().unwrap(), mean };
            let sums = posterior.activity().unwrap().to_vec1::<f64>().unwrap();
            diagnose(&sums.into_iter().map(|sum| sum / 2.0).collect::<Vec<_>>())
        };
        let used = judge(1.0);
        assert!(used[0].value == 1.0 && used[0].warning.is_none() && (used[1].value - 0.5).abs() < 1e-12);
        let collapsed = judge(0.05);
        assert!(collapsed[0].value == 0.0 && collapsed[0].warning.as_ref().unwrap().contains("beta"));
    }
}
