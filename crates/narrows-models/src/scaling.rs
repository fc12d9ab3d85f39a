//! Fixed affine maps around the networks, set from training rows before the first step and stored as buffers, so that
//! networks see numbers near one whatever the data's unit: `u = gain (x - mean)`, `output = v / gain + mean`.
//!
//! `gain` is the square root of a feature's weight in the loss over one common scale, so that no feature gains or loses
//! importance and principal components of `u` are those of the weighted data. For features read as probabilities the
//! output is a logit, around that of the feature's mean; beside a linear path it is expanded to first order there. Values
//! that lie in 0..=1 by construction, such as pixels, can be kept there: [`Scaling::bounded`].

use candle_core::{DType, Tensor, Var};
use narrows_core::{Dims, Result};
use narrows_tensor::ops::affine::affine;
use narrows_tensor::{Activation, Buffer, Parameters, Scope};

use crate::{Family, Likelihood};

/// Smallest probability around which a logit is expanded: rarer values would make the first logits extreme.
const RAREST: f64 = 0.02;

/// The affine maps between features and what the networks see and give.
#[derive(Clone, Debug)]
pub struct Scaling {
    input_mean: Buffer,
    input_gain: Buffer,
    output_mean: Buffer,
    output_gain: Buffer,
    sample: Dims,
    bounded: bool,
    /// Deviations below its mean at which the networks see 0.
    below: f64,
    /// 1 for features that are kept positive, 0 for others.
    positive: Option<Tensor>,
}

impl Scaling {
    /// Maps that change nothing until [`Scaling::fit`].
    ///
    /// # Errors
    /// The scope has buffers of these names already.
    pub fn new(sample: &Dims, scope: &Scope) -> Result<Self> {
        let constant = |name: &str, value: f64| -> Result<Buffer> {
            let zeros = Tensor::zeros(sample.as_slice(), scope.dtype(), scope.device())?;
            Ok(scope.buffer(name, &zeros.affine(0.0, value)?)?)
        };
        Ok(Self {
            input_mean: constant("input_mean", 0.0)?,
            input_gain: constant("input_gain", 1.0)?,
            output_mean: constant("output_mean", 0.0)?,
            output_gain: constant("output_gain", 1.0)?,
            sample: sample.clone(),
            bounded: false,
            below: 0.0,
            positive: None,
        })
    }

    /// Maps that are the same at every place of pictures and windows, one for each channel, so that they fit any size.
    ///
    /// # Errors
    /// The scope has buffers of these names already.
    pub fn by_channel(sample: &Dims, scope: &Scope) -> Result<Self> {
        Self::new(&Dims::new([sample.as_slice().last().copied().unwrap_or(1)]), scope)
    }

    /// The same maps, the output kept within 0..=1 where `bounded` is set: what leaves the interval is pressed smoothly
    /// into its ends, and what lies inside stays nearly as it is, so that a linear path may start at PCA all the same.
    pub fn bounded(self, bounded: bool) -> Self {
        Self { bounded, ..self }
    }

    /// The same maps, with this many deviations below its mean as the origin of each feature that the networks see.
    pub fn from_below(self, deviations: f64) -> Self {
        Self { below: deviations, ..self }
    }

    /// The same maps, the output of real features kept above 0: what would be negative is pressed smoothly towards 0, and
    /// what is large stays as it is.
    ///
    /// # Errors
    /// Candle cannot make a tensor.
    pub fn positive(self, likelihood: &Likelihood) -> Result<Self> {
        let families = likelihood.families(self.sample.elements());
        let real = Tensor::from_iter(
            families.iter().map(|family| f64::from(u8::from(*family == Family::Gaussian))),
            self.scale().device(),
        )?;
        let real = real.reshape(self.sample.as_slice())?.to_dtype(self.scale().dtype())?;
        Ok(Self { positive: Some(real), ..self })
    }

