//! What every variant must hold, whatever it computes: run for each line of the catalogue, and open to variants that live
//! outside this workspace.

mod gradient;
mod inference;
mod samples;
mod state;
mod training;

use candle_core::{DType, Device, Tensor};
use narrows_core::{Batch, Group, StepContext, StepOutput, Trainable};
use narrows_tensor::{Key, Scope};

use crate::{DataSpec, Result};

pub use samples::{data_specs, wild_rows};

/// A way to build one model, and the data that it is for.
pub struct Subject<'a> {
    /// Name for messages.
    pub name: String,
    /// Builds the model in a scope.
    pub build: &'a dyn Fn(&Scope) -> Result<Box<dyn Trainable>>,
    /// The samples that it takes.
    pub data: DataSpec,
}

/// A property that a variant does not hold.
#[derive(Debug, thiserror::Error)]
#[error("{subject} does not hold `{property}`: {found}")]
pub struct Violation {
    /// The subject's name.
    pub subject: String,
    /// The property.
    pub property: &'static str,
    /// What was found instead.
    pub found: String,
}

/// What a check gives: `None` where the property holds, else what was found.
type Finding = Result<Option<String>>;

/// A property's name and how it is checked.
type Property = (&'static str, fn(&Subject<'_>) -> Finding);

/// Checks every property in turn.
///
/// # Errors
/// The first property that does not hold.
pub fn check(subject: &Subject<'_>) -> Result<(), Violation> {
    let checks: [Property; 9] = [
        ("codes and reconstructions have the promised shapes", inference::shapes),
        ("outputs are finite", inference::finite),
        ("encode is deterministic", inference::deterministic),
        ("the order of a batch does not matter", inference::equivariant),
        ("the same key gives the same step", inference::keyed),
        ("every parameter of a group gets a gradient", gradient::everywhere),
        ("gradients equal finite differences", gradient::numerical),
        ("a stored model is the same model", state::restored),
        ("the loss falls in training", training::learns),
    ];
    all(subject, &checks)?;
    check_wild(subject)
}

/// Checks only that training stays finite on wild data: for samples too small to learn anything from.
///
/// # Errors
/// It does not.
pub fn check_wild(subject: &Subject<'_>) -> Result<(), Violation> {
    all(subject, &[("training stays finite on wild data", training::survives)])
}

fn all(subject: &Subject<'_>, checks: &[Property]) -> Result<(), Violation> {
    for &(property, check) in checks {
        let violation = |found: String| Violation { subject: subject.name.clone(), property, found };
        match check(subject) {
            Ok(None) => {}
            Ok(Some(found)) => return Err(violation(found)),
            Err(error) => return Err(violation(format!("it fails with: {error}"))),
        }
    }
    Ok(())
}

impl Subject<'_> {
    /// A new model with the parameters' initial values drawn from `seed`.
    fn model(&self, seed: u64, dtype: DType) -> Result<Box<dyn Trainable>> {
        (self.build)(&Scope::root(Key::new(seed), dtype, &Device::Cpu))
    }

    /// Samples with what the model's data say comes with them.
    fn batch(&self, x: &Tensor) -> Result<Batch> {
        let n = x.dims().first().copied().unwrap_or(0);
        let condition = self.data.condition.map(|width| samples::condition(n, width, x.dtype())).transpose()?;
        Ok(Batch { condition, ..Batch::new(x.clone()) })
    }

    /// A new model prepared on typical rows, and those rows.
    fn prepared(&self, dtype: DType) -> Result<(Box<dyn Trainable>, Tensor)> {
        let mut model = self.model(1, dtype)?;
        let rows = samples::typical(&self.data, 64, dtype)?;
        model.prepare(&self.batch(&rows)?)?;
        Ok((model, rows))
    }
}

/// Steps of the run that single steps are taken from.
const STEPS: u64 = 100;

/// The first step of `group` with a key of its own.
fn step(subject: &Subject<'_>, model: &dyn Trainable, group: &Group, x: &Tensor, key: u64) -> Result<StepOutput> {
    let at = StepContext { step: 0, steps: STEPS, key: Key::new(key) };
    Ok(model.step(group, &subject.batch(x)?, &at)?)
}

/// All numbers of a tensor, in f64.
fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}
