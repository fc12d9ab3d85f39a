//! Properties of stored models.

use candle_core::DType;

use super::{Finding, Subject, numbers, step, training};

/// A model is its tensors: copied into a model with other initial values, they give the same outputs and the same steps.
pub(super) fn restored(subject: &Subject<'_>) -> Finding {
    let (mut model, rows) = subject.prepared(DType::F32)?;
    training::train(subject, model.as_mut(), &rows, 3)?;
    let stored = model.parameters().tensors().into_iter();
    let stored = stored.map(|(name, tensor)| Ok((name, tensor.copy()?))).collect::<crate::Result<_>>()?;
    let other = subject.model(2, DType::F32)?;
    other.parameters().restore(&stored, "memory")?;
    if numbers(&model.reconstruct(&rows)?)? != numbers(&other.reconstruct(&rows)?)? {
        return Ok(Some("the copy reconstructs otherwise".into()));
    }
    for group in model.groups() {
        let loss = |of| -> crate::Result<Vec<f64>> { numbers(&step(subject, of, group, &rows, 4)?.loss.per_sample()?) };
        if loss(model.as_ref())? != loss(other.as_ref())? {
            return Ok(Some(format!("the copy's next step of `{}` differs", group.name)));
        }
    }
    Ok(None)
}