    /// Features as the encoder sees them.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The dimensions behind the batch axis differ.
    pub fn input(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.broadcast_sub(self.input_mean.value())?.broadcast_mul(self.input_gain.value())?)
    }

    /// The decoder's values as the likelihood reads them.
    ///
    /// # Shapes
    /// - `v`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The dimensions behind the batch axis differ.
    pub fn output(&self, v: &Tensor) -> Result<Tensor> {
        let y = affine(v, self.output_gain.value(), self.output_mean.value())?;
        match &self.positive {
            Some(real) => {
                let bent = above_zero(&y, self.output_gain.value())?;
                Ok((bent.broadcast_mul(real)? + y.broadcast_mul(&real.affine(-1.0, 1.0)?)?)?)
            }
            None if self.bounded => unit_interval(&y),
            None => Ok(y),
        }
    }

    /// For each real feature, the distance in the space of features that the networks see as 1.
    ///
    /// # Shapes
    /// - returns: `[..sample]`
    pub fn scale(&self) -> &Tensor {
        self.output_gain.value()
    }

    /// Differences between features as the networks see them.
    ///
    /// # Shapes
    /// - `difference`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The dimensions behind the batch axis differ.
    pub fn difference(&self, difference: &Tensor) -> Result<Tensor> {
        Ok(difference.broadcast_mul(self.input_gain.value())?)
    }

    /// What a squared error of 1 between samples as the networks see them counts in the loss.
    ///
    /// # Errors
    /// Candle cannot read a value.
    pub fn unit(&self, likelihood: &Likelihood) -> Result<f64> {
        let weight = likelihood.weights(self.sample.elements()).first().map_or(1.0, |&weight| f64::from(weight));
        let gain = self.input_gain.value().flatten_all()?.get(0)?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        Ok((root(weight) / gain).powi(2))
    }

    /// Fits the maps to training rows. With `linear` a change of the output is a change of the expected sample, to first
    /// order, as a linear path needs it; else a logit is the network's own value beside the mean's.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    ///
    /// # Errors
    /// Candle cannot read or write a value.
    pub fn fit(&self, x: &Tensor, likelihood: &Likelihood, linear: bool, parameters: &Parameters) -> Result<()> {
        let features = self.sample.elements();
        let moments = Moments::of(x, features)?;
        let weights: Vec<f64> = likelihood.weights(features).iter().map(|&weight| f64::from(weight)).collect();
        let total: f64 = moments.variance.iter().zip(&weights).map(|(variance, weight)| variance * weight).sum();
        let scale = if total > 0.0 { (total / features as f64).sqrt() } else { 1.0 };

        let gain: Vec<f64> = weights.iter().map(|&weight| root(weight) / scale).collect();
        let families = likelihood.families(features);
        let output: Vec<(f64, f64)> =
            (0..features).map(|j| link(families[j], moments.mean[j], gain[j], linear)).collect();
        let (output_mean, output_gain): (Vec<f64>, Vec<f64>) = output.into_iter().unzip();
        let origin = moments.mean.iter().zip(&moments.variance);
        let origin = origin.map(|(mean, variance)| mean - self.below * variance.sqrt()).collect();
        let columns = [
            (&self.input_mean, origin),
            (&self.input_gain, gain),
            (&self.output_mean, output_mean),
            (&self.output_gain, output_gain),
        ];
        for (buffer, values) in columns {
            if let Some(var) = parameters.buffer(buffer.name()) {
                set(var, &values)?;
            }
        }
        Ok(())
    }
}

/// The root of a feature's weight; a feature without weight is still seen.
fn root(weight: f64) -> f64 {
    weight.sqrt().max(1e-3)
}

/// Offset and slope from a network's value to the likelihood's parameter.
fn link(family: Family, mean: f64, gain: f64, linear: bool) -> (f64, f64) {
    match family {
        Family::Gaussian => (mean, 1.0 / gain),
        Family::Bernoulli if linear => {
            let p = mean.clamp(RAREST, 1.0 - RAREST);
            (logit(p), 1.0 / (gain * p * (1.0 - p)))
        }
        Family::Bernoulli => (logit(mean.clamp(1e-3, 1.0 - 1e-3)), 1.0),
        Family::Categorical => {
            let slope = if linear { 1.0 / (gain * mean.clamp(RAREST, 1.0)) } else { 1.0 };
            (mean.clamp(1e-4, 1.0).ln(), slope)
        }
    }
}

/// How sharply the ends of the interval bend, in its own unit.
const SHARPNESS: f64 = 12.0;

