//! How good the model is on data that it is not trained on.

use candle_core::DType;
use narrows_core::{StepContext, Trainable};
use narrows_tensor::Key;

use crate::{Batches, BoxError};

/// The result of one evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// What early stopping and the choice of the best weights go by; less is better.
    pub loss: f64,
    /// Named figures for the logs.
    pub figures: Vec<(String, f64)>,
}

/// Evaluates a model during training. Nothing that it does may change the model.
pub trait Validation {
    /// Evaluates the weights that the model has now.
    ///
    /// # Errors
    /// The data cannot be read, or the model refuses them.
    fn evaluate(&mut self, model: &dyn Trainable) -> Result<Evaluation, BoxError>;
}

/// The training loss of the first group on one pass over held-out batches, as at the end of the run and with the same
/// noise each time, so that evaluations can be compared while weights of terms change.
pub struct HeldOut<'a> {
    batches: &'a mut dyn Batches,
    key: Key,
}

impl<'a> HeldOut<'a> {
    /// An evaluation on `batches`.
    pub fn new(batches: &'a mut dyn Batches, seed: u64) -> Self {
        Self { batches, key: Key::new(seed).named("validation") }
    }
}

impl Validation for HeldOut<'_> {
    fn evaluate(&mut self, model: &dyn Trainable) -> Result<Evaluation, BoxError> {
        let group = model.groups().first().ok_or("the model has no groups of parameters")?;
        let steps = self.batches.steps_per_epoch();
        let (mut samples, mut loss, mut figures) = (0.0, 0.0, Vec::<(String, f64)>::new());
        for step in 0..steps {
            let batch = self.batches.at(step)?;
            let at = StepContext { step: steps, steps, key: self.key.fold(step) };
            let output = model.step(group, &batch, &at)?;
            let per_sample = output.loss.per_sample()?.to_dtype(DType::F64)?;
            let n = per_sample.elem_count() as f64;
            loss += per_sample.sum_all()?.to_scalar::<f64>()?;
            samples += n;
            for (name, mean) in output.loss.means()? {
                match figures.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, sum)) => *sum += mean * n,
                    None => figures.push((name, mean * n)),
                }
            }
        }
        if samples == 0.0 {
            return Err("there are no held-out samples".into());
        }
        for (_, sum) in &mut figures {
            *sum /= samples;
        }
        Ok(Evaluation { loss: loss / samples, figures })
    }
}
