//! The parameters of a sparse autoencoder: encoder `W`, `b`, directions `d_i` of length 1, centre `c`.

use candle_core::Tensor;
use narrows_core::Result;
use narrows_tensor::ops::centre::{bias_of_centred, centre};
use narrows_tensor::{Gradients, Init, Parameters, Scope, unit};

use super::median::geometric_median;

/// Encoder and decoder of an overcomplete code.
#[derive(Clone, Debug)]
pub struct Dictionary {
    /// Encoder weight, `[latents, features]`.
    pub encoder: Tensor,
    /// Encoder bias, `[latents]`.
    pub bias: Tensor,
    /// Decoder weight, one direction a row, `[latents, features]`.
    pub directions: Tensor,
    /// What the decoder adds and the encoder subtracts, `[features]`.
    pub centre: Tensor,
    /// Full names of directions and centre.
    names: [String; 2],
}

impl Dictionary {
    /// Random directions, and an encoder that measures along them with rows of this length: `W = length D`. Parameters are
    /// `encoder.weight`, `encoder.bias`, `decoder.weight` and `decoder.bias`.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(features: usize, latents: usize, length: f64, scope: &Scope) -> Result<Self> {
        let (inner, outer) = (scope.enter("encoder"), scope.enter("decoder"));
        let spread = Init::Normal(1.0 / (features as f64).sqrt());
        let directions = outer.parameter("weight", (latents, features), spread)?;
        let centre = outer.parameter("bias", features, Init::Constant(0.0))?;
        let encoder = inner.parameter("weight", (latents, features), Init::Constant(0.0))?;
        let bias = inner.parameter("bias", latents, Init::Constant(0.0))?;
        let names = [outer.full_name("weight"), outer.full_name("bias")];
        let dictionary = Self { encoder, bias, directions, centre, names };
        let parameters = scope.parameters();
        dictionary.project(&parameters)?;
        if let Some(encoder) = parameters.get(&inner.full_name("weight")) {
            encoder.set(&(dictionary.directions.detach() * length)?)?;
        }
        Ok(dictionary)
    }

    /// The number of directions.
    pub fn latents(&self) -> usize {
        self.bias.elem_count()
    }

    /// Samples relative to the centre.
    ///
    /// # Shapes
    /// - `u`: `[N, features]`
    /// - returns: `[N, features]`
    ///
    /// # Errors
    /// The features are others.
    pub fn centred(&self, u: &Tensor) -> Result<Tensor> {
        Ok(centre(u, &self.centre)?)
    }

    /// What a linear encoder reads, and its bias: centred samples as constants, and a bias that gives the centre its gradient.
    ///
    /// # Shapes
    /// - `centred`: `[N, features]`, of samples that no gradient is wanted of
    /// - returns: `[N, features]`, `[latents]`
    ///
    /// # Errors
    /// The features are others.
    pub fn read(&self, centred: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((centred.detach(), bias_of_centred(&self.bias, &self.centre, &self.encoder)?))
    }

    /// Puts the centre at the geometric median of rows.
    ///
    /// # Shapes
    /// - `u`: `[N, features]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn start(&self, u: &Tensor, parameters: &Parameters) -> Result<()> {
        if let Some(centre) = parameters.get(&self.names[1]) {
            centre.set(&geometric_median(u)?.to_dtype(centre.dtype())?)?;
        }
        Ok(())
    }

    /// Takes the radial part out of the directions' gradients, which could only change their length.
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn adjust(&self, gradients: &mut Gradients, parameters: &Parameters) -> Result<()> {
        let [directions, _] = &self.names;
        if let (Some(gradient), Some(var)) = (gradients.get(directions).cloned(), parameters.get(directions)) {
            gradients.set(directions, unit::remove_radial(gradient, var)?);
        }
        Ok(())
    }

    /// Scales the directions back to length 1.
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn project(&self, parameters: &Parameters) -> Result<()> {
        parameters.get(&self.names[0]).map_or(Ok(()), |directions| Ok(unit::normalize_rows(directions)?))
    }
}
