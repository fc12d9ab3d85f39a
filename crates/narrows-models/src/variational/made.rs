//! Masked autoencoders for distribution estimation (Germain, Gregor, Murray & Larochelle 2015): a perceptron whose two
//! outputs for latent j depend on the latents before j and on a context, never on j itself or later ones.
//!
//! Units have degrees: latent j has j, hidden unit k has k mod D. A hidden unit sees latents of at most its degree, an
//! output for latent j the hidden units of degrees below j.

use candle_core::{D, Tensor};
use narrows_core::Result;
use narrows_tensor::{Activation, Init, Scope, ops::linear::linear};

/// A masked perceptron with two outputs for each latent.
#[derive(Clone, Debug)]
pub struct Made {
    layers: Vec<Masked>,
    context: Option<Tensor>,
    code: usize,
}

#[derive(Clone, Debug)]
struct Masked {
    weight: Tensor,
    bias: Tensor,
    mask: Tensor,
}

impl Masked {
    /// A layer between units of these degrees; `sees` says whether an output of a degree sees an input of one.
    fn new(
        inputs: &[usize],
        outputs: &[usize],
        sees: fn(usize, usize) -> bool,
        init: Init,
        scope: &Scope,
    ) -> Result<Self> {
        let shape = (outputs.len(), inputs.len());
        let mask = outputs.iter().flat_map(|&output| inputs.iter().map(move |&input| sees(output, input)));
        let mask: Vec<f32> = mask.map(|seen| f32::from(u8::from(seen))).collect();
        Ok(Self {
            weight: scope.parameter("weight", shape, init)?,
            bias: scope.parameter("bias", outputs.len(), Init::Constant(0.0))?,
            mask: Tensor::from_vec(mask, shape, scope.device())?.to_dtype(scope.dtype())?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(linear(x, &(&self.weight * &self.mask)?, Some(&self.bias), Activation::Identity)?)
    }
}

impl Made {
    /// Layers over hidden `widths`, the last one 0 at first; beside the latents the first one sees `context` values (0 for
    /// none).
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(code: usize, context: usize, widths: &[usize], scope: &Scope) -> Result<Self> {
        let mut degrees: Vec<usize> = (1..=code).collect();
        let mut layers = Vec::with_capacity(widths.len() + 1);
        let xavier = |fan_in: usize, fan_out: usize| Init::XavierUniform { fan_in, fan_out };
        for (index, &width) in widths.iter().enumerate() {
            let hidden: Vec<usize> = (0..width).map(|unit| unit % code).collect();
            let init = xavier(degrees.len(), width);
            layers.push(Masked::new(&degrees, &hidden, |output, input| input <= output, init, &scope.enter(index))?);
            degrees = hidden;
        }
        let outputs: Vec<usize> = (1..=code).chain(1..=code).collect();
        let (last, scope_of) = (Init::Constant(0.0), scope.enter(widths.len()));
        layers.push(Masked::new(&degrees, &outputs, |output, input| input < output, last, &scope_of)?);
        let first = widths.first().copied().unwrap_or(2 * code);
        let weight = || scope.enter("context").parameter("weight", (first, context), xavier(context, first));
        Ok(Self { layers, context: (context > 0).then(weight).transpose()?, code })
    }

    /// Both outputs for each latent.
    ///
    /// # Shapes
    /// - `z`: `[M, code]`
    /// - `context`: `[M, context]`
    /// - returns: `[M, code]` each
    ///
    /// # Errors
    /// The latents or the context are of another size.
    pub fn forward(&self, z: &Tensor, context: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
        let mut h = z.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            h = layer.forward(&h)?;
            if let (0, Some(context), Some(weight)) = (index, context, &self.context) {
                h = (h + linear(context, weight, None, Activation::Identity)?)?;
            }
            if index + 1 < self.layers.len() {
                h = Activation::Silu.apply(&h)?;
            }
        }
        let half = |from: usize| h.narrow(D::Minus1, from, self.code)?.contiguous();
        Ok((half(0)?, half(self.code)?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use narrows_tensor::Key;

    use super::*;

    #[test]
    fn an_output_depends_on_earlier_latents_only() {
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        let made = Made::new(4, 2, &[9, 8], &scope).unwrap();
        // The last layer starts at 0.
        let last = scope.parameters().get("2.weight").unwrap().clone();
        last.set(&last.ones_like().unwrap()).unwrap();
        let context = Tensor::new(&[[0.3f64, -1.0]], &Device::Cpu).unwrap();
        let outputs = |z: [f64; 4]| {
            let z = Tensor::new(&[z], &Device::Cpu).unwrap();
            made.forward(&z, Some(&context)).unwrap().0.to_vec2::<f64>().unwrap().remove(0)
        };
        let base = outputs([0.1, 0.2, 0.3, 0.4]);
        for changed in 0..4 {
            let mut z = [0.1, 0.2, 0.3, 0.4];
            z[changed] += 1.0;
            for (output, (now, before)) in outputs(z).iter().zip(&base).enumerate() {
                assert_eq!(output > changed, now != before, "output {output} of a change in {changed}");
            }
        }
    }
}
