//! Exponential moving average of the weights (Polyak & Juditsky 1992), started quickly: after step `t`,
//! `a ← d a + (1 - d) θ` with `d = min(decay, (1 + t) / (10 + t))`.

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};
use narrows_tensor::Parameters;

use crate::optimizer::restore_named;
use crate::{Result, Share};

/// The average of each trained parameter.
#[derive(Debug)]
pub struct WeightAverage {
    decay: Share,
    values: BTreeMap<String, Var>,
}

impl WeightAverage {
    /// An average that starts at the current values.
    ///
    /// # Errors
    /// Candle cannot copy a parameter.
    pub fn new(decay: Share, parameters: &Parameters) -> Result<Self> {
        let copy = |(name, var): (&str, &Var)| Ok((name.to_owned(), Var::from_tensor(&var.copy()?)?));
        Ok(Self { decay, values: parameters.trained().map(copy).collect::<Result<_>>()? })
    }

    /// Takes in the values after `step` steps.
    ///
    /// # Errors
    /// Candle cannot compute the average.
    pub fn update(&mut self, parameters: &Parameters, step: u64) -> Result<()> {
        let t = step as f64;
        let decay = self.decay.get().min((1.0 + t) / (10.0 + t));
        for (name, average) in &self.values {
            if let Some(theta) = parameters.get(name) {
                narrows_tensor::update::average(average, theta, decay)?;
            }
        }
        Ok(())
    }

    /// Takes averages that [`WeightAverage::tensors`] gave; all or none.
    ///
    /// # Errors
    /// A tensor is missing, unknown or has another shape; `origin` is the file named in the error.
    pub fn restore(&self, stored: &BTreeMap<String, Tensor>, origin: &str) -> Result<()> {
        restore_named(&self.values, stored, origin)
    }

    /// The averages by parameter name.
    pub fn tensors(&self) -> BTreeMap<String, Tensor> {
        self.values.iter().map(|(name, var)| (name.clone(), var.as_detached_tensor())).collect()
    }
}

/// Copies of all parameters and buffers.
pub(crate) fn snapshot(parameters: &Parameters) -> Result<BTreeMap<String, Tensor>> {
    parameters.tensors().into_iter().map(|(name, value)| Ok((name, value.copy()?))).collect()
}

/// What `measure` gives while the trained parameters have their averages; they have their own values afterwards, also
/// after an error.
pub(crate) fn with_average<T>(
    parameters: &Parameters,
    average: Option<&WeightAverage>,
    measure: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let Some(average) = average else { return measure() };
    let own = snapshot(parameters)?;
    let mut averaged = own.clone();
    averaged.extend(average.tensors());
    parameters.restore(&averaged, "moving average")?;
    let measured = measure();
    parameters.restore(&own, "own weights")?;
    measured
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use narrows_tensor::{Init, Key, Scope};

    #[test]
    fn the_average_follows_the_recurrence_and_measuring_leaves_the_weights_alone() {
        let scope = Scope::root(Key::new(0), DType::F64, &Device::Cpu);
        scope.parameter("w", 1, Init::Constant(1.0)).unwrap();
        let parameters = scope.parameters();
        let mut average = WeightAverage::new(Share::constant(0.5), &parameters).unwrap();
        let mut expected = 1.0;
        for step in 1..=8_u32 {
            parameters.get("w").unwrap().set(&Tensor::new(&[f64::from(step)], &Device::Cpu).unwrap()).unwrap();
            average.update(&parameters, u64::from(step)).unwrap();
            let d = 0.5_f64.min((1.0 + f64::from(step)) / (10.0 + f64::from(step)));
            expected = d * expected + (1.0 - d) * f64::from(step);
        }
        let read = || Ok(parameters.get("w").unwrap().to_vec1::<f64>()?[0]);
        assert!((with_average(&parameters, Some(&average), read).unwrap() - expected).abs() < 1e-12);
        assert_eq!(read().unwrap(), 8.0);
        assert!(
            with_average(&parameters, Some(&average), || Err::<(), _>(crate::Error::UnknownBuffer {
                name: String::new()
            }))
            .is_err()
        );
        assert_eq!(read().unwrap(), 8.0);
    }
}
