//! Properties of training, under a small Adam (Kingma & Ba 2015) of its own.

use std::collections::BTreeMap;

use candle_core::{DType, Tensor};
use narrows_core::{StepContext, Trainable};
use narrows_tensor::{Gradients, Key};

use super::{Finding, Subject, samples, wild_rows};
use crate::{Likelihood, Reals, Result};

const RATE: f64 = 3e-3;

/// Trains on all rows for some steps; returns the loss of each step, all groups together.
pub(super) fn train(subject: &Subject<'_>, model: &mut dyn Trainable, rows: &Tensor, steps: u64) -> Result<Vec<f64>> {
    let mut moments: BTreeMap<String, (Tensor, Tensor)> = BTreeMap::new();
    let mut losses = Vec::new();
    let batch = subject.batch(rows)?;
    for step in 0..steps {
        let mut sum = 0.0;
        for group in model.groups() {
            let at = StepContext { step, steps, key: Key::new(17).fold(step) };
            let output = model.step(group, &batch, &at)?;
            let loss = output.loss.total()?;
            sum += loss.to_dtype(DType::F64)?.to_scalar::<f64>()?;
            let mut gradients = Gradients::backward(&loss, model.parameters())?;
            model.adjust(&mut gradients)?;
            for (name, gradient) in gradients.iter().filter(|(name, _)| group.trains(name)) {
                if let Some(var) = model.parameters().get(name) {
                    let zero = || gradient.zeros_like().map(|zero| (zero.clone(), zero));
                    let (m, v) = moments.remove(name).map_or_else(zero, Ok)?;
                    let m = ((m * 0.9)? + (gradient * 0.1)?)?;
                    let v = ((v * 0.999)? + (gradient.sqr()? * 0.001)?)?;
                    let t = (step + 1) as f64;
                    let deviation = (&v / (1.0 - 0.999f64.powf(t)))?.sqrt()?.affine(1.0, 1e-8)?;
                    let update = ((&m / (1.0 - 0.9f64.powf(t)))? / deviation)?;
                    var.set(&(var.as_detached_tensor() - (update * RATE)?)?)?;
                    moments.insert(name.to_owned(), (m, v));
                }
            }
            for update in output.updates {
                if let Some(var) = model.parameters().buffer(&update.name) {
                    var.set(&update.value)?;
                }
            }
            model.project()?;
        }
        losses.push(sum);
    }
    Ok(losses)
}

pub(super) fn learns(subject: &Subject<'_>) -> Finding {
    let rows = samples::typical(&subject.data, 64, DType::F32)?;
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let mut finding = None;
    // Most learn at once; constrained ones, which pay for what they use, need longer.
    for steps in [60, 240] {
        // Without preparation: a model that starts at its optimum has nothing left to learn.
        let mut model = subject.model(1, DType::F32)?;
        let losses = train(subject, model.as_mut(), &rows, steps)?;
        let (first, last) = (mean(&losses[..5]), mean(&losses[losses.len() - 5..]));
        if last <= first - 0.1 * first.abs() {
            return Ok(None);
        }
        finding = Some(format!("after {steps} steps it went from {first:.4} to {last:.4} only"));
    }
    Ok(finding)
}

pub(super) fn survives(subject: &Subject<'_>) -> Finding {
    for (what, rows) in wild_rows(&subject.data.sample)? {
        // Counts have no sign and no fractions.
        let rows = if subject.data.reals == Reals::Counts { rows.abs()?.round()? } else { rows };
        let mut model = subject.model(1, DType::F32)?;
        model.prepare(&subject.batch(&rows)?)?;
        let losses = train(subject, model.as_mut(), &rows, 40)?;
        if let Some(step) = losses.iter().position(|loss| !loss.is_finite()) {
            return Ok(Some(format!("{what}: the loss of step {step} is {}", losses[step])));
        }
        // Values outside 0..=1 have no meaning as probabilities; there it is enough that nothing overflows.
        let meaningful = subject.data.likelihood == Likelihood::Gaussian && subject.data.reals != Reals::UnitInterval;
        // Noise is drawn anew in every step, so a few are averaged. A start without any error can only be left, by steps that
        // are small beside the data.
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len().max(1) as f64;
        let (first, last) = (losses[0].max(mean(&losses[..10])), mean(&losses[30..]));
        if meaningful && last > first + first.abs() + 1.0 + 1e-4 * variation(&rows)? {
            return Ok(Some(format!("{what}: the loss rose from {first:e} to {last:e}")));
        }
    }
    Ok(None)
}

/// The squared distance of rows from their mean, averaged.
fn variation(rows: &Tensor) -> candle_core::Result<f64> {
    let rows = rows.flatten_from(1)?.to_dtype(DType::F64)?;
    rows.broadcast_sub(&rows.mean_keepdim(0)?)?.sqr()?.sum(1)?.mean(0)?.to_scalar()
}
