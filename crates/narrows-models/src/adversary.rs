//! A network that tells true samples from false ones (Goodfellow et al. 2014), with the losses of both sides: it learns
//! `-log D(true) - log (1 - D(false))`, and who deceives it minimises `-log D(false)`.

use candle_core::Tensor;
use narrows_core::{Dims, Result};
use narrows_tensor::{Activation, Scope};

use crate::network::mlp::Hidden;
use crate::network::{Dense, Mlp, Mode, Network};

/// A perceptron with one logit.
#[derive(Clone, Debug)]
pub struct Adversary {
    features: Mlp,
    activation: Activation,
    logit: Dense,
}

impl Adversary {
    /// Hidden layers of these widths over `input`, at least one; the last gives the features that it judges by.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(input: &Dims, widths: &[usize], activation: Activation, scope: &Scope) -> Result<Self> {
        let layers = Hidden { activation, dropout: 0.0, beside_path: false };
        let (last, hidden) = widths.split_last().unwrap_or((&1, &[]));
        Ok(Self {
            features: Mlp::new(input, hidden, &Dims::new([*last]), layers, scope)?,
            activation,
            logit: Dense::new(*last, 1, Activation::Identity, &scope.enter("logit"))?,
        })
    }

    /// What samples are judged by.
    ///
    /// # Shapes
    /// - `x`: `[N, ..input]`
    /// - returns: `[N, features]`
    ///
    /// # Errors
    /// The samples are of another size.
    pub fn features(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.activation.apply(&self.features.forward(x, Mode::Infer)?)?)
    }

    /// The logit of being true, of samples with these features.
    ///
    /// # Shapes
    /// - `features`: `[N, features]`
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The features are of another size.
    pub fn verdict(&self, features: &Tensor) -> Result<Tensor> {
        Ok(self.logit.forward(features)?.squeeze(1)?)
    }

    /// The logit of being true.
    ///
    /// # Shapes
    /// - `x`: `[N, ..input]`
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The samples are of another size.
    pub fn judge(&self, x: &Tensor) -> Result<Tensor> {
        self.verdict(&self.features(x)?)
    }
}

/// `-log D`: what a sample that is to pass for true costs.
///
/// # Shapes
/// - `logit`: `[N]`
/// - returns: `[N]`
///
/// # Errors
/// Candle cannot compute it.
pub fn as_true(logit: &Tensor) -> Result<Tensor> {
    Ok(Activation::Softplus.apply(&logit.neg()?)?)
}

/// `-log (1 - D)`: what a sample that is known to be false costs.
///
/// # Shapes
/// - `logit`: `[N]`
/// - returns: `[N]`
///
/// # Errors
/// Candle cannot compute it.
pub fn as_false(logit: &Tensor) -> Result<Tensor> {
    Ok(Activation::Softplus.apply(logit)?)
}
