//! The negative log-likelihood in nats, so that with a divergence of codes the loss is a bound on `-log p(x)`. As a rule
//! real features are normal around the decoder's mean with one variance, learned with the networks (Rybkin, Daniilidis &
//! Levine 2021) in units of their scale, or fixed; the variance of each value may come from a network of its own. Logarithms
//! of variances and dispersions are bounded: `B tanh(λ / B)`.

use candle_core::Tensor;
use narrows_core::{Dims, Result};
use narrows_tensor::{Activation, Init, Scope};

use crate::composed::Networks;
use crate::likelihood::{Scale, Spread};
use crate::network::mlp::Hidden;
use crate::network::{Mlp, Mode, Network};
use crate::{DataSpec, Family, Likelihood};

/// Largest size of the logarithm of a variance that all values share.
const SHARED: f64 = 12.0;
/// Largest size of the logarithm of a variance of one value, or of a feature's dispersion.
const SINGLE: f64 = 8.0;

/// How real features spread around the decoder's mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Density {
    /// Normal; the deviation is fixed, or learned for all values.
    Normal(Option<f64>),
    /// Normal, with a deviation for each value by a network from the code.
    NormalPerElement,
    /// Laplace; the deviation is fixed, or learned for all values.
    Laplace(Option<f64>),
    /// Counts whose variance is their mean.
    Poisson,
    /// Counts of larger variance, by a learned dispersion for each feature.
    NegativeBinomial,
}

/// `-log p(x|z)` with the parameters of the likelihood that do not come from the decoder.
#[derive(Clone, Debug)]
pub struct Bound {
    density: Density,
    learned: Learned,
}

/// What is learned of a spread.
#[derive(Clone, Debug)]
enum Learned {
    /// The log-variance of all values; a constant where it is fixed.
    Shared(Tensor),
    /// From a code to the log-variance of each value.
    Head(Mlp),
    /// The logarithm of each feature's dispersion.
    Dispersion(Tensor),
    Nothing,
}

/// `B tanh(λ / B)`: the identity near 0, and never larger than B.
fn bounded(log: &Tensor, bound: f64) -> Result<Tensor> {
    Ok(((log / bound)?.tanh()? * bound)?)
}

impl Bound {
    /// A bound under a density of real features. `code` is the width of what the decoder sees, and `hidden` that of the
    /// layer between it and the deviations of single values.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(density: Density, data: &DataSpec, code: usize, hidden: usize, scope: &Scope) -> Result<Self> {
        let real = match &data.likelihood {
            Likelihood::Gaussian => true,
            Likelihood::Bernoulli => false,
            Likelihood::Mixed(row) => row.heads().iter().any(|head| head.family == Family::Gaussian),
        };
        let constant =
            |value: f64| Ok::<_, narrows_core::Error>(Tensor::new(value, scope.device())?.to_dtype(scope.dtype())?);
        let learned = match density {
            _ if !real => Learned::Shared(constant(0.0)?),
            Density::Normal(Some(deviation)) | Density::Laplace(Some(deviation)) => {
                Learned::Shared(constant(2.0 * deviation.ln())?)
            }
            Density::Normal(None) | Density::Laplace(None) => {
                Learned::Shared(scope.parameter("log_var", (), Init::Constant(0.0))?)
            }
            Density::NormalPerElement => {
                // Its last layer starts at 0: at first all values have the deviation of their feature.
                let layers = Hidden { activation: Activation::Silu, dropout: 0.0, beside_path: true };
                let (code, scope) = (Dims::new([code]), scope.enter("log_var"));
                Learned::Head(Mlp::new(&code, &[hidden], &Dims::new([data.features()]), layers, &scope)?)
            }
            Density::Poisson => Learned::Nothing,
            Density::NegativeBinomial => {
                Learned::Dispersion(scope.parameter("log_dispersion", data.features(), Init::Constant(0.0))?)
            }
        };
        Ok(Self { density, learned })
    }

    /// How real features spread around the means of codes.
    ///
    /// # Shapes
    /// - `z`: `[N, code]`, what the decoder sees
    ///
    /// # Errors
    /// The codes are of another size.
    pub fn spread<B>(&self, networks: &Networks<B>, z: &Tensor, mode: Mode) -> Result<Spread> {
        let log_var = match &self.learned {
            Learned::Nothing => return Ok(Spread::Poisson),
            Learned::Dispersion(log) => {
                return Ok(Spread::NegativeBinomial { log_dispersion: bounded(log, SINGLE)? });
            }
            Learned::Shared(log_var) => bounded(log_var, SHARED)?,
            Learned::Head(head) => bounded(&head.forward(z, mode.enter("likelihood"))?, SINGLE)?,
        };
        let scale = Scale { unit: networks.scaling.scale().flatten_all()?, log_var };
        Ok(if matches!(self.density, Density::Laplace(_)) { Spread::Laplace(scale) } else { Spread::Normal(scale) })
    }
}
