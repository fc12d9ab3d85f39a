//! Autoregressive flows: chains of invertible maps whose triangular Jacobians have known determinants.
//!
//! Inverse (Kingma et al. 2016): `z' = g z + (1 - g) m` with `(m, s)` from the earlier latents and a context and
//! `g = sigmoid(s + 1.5)`, cheap to draw from. Masked (Papamakarios, Pavlakou & Murray 2017): `u = (z - m) exp(-α)`, cheap
//! to measure densities with; its inverse takes one pass for each latent. Latents are reversed from step to step.

use candle_core::Tensor;
use narrows_core::Result;
use narrows_tensor::{Activation, Scope};

use super::made::Made;
use super::posterior::log_standard_normal;

/// Gates start near 1, so that a flow starts near the identity.
const OPEN: f64 = 1.5;
/// Largest size of the logarithm of a masked step's scale.
const BOUND: f64 = 5.0;

fn steps(count: usize, code: usize, context: usize, widths: &[usize], scope: &Scope) -> Result<Vec<Made>> {
    (0..count).map(|step| Made::new(code, context, widths, &scope.enter(step))).collect()
}

/// The latents in reverse order.
fn reversed(z: &Tensor) -> Result<Tensor> {
    let code = z.dim(1)? as u32;
    Ok(z.index_select(&Tensor::from_iter((0..code).rev(), z.device())?, 1)?)
}

/// A posterior's flow, from its normal distribution to one of any shape.
#[derive(Clone, Debug)]
pub struct InverseAutoregressive {
    steps: Vec<Made>,
}

impl InverseAutoregressive {
    /// `count` steps that see `context` values beside the latents.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(count: usize, code: usize, context: usize, widths: &[usize], scope: &Scope) -> Result<Self> {
        Ok(Self { steps: steps(count, code, context, widths, scope)? })
    }

    /// Where codes go, and the logarithm of the Jacobian's determinant there.
    ///
    /// # Shapes
    /// - `z`: `[M, code]`
    /// - `context`: `[M, context]`
    /// - returns: `[M, code]`, `[M]`
    ///
    /// # Errors
    /// The codes or the context are of another size.
    pub fn forward(&self, z: &Tensor, context: &Tensor) -> Result<(Tensor, Tensor)> {
        let (mut z, mut log_det) = (z.clone(), z.zeros_like()?.sum(1)?);
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                z = reversed(&z)?;
            }
            let (m, s) = step.forward(&z, Some(context))?;
            let s = s.affine(1.0, OPEN)?;
            let gate = Activation::Sigmoid.apply(&s)?;
            // log sigmoid(s) = -softplus(-s)
            log_det = (log_det - Activation::Softplus.apply(&s.neg()?)?.sum(1)?)?;
            z = (&m + (&gate * (&z - &m)?)?)?;
        }
        Ok((z, log_det))
    }
}

/// A prior's flow, from a distribution of any shape to the standard normal one.
#[derive(Clone, Debug)]
pub struct MaskedAutoregressive {
    steps: Vec<Made>,
}

impl MaskedAutoregressive {
    /// `count` steps.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(count: usize, code: usize, widths: &[usize], scope: &Scope) -> Result<Self> {
        Ok(Self { steps: steps(count, code, 0, widths, scope)? })
    }

    fn step(step: &Made, z: &Tensor) -> Result<(Tensor, Tensor)> {
        let (m, log_scale) = step.forward(z, None)?;
        Ok((m, ((log_scale / BOUND)?.tanh()? * BOUND)?))
    }

    /// `log p(z)` of each code.
    ///
    /// # Shapes
    /// - `z`: `[M, code]`
    /// - returns: `[M]`
    ///
    /// # Errors
    /// The codes are of another size.
    pub fn log_density(&self, z: &Tensor) -> Result<Tensor> {
        let (mut u, mut log_det) = (z.clone(), z.zeros_like()?.sum(1)?);
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                u = reversed(&u)?;
            }
            let (m, log_scale) = Self::step(step, &u)?;
            u = ((u - m)? * log_scale.neg()?.exp()?)?;
            log_det = (log_det - log_scale.sum(1)?)?;
        }
        Ok((log_standard_normal(&u)? + log_det)?)
    }

    /// The codes that standard normal numbers stand for.
    ///
    /// # Shapes
    /// - `u`: `[M, code]`
    /// - returns: `[M, code]`
    ///
    /// # Errors
    /// The numbers are of another size.
    pub fn inverse(&self, u: &Tensor) -> Result<Tensor> {
        let mut z = u.clone();
        for (index, step) in self.steps.iter().enumerate().rev() {
            let u = z;
            z = u.zeros_like()?;
            // Each pass makes one more latent right: it depends on those before it.
            for _ in 0..u.dim(1)? {
                let (m, log_scale) = Self::step(step, &z)?;
                z = ((&u * log_scale.exp()?)? + m)?.detach();
            }
            if index > 0 {
                z = reversed(&z)?;
            }
        }
        Ok(z)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use narrows_tensor::{Key, random};

    use super::*;

    /// All parameters drawn, because last layers start at 0.
    fn drawn(scope: &Scope) {
        for (name, var) in scope.parameters().trained() {
            let value = random::normal(&Key::new(5).named(name), var.shape(), var.dtype(), var.device()).unwrap();
            var.set(&(value * 0.5).unwrap()).unwrap();
        }
    }

    fn log_det_by_differences(map: impl Fn(&Tensor) -> Tensor, z: &[f64; 2]) -> f64 {
        let at = |z: [f64; 2]| map(&Tensor::new(&[z], &Device::Cpu).unwrap()).to_vec2::<f64>().unwrap().remove(0);
        let slope = |latent: usize| {
            let (mut up, mut down) = (*z, *z);
            up[latent] += 1e-6;
            down[latent] -= 1e-6;
            let (up, down) = (at(up), at(down));
            [(up[0] - down[0]) / 2e-6, (up[1] - down[1]) / 2e-6]
        };
        let (first, second) = (slope(0), slope(1));
        (first[0] * second[1] - first[1] * second[0]).abs().ln()
    }

    #[test]
    fn the_determinants_are_those_of_the_jacobians() {
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        let flow = InverseAutoregressive::new(3, 2, 1, &[8], &scope).unwrap();
        drawn(&scope);
        let context = Tensor::new(&[[0.7f64]], &Device::Cpu).unwrap();
        let z = [0.4, -1.1];
        let (_, log_det) = flow.forward(&Tensor::new(&[z], &Device::Cpu).unwrap(), &context).unwrap();
        let expected = log_det_by_differences(|z| flow.forward(z, &context).unwrap().0, &z);
        let found = log_det.to_vec1::<f64>().unwrap()[0];
        assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
    }

    #[test]
    fn a_masked_flow_inverts_and_its_density_is_that_of_its_draws() {
        let scope = Scope::root(Key::new(2), DType::F64, &Device::Cpu);
        let flow = MaskedAutoregressive::new(2, 2, &[8], &scope).unwrap();
        drawn(&scope);
        let u = [0.3, -0.8];
        let z = flow.inverse(&Tensor::new(&[u], &Device::Cpu).unwrap()).unwrap();
        // p(z) |dz/du| = N(u; 0, 1)
        let spread = log_det_by_differences(|u| flow.inverse(u).unwrap(), &u);
        let normal = -0.5 * (u[0] * u[0] + u[1] * u[1]) - std::f64::consts::TAU.ln();
        let found = flow.log_density(&z).unwrap().to_vec1::<f64>().unwrap()[0];
        assert!((found - (normal - spread)).abs() < 1e-6, "{found} for {}", normal - spread);
    }
}
