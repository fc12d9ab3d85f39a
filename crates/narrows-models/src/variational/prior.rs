//! Distributions of codes before a sample is seen: the standard normal one, a flow from it, and the mixture of posteriors of Tomczak &
//! Welling 2018 (VAE with a VampPrior): `p(z) = 1/K Σ_k q(z|u_k)` with K learned inputs `u_k`.

use candle_core::{D, Tensor};
use narrows_core::Result;
use narrows_tensor::{Init, Key, Parameters, Scope, random};

use super::Posterior;
use super::flow::MaskedAutoregressive;
use super::posterior::log_standard_normal;
use crate::bottleneck::Gaussian;
use crate::composed::Networks;
use crate::network::Mode;
use crate::scaling;

/// The prior `p(z)`.
#[derive(Clone, Debug)]
pub enum Prior {
    /// `N(0, 1)` for each latent.
    StandardNormal,
    /// The posteriors of learned inputs, scaled as networks see them.
    Posteriors(PseudoInputs),
    /// What a flow makes of it.
    Flow(MaskedAutoregressive),
}

/// The inputs of a mixture of posteriors.
#[derive(Clone, Debug)]
pub struct PseudoInputs {
    inputs: Tensor,
    name: String,
}

impl PseudoInputs {
    /// `count` inputs as the parameter `inputs`, standard normal until [`PseudoInputs::start`].
    ///
    /// # Errors
    /// The scope has a parameter of this name already.
    pub fn new(count: usize, sample: &narrows_core::Dims, scope: &Scope) -> Result<Self> {
        let inputs = scope.parameter("inputs", sample.batched(count), Init::Normal(1.0))?;
        Ok(Self { inputs, name: scope.full_name("inputs") })
    }

    /// Sets the inputs to rows evenly spaced in a batch.
    ///
    /// # Shapes
    /// - `u`: `[N, ..sample]`, scaled
    ///
    /// # Errors
    /// Candle cannot write a value.
    pub fn start(&self, u: &Tensor, parameters: &Parameters) -> Result<()> {
        let (n, count) = (u.dim(0)?, self.inputs.dim(0)?);
        let places = Tensor::from_iter((0..count).map(|input| (input * n / count) as u32), u.device())?;
        let rows = u.index_select(&places, 0)?.flatten_all()?.to_dtype(candle_core::DType::F64)?.to_vec1::<f64>()?;
        parameters.get(&self.name).map_or(Ok(()), |var| scaling::set(var, &rows))
    }

    fn posteriors(&self, networks: &Networks<Gaussian>) -> Result<Posterior> {
        networks.bottleneck.posterior(&networks.hidden(&self.inputs, Mode::Infer)?)
    }
}

/// `log 1/K Σ_k N(z; μ_k, σ_k²)` of each code.
fn log_mixture(components: &Posterior, z: &Tensor) -> Result<Tensor> {
    let (k, code) = components.mean.dims2()?;
    // [m, k, j]
    let apart = z.unsqueeze(1)?.broadcast_sub(&components.mean.unsqueeze(0)?)?;
    let log_var = components.log_var.unsqueeze(0)?;
    let squares = apart.sqr()?.broadcast_mul(&log_var.neg()?.exp()?)?.broadcast_add(&log_var)?.sum(D::Minus1)?;
    let density = squares.affine(-0.5, -0.5 * code as f64 * std::f64::consts::TAU.ln() - (k as f64).ln())?;
    let largest = density.max_keepdim(1)?.detach();
    Ok((density.broadcast_sub(&largest)?.exp()?.sum(1)?.log()? + largest.squeeze(1)?)?)
}

impl Prior {
    /// `log p(z)` of each code.
    ///
    /// # Shapes
    /// - `z`: `[M, code]`
    /// - returns: `[M]`
    ///
    /// # Errors
    /// The codes are of another size.
    pub fn log_density(&self, z: &Tensor, networks: &Networks<Gaussian>) -> Result<Tensor> {
        match self {
            Self::StandardNormal => log_standard_normal(z),
            Self::Posteriors(inputs) => log_mixture(&inputs.posteriors(networks)?, z),
            Self::Flow(flow) => flow.log_density(z),
        }
    }

    /// New codes.
    ///
    /// # Shapes
    /// - returns: `[n, code]`
    ///
    /// # Errors
    /// Candle cannot draw them.
    pub fn draw(&self, n: usize, networks: &Networks<Gaussian>, key: &Key) -> Result<Tensor> {
        let normal = || -> Result<Tensor> {
            let like = networks.scaling.scale();
            Ok(random::normal(key, (n, networks.bottleneck.code), like.dtype(), like.device())?)
        };
        match self {
            Self::StandardNormal => normal(),
            Self::Flow(flow) => flow.inverse(&normal()?),
            Self::Posteriors(inputs) => {
                let components = inputs.posteriors(networks)?;
                let k = components.mean.dim(0)?;
                let mut choices = vec![0f32; n];
                random::fill_uniform(&key.named("component"), &mut choices);
                let chosen = choices.iter().map(|choice| ((choice * k as f32) as u32).min(k as u32 - 1));
                let chosen = Tensor::from_iter(chosen, components.mean.device())?;
                let pick = |of: &Tensor| of.detach().index_select(&chosen, 0);
                let drawn = Posterior { mean: pick(&components.mean)?, log_var: pick(&components.log_var)? };
                Ok(drawn.draw(1, &key.named("noise"))?.0)
            }
        }
    }

    /// Sets what the prior takes from training rows.
    ///
    /// # Shapes
    /// - `u`: `[N, ..sample]`, scaled
    ///
    /// # Errors
    /// Candle cannot write a value.
    pub fn start(&self, u: &Tensor, parameters: &Parameters) -> Result<()> {
        match self {
            Self::StandardNormal | Self::Flow(_) => Ok(()),
            Self::Posteriors(inputs) => inputs.start(u, parameters),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_mixture_of_one_is_its_normal_distribution_and_of_two_their_mean() {
        let rows = |values: &[[f64; 2]]| Tensor::from_vec(values.concat(), (values.len(), 2), &Device::Cpu).unwrap();
        let of = |components: &Posterior| {
            log_mixture(components, &rows(&[[0.5, -1.0]])).unwrap().to_vec1::<f64>().unwrap()[0]
        };
        let log_normal = |x: f64, mean: f64, log_var: f64| {
            -0.5 * ((x - mean).powi(2) / log_var.exp() + log_var + std::f64::consts::TAU.ln())
        };
        let (means, log_vars) = ([[1.0, 0.0], [-2.0, 0.3]], [[0.4, -1.0], [0.0, 2.0]]);
        let expected: Vec<f64> = (0..2)
            .map(|k| log_normal(0.5, means[k][0], log_vars[k][0]) + log_normal(-1.0, means[k][1], log_vars[k][1]))
            .collect();
        let one = of(&Posterior { mean: rows(&means[..1]), log_var: rows(&log_vars[..1]) });
        assert!((one - expected[0]).abs() < 1e-12);
        let two = of(&Posterior { mean: rows(&means), log_var: rows(&log_vars) });
        assert!((two - (0.5 * (expected[0].exp() + expected[1].exp())).ln()).abs() < 1e-12);
    }
}
