//! Properties of gradients.

use candle_core::DType;
use narrows_core::{Group, StepContext, Trainable};
use narrows_tensor::{Gradients, Key, random};

use super::{Finding, STEPS, Subject, numbers, samples, step};
use crate::Result;

pub(super) fn everywhere(subject: &Subject<'_>) -> Finding {
    let (model, rows) = subject.prepared(DType::F32)?;
    let mut orphans: Vec<String> = model.parameters().trained().map(|(name, _)| name.to_owned()).collect();
    // Some losses depend on how far the run is.
    for (group, progress) in model.groups().iter().flat_map(|group| [0, 25, 50, 75].map(|progress| (group, progress))) {
        let at = StepContext { step: progress, steps: STEPS, key: Key::new(3) };
        let loss = model.step(group, &subject.batch(&rows)?, &at)?.loss.total()?;
        let gradients = Gradients::backward(&loss, model.parameters())?;
        for (name, gradient) in gradients.iter().filter(|(name, _)| group.trains(name)) {
            if numbers(gradient)?.iter().any(|value| !value.is_finite()) {
                return Ok(Some(format!("the gradient of `{name}` is not finite")));
            }
            orphans.retain(|orphan| orphan != name);
        }
    }
    Ok((!orphans.is_empty()).then(|| format!("no loss depends on {}", orphans.join(", "))))
}

/// Distance of the two points of the central difference.
const DISTANCE: f64 = 1e-5;
/// Largest difference relative to the derivative, above rounding.
const TOLERANCE: f64 = 2e-5;

pub(super) fn numerical(subject: &Subject<'_>) -> Finding {
    let (model, _) = subject.prepared(DType::F64)?;
    let rows = samples::typical(&subject.data, 4, DType::F64)?;
    for group in model.groups() {
        let loss = step(subject, model.as_ref(), group, &rows, 3)?.loss.total()?;
        let gradients = Gradients::backward(&loss, model.parameters())?;
        let exact = |name: &str| group.trains(name) && !model.surrogate(name);
        for (name, gradient) in gradients.iter().filter(|(name, _)| exact(name)) {
            let key = Key::new(11).named(name);
            let direction = random::normal(&key, gradient.shape(), DType::F64, gradient.device())?;
            let automatic = (gradient * &direction)?.sum_all()?.to_scalar::<f64>()?;
            let difference = directional(subject, model.as_ref(), group, &rows, name, &direction)?;
            if (automatic - difference).abs() > TOLERANCE * (1.0 + automatic.abs().max(difference.abs())) {
                return Ok(Some(format!("`{name}`: automatic {automatic:.9}, by differences {difference:.9}")));
            }
        }
    }
    Ok(None)
}

fn directional(
    subject: &Subject<'_>,
    model: &dyn Trainable,
    group: &Group,
    rows: &candle_core::Tensor,
    name: &str,
    direction: &candle_core::Tensor,
) -> Result<f64> {
    let Some(var) = model.parameters().get(name) else { return Ok(f64::NAN) };
    let centre = var.as_detached_tensor().copy()?;
    let at = |along: f64| -> Result<f64> {
        var.set(&(&centre + (direction * along)?)?)?;
        Ok(step(subject, model, group, rows, 3)?.loss.total()?.to_scalar::<f64>()?)
    };
    let slope = (at(DISTANCE)? - at(-DISTANCE)?) / (2.0 * DISTANCE);
    var.set(&centre)?;
    Ok(slope)
}