/// `(softplus(s y) - softplus(s (y - 1))) / s`: between 0 and 1, and close to `y` there.
fn unit_interval(y: &Tensor) -> Result<Tensor> {
    let low = Activation::Softplus.apply(&y.affine(SHARPNESS, 0.0)?)?;
    let high = Activation::Softplus.apply(&y.affine(SHARPNESS, -SHARPNESS)?)?;
    Ok(((low - high)? * (1.0 / SHARPNESS))?)
}

/// How sharply the values above zero bend, in units of their scale.
const BEND: f64 = 4.0;
/// The smallest mean of a count.
const LEAST: f64 = 1e-6;

/// `s / 4 softplus(4 y / s) + 1e-6`: above 0, and close to `y` where that is large in units of `s`.
fn above_zero(y: &Tensor, scale: &Tensor) -> Result<Tensor> {
    let bent = Activation::Softplus.apply(&(y.broadcast_div(scale)? * BEND)?)?;
    Ok((bent / BEND)?.broadcast_mul(scale)?.affine(1.0, LEAST)?)
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// Sets a variable from numbers in row-major order.
pub(crate) fn set(var: &Var, values: &[f64]) -> Result<()> {
    let value = Tensor::from_slice(values, var.shape(), var.device())?.to_dtype(var.dtype())?;
    Ok(var.set(&value)?)
}

/// Mean and variance of each feature over a batch, or of each channel over all places of a batch.
struct Moments {
    mean: Vec<f64>,
    variance: Vec<f64>,
}

impl Moments {
    fn of(x: &Tensor, features: usize) -> Result<Self> {
        let rows = x.reshape(((), features))?.to_dtype(DType::F64)?;
        let mean = rows.mean(0)?;
        let variance = rows.broadcast_sub(&mean)?.sqr()?.mean(0)?;
        Ok(Self { mean: mean.to_vec1()?, variance: variance.to_vec1()? })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use narrows_tensor::Key;

    use super::*;

    #[test]
    fn fitted_inputs_have_unit_mean_square_and_outputs_invert_them() {
        let scope = Scope::root(Key::new(0), DType::F64, &Device::Cpu);
        let scaling = Scaling::new(&Dims::new([2]), &scope).unwrap();
        let x = Tensor::new(&[[1e6f64, 5.0], [3e6, 5.0]], &Device::Cpu).unwrap();
        scaling.fit(&x, &Likelihood::gaussian(), true, &scope.parameters()).unwrap();
        let u = scaling.input(&x).unwrap();
        assert!((u.sqr().unwrap().mean_all().unwrap().to_scalar::<f64>().unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(scaling.output(&u).unwrap().to_vec2::<f64>().unwrap(), x.to_vec2::<f64>().unwrap());
    }

    #[test]
    fn bounded_outputs_stay_in_the_unit_interval_and_keep_what_lies_inside() {
        let scope = Scope::root(Key::new(0), DType::F64, &Device::Cpu);
        let scaling = Scaling::new(&Dims::new([1]), &scope).unwrap().bounded(true);
        let outputs = |values: &[f64]| {
            let v = Tensor::new(values, &Device::Cpu).unwrap().reshape(((), 1)).unwrap();
            scaling.output(&v).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap()
        };
        for (y, expected) in outputs(&[0.25, 0.5, 0.75]).iter().zip([0.25, 0.5, 0.75]) {
            assert!((y - expected).abs() < 0.005, "{y} for {expected}");
        }
        let outside = outputs(&[-1e6, -0.5, 1.5, 1e6]);
        assert!(outside.iter().all(|y| (0.0..=1.0).contains(y)), "{outside:?}");
        assert!(outside[1] < 1e-3 && outside[2] > 1.0 - 1e-3);
    }

    #[test]
    fn probabilities_start_at_their_mean() {
        let scope = Scope::root(Key::new(0), DType::F64, &Device::Cpu);
        let scaling = Scaling::new(&Dims::new([1]), &scope).unwrap();
        let x = Tensor::new(&[[1f64], [0.0], [0.0], [0.0]], &Device::Cpu).unwrap();
        scaling.fit(&x, &Likelihood::Bernoulli, true, &scope.parameters()).unwrap();
        let output = scaling.output(&Tensor::zeros((1, 1), DType::F64, &Device::Cpu).unwrap()).unwrap();
        let mean = Likelihood::Bernoulli.mean(&output).unwrap().to_vec2::<f64>().unwrap();
        assert!((mean[0][0] - 0.25).abs() < 1e-12);
    }
}
