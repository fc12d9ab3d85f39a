//! Properties of a model in use.

use candle_core::{DType, Tensor};

use super::{Finding, Subject, numbers, samples, step};

pub(super) fn shapes(subject: &Subject<'_>) -> Finding {
    let (model, rows) = subject.prepared(DType::F32)?;
    let spec = model.spec().clone();
    for n in [1, 2, 5] {
        let x = rows.narrow(0, 0, n)?;
        let z = model.encode(&x)?;
        let shapes = [
            ("code", z.dims().to_vec(), spec.code.batched(n)),
            ("decoded sample", model.decode(&z)?.dims().to_vec(), spec.sample.batched(n)),
            ("reconstruction", model.reconstruct(&x)?.dims().to_vec(), spec.sample.batched(n)),
            ("loss per sample", step_loss(subject, &x)?.dims().to_vec(), vec![n]),
        ];
        for (what, found, expected) in shapes {
            if found != expected {
                return Ok(Some(format!("the {what} of {n} samples has shape {found:?} instead of {expected:?}")));
            }
        }
    }
    let wrong = Tensor::zeros((2, subject.data.features() + 1), DType::F32, rows.device())?;
    Ok(model.encode(&wrong).is_ok().then(|| "samples of another shape are accepted".into()))
}

fn step_loss(subject: &Subject<'_>, x: &Tensor) -> crate::Result<Tensor> {
    let (model, _) = subject.prepared(DType::F32)?;
    Ok(step(subject, model.as_ref(), &model.groups()[0], x, 5)?.loss.per_sample()?)
}

pub(super) fn finite(subject: &Subject<'_>) -> Finding {
    let (model, rows) = subject.prepared(DType::F32)?;
    let fresh = subject.model(1, DType::F32)?;
    for (what, tensor) in [
        ("code", model.encode(&rows)?),
        ("reconstruction", model.reconstruct(&rows)?),
        ("reconstruction far from the data", model.reconstruct(&(&rows * 1e3)?)?),
        ("reconstruction before preparation", fresh.reconstruct(&rows)?),
    ] {
        if numbers(&tensor)?.iter().any(|value| !value.is_finite()) {
            return Ok(Some(format!("the {what} has values that are not finite")));
        }
    }
    Ok(None)
}

pub(super) fn deterministic(subject: &Subject<'_>) -> Finding {
    let (model, rows) = subject.prepared(DType::F32)?;
    let same = numbers(&model.encode(&rows)?)? == numbers(&model.encode(&rows)?)?;
    Ok((!same).then(|| "two calls give different codes".into()))
}

pub(super) fn equivariant(subject: &Subject<'_>) -> Finding {
    let (model, rows) = subject.prepared(DType::F64)?;
    let n = rows.dim(0)? as u32;
    let order = Tensor::from_iter((0..n).rev(), rows.device())?;
    let there = numbers(&model.reconstruct(&rows.index_select(&order, 0)?)?)?;
    let back = numbers(&model.reconstruct(&rows)?.index_select(&order, 0)?)?;
    let apart = there.iter().zip(&back).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    Ok((apart > 1e-9).then(|| format!("reconstructions of a reversed batch differ by {apart:e}")))
}

pub(super) fn keyed(subject: &Subject<'_>) -> Finding {
    let (model, _) = subject.prepared(DType::F32)?;
    let rows = samples::typical(&subject.data, 16, DType::F32)?;
    for group in model.groups() {
        let losses = |key| -> crate::Result<Vec<f64>> {
            numbers(&step(subject, model.as_ref(), group, &rows, key)?.loss.per_sample()?)
        };
        if losses(7)? != losses(7)? {
            return Ok(Some(format!("two steps of `{}` with one key differ", group.name)));
        }
    }
    Ok(None)
}
