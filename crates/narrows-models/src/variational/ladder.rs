//! Two levels of latents (Sønderby, Raiko, Maaløe, Sønderby & Winther 2016, Ladder Variational Autoencoders):
//! `p(x, z, w) = p(w) p(z|w) p(x|z)`. The posterior goes up and comes back down: `q(w|x)` from what the encoder says of z,
//! and `q(z|x, w)` is what the encoder says of z and `p(z|w)` together, each weighted by its precision.

use candle_core::Tensor;
use narrows_core::{Dims, Result};
use narrows_tensor::{Activation, Key, Scope, random};

use super::Posterior;
use super::posterior::{each, log_normal, log_standard_normal};
use crate::bottleneck::Gaussian;
use crate::network::mlp::Hidden;
use crate::network::{Mlp, Mode, Network};

/// The upper level: a distribution of the lower latents for each value of the upper ones, and the way up.
#[derive(Clone, Debug)]
pub struct Ladder {
    up: Mlp,
    down: Mlp,
    code: usize,
    top: usize,
}

/// Codes drawn under both levels.
pub struct Climb {
    /// Lower latents, `[M, code]`.
    pub z: Tensor,
    /// `log q(z, w|x) - log p(z, w)` of the draws, `[M]`.
    pub log_ratio: Tensor,
    /// The divergence of both levels under the drawn w, `[M]`: the same mean, less noise.
    pub divergence: Tensor,
}

/// Two distributions of one thing as one, weighted by their precisions.
fn merged(bottom: &Posterior, prior: &Posterior) -> Result<Posterior> {
    let (own, other) = (bottom.log_var.neg()?.exp()?, prior.log_var.neg()?.exp()?);
    let precision = (&own + &other)?;
    let mean = (((&bottom.mean * own)? + (&prior.mean * other)?)? / &precision)?;
    Ok(Posterior { mean, log_var: precision.log()?.neg()? })
}

impl Ladder {
    /// `top` upper latents over `code` lower ones; `widths` lead up, and reversed down.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(code: usize, top: usize, widths: &[usize], activation: Activation, scope: &Scope) -> Result<Self> {
        let layers = Hidden { activation, dropout: 0.0, beside_path: false };
        let mirrored: Vec<usize> = widths.iter().rev().copied().collect();
        let (two, upper) = (Dims::new([2 * code]), Dims::new([2 * top]));
        Ok(Self {
            up: Mlp::new(&two, widths, &upper, layers, &scope.enter("up"))?,
            down: Mlp::new(&Dims::new([top]), &mirrored, &two, layers, &scope.enter("down"))?,
            code,
            top,
        })
    }

    /// `q(w|x)` from what the encoder says of z.
    fn upper(&self, bottom: &Posterior) -> Result<Posterior> {
        Gaussian { code: self.top }.posterior(&self.up.forward(&bottom.statistics()?, Mode::Infer)?)
    }

    /// `p(z|w)`
    fn lower(&self, w: &Tensor) -> Result<Posterior> {
        Gaussian { code: self.code }.posterior(&self.down.forward(w, Mode::Infer)?)
    }

    /// `q(z|x, w)` where w is at its mean; its own mean is the code in use.
    ///
    /// # Errors
    /// The posterior is of another size.
    pub fn at_mean(&self, bottom: &Posterior) -> Result<Posterior> {
        merged(bottom, &self.lower(&self.upper(bottom)?.mean)?)
    }

    /// `samples` codes of each sample; those of one sample follow each other.
    ///
    /// # Errors
    /// The posterior is of another size.
    pub fn climb(&self, bottom: &Posterior, samples: usize, key: &Key) -> Result<Climb> {
        let upper = self.upper(bottom)?;
        let (w, above) = upper.draw(samples, &key.named("upper"))?;
        let prior = self.lower(&w)?;
        let bottom = Posterior { mean: each(&bottom.mean, samples)?, log_var: each(&bottom.log_var, samples)? };
        let posterior = merged(&bottom, &prior)?;
        let (z, below) = posterior.draw(1, &key.named("lower"))?;
        let log_q = (upper.log_density(&above)? + posterior.log_density(&below)?)?;
        let log_p = (log_standard_normal(&w)? + log_normal(&z, &prior)?)?;
        let over = each(&upper.divergence_by_latent()?.sum(1)?, samples)?;
        let divergence = (over + posterior.divergence_from(&prior)?)?;
        Ok(Climb { z, log_ratio: (log_q - log_p)?, divergence })
    }

    /// New codes, of the type of `like`.
    ///
    /// # Shapes
    /// - returns: `[n, code]`
    ///
    /// # Errors
    /// Candle cannot draw them.
    pub fn draw(&self, n: usize, like: &Tensor, key: &Key) -> Result<Tensor> {
        let w = random::normal(&key.named("upper"), (n, self.top), like.dtype(), like.device())?;
        Ok(self.lower(&w)?.draw(1, &key.named("lower"))?.0)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_divergence_is_the_mean_of_the_log_ratio() {
        let scope = Scope::root(Key::new(3), DType::F64, &Device::Cpu);
        let ladder = Ladder::new(2, 1, &[4], Activation::Tanh, &scope).unwrap();
        let row = |values: [f64; 2]| Tensor::new(&[values], &Device::Cpu).unwrap();
        let bottom = Posterior { mean: row([0.7, -1.2]), log_var: row([-1.0, 0.4]) };
        let climb = ladder.climb(&bottom, 100_000, &Key::new(2)).unwrap();
        let mean = |of: &Tensor| of.mean_all().unwrap().to_scalar::<f64>().unwrap();
        let (ratio, divergence) = (mean(&climb.log_ratio), mean(&climb.divergence));
        assert!((ratio - divergence).abs() < 0.02, "{ratio} for {divergence}");
    }

    #[test]
    fn precise_knowledge_outweighs_vague() {
        let row = |value: f64| Tensor::new(&[[value]], &Device::Cpu).unwrap();
        let of = |mean: f64, variance: f64| Posterior { mean: row(mean), log_var: row(variance.ln()) };
        let both = merged(&of(1.0, 0.5), &of(4.0, 2.0)).unwrap();
        let (mean, log_var) = (both.mean.to_vec2::<f64>().unwrap()[0][0], both.log_var.to_vec2::<f64>().unwrap()[0][0]);
        // Precisions 2 and 0.5.
        assert!((mean - (2.0 * 1.0 + 0.5 * 4.0) / 2.5).abs() < 1e-12 && (log_var - 0.4f64.ln()).abs() < 1e-12);
    }
}
