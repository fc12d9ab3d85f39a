//! The maximum mean discrepancy between codes and the prior (Gretton et al. 2012), unbiased:
//! `1/(n(n-1)) Σ_{i≠j} [k(z_i, z_j) + k(p_i, p_j)] - 2/n² Σ_ij k(z_i, p_j)`, and the objective of Zhao, Song & Ermon 2017
//! (InfoVAE): `E_q[-log p(x|z)] + (1 - α) KL + (α + λ - 1) MMD`.

use candle_core::{D, Tensor};
use narrows_core::{Group, Loss, Result, StepContext};
use narrows_tensor::ops::loss::kl_gaussian;
use narrows_tensor::random;

use super::{Objective, Parts, Seen};

/// A similarity of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// `exp(-|a - b|² / (2 d))` for d latents.
    Gaussian,
    /// `Σ_s C_s / (C_s + |a - b|²)` with `C_s = 2 d s`, s from 0.1 to 10 (Tolstikhin et al. 2018).
    InverseMultiquadratic,
}

/// Factors of the scale of the inverse multiquadratic kernels.
const SCALES: [f64; 7] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

impl Kernel {
    /// The similarity of each pair.
    ///
    /// # Shapes
    /// - `a`, `b`: `[N, code]`
    /// - returns: `[N, N]`
    fn between(self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let code = a.dim(D::Minus1)? as f64;
        let squares = |x: &Tensor| x.sqr()?.sum_keepdim(1);
        let apart = squares(a)?.broadcast_add(&squares(b)?.t()?)?;
        let distance = (apart - (a.matmul(&b.t()?)? * 2.0)?)?.relu()?;
        match self {
            Self::Gaussian => Ok((distance / (-2.0 * code))?.exp()?),
            Self::InverseMultiquadratic => {
                let mut sum = distance.zeros_like()?;
                for scale in SCALES {
                    let c = 2.0 * code * scale;
                    sum = (sum + (distance.affine(1.0, c)?.recip()? * c)?)?;
                }
                Ok(sum)
            }
        }
    }
}

/// What each code adds to the discrepancy: the mean over codes is the unbiased estimate.
///
/// # Shapes
/// - `z`, `prior`: `[N, code]`
/// - returns: `[N]`
///
/// # Errors
/// The shapes differ.
pub fn discrepancy(z: &Tensor, prior: &Tensor, kernel: Kernel) -> Result<Tensor> {
    let n = z.dim(0)?;
    let others = (n as f64 - 1.0).max(1.0);
    let apart = Tensor::eye(n, z.dtype(), z.device())?.affine(-1.0, 1.0)?;
    let within = (kernel.between(z, z)? + kernel.between(prior, prior)?)?;
    let within = ((within * apart)?.sum(1)? / others)?;
    Ok((within - (kernel.between(z, prior)?.sum(1)? * (2.0 / n as f64))?)?)
}

/// The bound with part of the divergence replaced by the discrepancy of the aggregate posterior.
#[derive(Clone, Copy, Debug)]
pub struct Discrepancy {
    /// Weight α of the information between samples and codes: `1 - α` is the divergence's weight.
    pub information: f64,
    /// Weight λ of the divergence of the aggregate posterior from the prior.
    pub prior: f64,
    /// The similarity of codes.
    pub kernel: Kernel,
}

impl Objective for Discrepancy {
    fn loss(&self, parts: &Parts, seen: &Seen<'_>, _: &Group, at: &StepContext) -> Result<Loss> {
        let posterior = parts.posterior(seen.u, seen.mode)?;
        let (z, _) = posterior.draw(1, &seen.noise)?;
        let prior = random::normal(&at.key.named("prior"), z.shape(), z.dtype(), z.device())?;
        Ok(Loss::of("reconstruction", parts.nats(&z, seen.batch, seen.mode)?)
            .with("kl", kl_gaussian(&posterior.mean, &posterior.log_var)?, 1.0 - self.information)
            .with("mmd", discrepancy(&z, &prior, self.kernel)?, self.information + self.prior - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use narrows_tensor::{DType, Key};

    use super::*;

    fn normal(seed: u64) -> Tensor {
        random::normal(&Key::new(seed), (800, 3), DType::F64, &Device::Cpu).unwrap()
    }

    #[test]
    fn codes_of_the_prior_have_no_discrepancy_and_others_have() {
        for kernel in [Kernel::Gaussian, Kernel::InverseMultiquadratic] {
            let of = |z: &Tensor| discrepancy(z, &normal(2), kernel).unwrap().mean_all().unwrap().to_scalar::<f64>();
            let (same, wide) = (of(&normal(1)).unwrap(), of(&(normal(1) * 2.0).unwrap()).unwrap());
            assert!(same.abs() < 0.02 && wide > 0.05 && wide > 5.0 * same.abs(), "{kernel:?}: {same}, {wide}");
        }
    }

    #[test]
    fn a_gaussian_kernel_gives_the_known_discrepancy_of_two_normal_distributions() {
        // E k(a, b) for a - b ~ N(m, v) in each of d = 3 latents: Π (1 + v/d)^-½ exp(-m² / (2 (d + v))).
        let shifted = (normal(1) + 1.0).unwrap();
        let found = discrepancy(&shifted, &normal(2), Kernel::Gaussian).unwrap().mean_all().unwrap();
        let expected = 2.0 * (1.0 + 2.0 / 3.0f64).powf(-1.5) * (1.0 - (-3.0 / 10.0f64).exp());
        assert!((found.to_scalar::<f64>().unwrap() - expected).abs() < 0.03);
    }
}
