//! A linear path beside a network, set to the data's principal components before training: `z = W u + f(u)`,
//! `v = V z + g(z)`. Training starts where principal component analysis ends, and the networks learn what it misses.

use candle_core::Tensor;
use narrows_core::{Dims, Result};
use narrows_tensor::{Activation, Init, Parameters, Scope};

use super::Dense;
use crate::principal::PrincipalAxes;

/// The two linear maps beside the encoder and the decoder, without the networks that they run beside.
#[derive(Clone, Debug)]
pub struct LinearPath {
    encode: Dense,
    decode: Dense,
    code: usize,
    /// Full names of the two weights; a tied path has one.
    names: (String, Option<String>),
    sample: Dims,
}

impl LinearPath {
    /// Maps from samples to the first `code` of `hidden` values, and from codes to samples; both are beside `condition`
    /// further inputs.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(sample: &Dims, hidden: usize, code: usize, condition: usize, scope: &Scope) -> Result<Self> {
        let features = sample.elements();
        let init = Init::XavierUniform { fan_in: features, fan_out: code };
        let (inner, outer) = (scope.enter("encode"), scope.enter("decode"));
        Ok(Self {
            encode: Dense::with_init(features + condition, hidden, init, Activation::Identity, &inner)?,
            decode: Dense::with_init(code + condition, features, init, Activation::Identity, &outer)?,
            code,
            names: (inner.full_name("weight"), Some(outer.full_name("weight"))),
            sample: sample.clone(),
        })
    }

    /// Maps that share one weight: `z = W u + b`, `v = Wᵀ z + c`.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn tied(sample: &Dims, code: usize, scope: &Scope) -> Result<Self> {
        let inner = scope.enter("encode");
        let encode = Dense::new(sample.elements(), code, Activation::Identity, &inner)?;
        let decode = Dense::tied(encode.weight(), Activation::Identity, &scope.enter("decode"))?;
        Ok(Self { encode, decode, code, names: (inner.full_name("weight"), None), sample: sample.clone() })
    }

    /// Values in a code.
    pub fn code(&self) -> usize {
        self.code
    }

    /// Sets both maps to principal axes; untied, with codes scaled so that their mean square is 1 over the batch.
    ///
    /// # Errors
    /// Candle cannot write a value.
    pub fn start(&self, principal: &PrincipalAxes, parameters: &Parameters) -> Result<()> {
        let mean = principal.variance.iter().sum::<f64>() / self.code as f64;
        let scale = if mean > 0.0 && self.names.1.is_some() { mean.sqrt() } else { 1.0 };
        let write = |name: &str, value: &Tensor| -> Result<()> {
            if let Some(var) = parameters.get(name) {
                let (outputs, inputs) = var.dims2()?;
                // Hidden values beyond the code, such as log-variances, have no linear part at first, nor have conditions.
                let value = value.pad_with_zeros(0, 0, outputs - value.dim(0)?)?;
                let value = value.pad_with_zeros(1, 0, inputs - value.dim(1)?)?;
                var.set(&value.to_dtype(var.dtype())?.contiguous()?)?;
            }
            Ok(())
        };
        let (encode, decode) = &self.names;
        write(encode, &(principal.axes.t()? / scale)?)?;
        decode.as_ref().map_or(Ok(()), |decode| write(decode, &(&principal.axes * scale)?))
    }

    /// The linear part of the hidden values.
    ///
    /// # Shapes
    /// - `u`: `[N, ..sample]`, or `[N, sample + condition]`
    /// - returns: `[N, hidden]`
    ///
    /// # Errors
    /// The sample is not the one that the path was made for.
    pub fn encode(&self, u: &Tensor) -> Result<Tensor> {
        self.encode.forward(&u.flatten_from(1)?)
    }

    /// The linear part of the decoder's output.
    ///
    /// # Shapes
    /// - `z`: `[N, code]`, or `[N, code + condition]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The code is not the one that the path was made for.
    pub fn decode(&self, z: &Tensor) -> Result<Tensor> {
        Ok(self.decode.forward(z)?.reshape(self.sample.batched(z.dim(0)?))?)
    }
}
