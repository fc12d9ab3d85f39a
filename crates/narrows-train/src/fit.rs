//! The training loop.

use candle_core::DType;
use narrows_core::{Loss, StepContext, Trainable, step};
use narrows_tensor::{Gradients, Key, Parameters};

use crate::average::with_average;
use crate::optimizer::Update;
use crate::trim;
use crate::{
    Batches, Best, BoxError, Checkpoints, Error, Evaluation, Flow, GroupReport, Observer, Plan, Positive, Result,
    State, StepReport, TrainConfig, Validation,
};

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All steps are done.
    Completed,
    /// The evaluations stopped improving.
    OutOfPatience,
    /// An observer stopped it.
    Stopped,
    /// An observer interrupted it; it can be resumed.
    Interrupted,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Why it ended.
    pub ending: Ending,
    /// Steps done.
    pub step: u64,
    /// The best evaluation; unless interrupted, the model has its weights now.
    pub best: Option<Best>,
}

/// Trains `model` from `state` to the end of the run, an interruption or an error.
///
/// A run that ended has the weights of its best evaluation (without validation those of the moving average, else the
/// last) and is finished; an interrupted one has its last weights and a checkpoint.
///
/// # Errors
/// A batch, step, evaluation, observer or checkpoint fails, or a loss or gradient is not finite.
pub fn fit(
    model: &mut dyn Trainable,
    batches: &mut dyn Batches,
    mut validation: Option<&mut dyn Validation>,
    config: &TrainConfig,
    state: &mut State,
    checkpoints: Option<&Checkpoints>,
    observers: &mut [&mut dyn Observer],
) -> Result<Outcome> {
    let plan = Plan::new(config, batches.steps_per_epoch());
    let key = Key::new(config.seed).named("step");
    let mut flow = Flow::Continue;
    if state.step == 0 {
        model.prepare(&batches.first().map_err(|source| Error::Batch { step: 0, source })?)?;
        state.start_average(model, config)?;
    }
    tell(observers, state.step, |observer| observer.started(state.step, &plan))?;
    while flow == Flow::Continue && state.step < plan.steps && !state.out_of_patience(config) {
        let at = StepContext { step: state.step, steps: plan.steps, key: key.fold(state.step) };
        let batch = batches.at(at.step).map_err(|source| Error::Batch { step: at.step, source })?;
        let rate = config.rate.get() * config.schedule.at(at.step, at.steps);
        let mut groups = Vec::with_capacity(state.phases.len());
        for phase in &mut state.phases {
            let output = model.step(&phase.group, &batch, &at)?;
            let (loss, terms) = finite(&output.loss, phase.group.name, at.step)?;
            let mut gradients = Gradients::backward(&trim::total(&output.loss, config.trim, &at)?, &phase.parameters)?;
            model.adjust(&mut gradients)?;
            let gradient_norm = norm(&gradients, phase.group.name, at.step)?;
            let scale = clip(gradient_norm, config.clip);
            phase.optimizer.update(&phase.parameters, &gradients, Update { step: at.step, rate, scale })?;
            commit(model.parameters(), &output.updates)?;
            model.project()?;
            groups.push(GroupReport { group: phase.group.name, loss, terms, gradient_norm });
        }
        state.step += 1;
        if let Some(average) = &mut state.average {
            average.update(model.parameters(), state.step)?;
        }
        let (samples, logged) = (batch.x.dim(0)?, plan.due(plan.log_every, state.step));
        let report = StepReport { step: state.step, plan, logged, samples, rate, groups };
        tell(observers, state.step, |observer| observer.step(&report).map(|asked| flow = flow.max(asked)))?;
        let mut improved = false;
        if let Some(validation) = validation.as_deref_mut().filter(|_| plan.due(plan.evaluate_every, state.step)) {
            let evaluation;
            (evaluation, improved) = evaluate(model, validation, state)?;
            tell(observers, state.step, |observer| observer.evaluated(state.step, &evaluation, state.best()))?;
        }
        let due = improved || flow != Flow::Continue || state.out_of_patience(config);
        if let Some(checkpoints) = checkpoints.filter(|_| due || plan.due(plan.checkpoint_every, state.step)) {
            tell(observers, state.step, |observer| observer.checkpoint(state.step))?;
            checkpoints.save(model.parameters(), state)?;
        }
    }
    let ending = match flow {
        Flow::Interrupt => Ending::Interrupted,
        Flow::Stop => Ending::Stopped,
        Flow::Continue if state.step < plan.steps => Ending::OutOfPatience,
        Flow::Continue => Ending::Completed,
    };
    if ending != Ending::Interrupted {
        state.install(model)?;
        model.finish()?;
    }
    let outcome = Outcome { ending, step: state.step, best: state.best() };
    tell(observers, state.step, |observer| observer.ended(&outcome))?;
    Ok(outcome)
}

/// Calls every observer.
fn tell(
    observers: &mut [&mut dyn Observer],
    step: u64,
    mut call: impl FnMut(&mut dyn Observer) -> Result<(), BoxError>,
) -> Result<()> {
    observers
        .iter_mut()
        .try_for_each(|observer| call(&mut **observer))
        .map_err(|source| Error::Observer { step, source })
}

/// The total of a loss and the means of its terms, if the total is finite.
fn finite(loss: &Loss, group: &'static str, step: u64) -> Result<(f64, Vec<(String, f64)>)> {
    let terms = loss.means()?;
    let total = loss.terms().iter().zip(&terms).filter(|(term, _)| term.weight != 0.0);
    let total: f64 = total.map(|(term, (_, mean))| term.weight * mean).sum();
    if total.is_finite() {
        return Ok((total, terms));
    }
    let culprit = loss.terms().iter().zip(&terms).find(|(term, (_, mean))| term.weight != 0.0 && !mean.is_finite());
    let (term, value) = culprit.map_or(("total".to_owned(), total), |(_, (name, mean))| (name.clone(), *mean));
    Err(Error::NonFiniteLoss { step, group, term, value })
}

/// The norm of gradients, if it is finite.
fn norm(gradients: &Gradients, group: &'static str, step: u64) -> Result<f64> {
    let norm = gradients.norm()?;
    if norm.is_finite() {
        return Ok(norm);
    }
    // A gradient whose sum is no number, else the largest: its square is beyond the range of its type.
    let mut worst = (f64::NEG_INFINITY, String::new());
    for (name, gradient) in gradients.iter() {
        let sum = gradient.to_dtype(DType::F64)?.abs()?.sum_all()?.to_scalar::<f64>()?;
        if sum.total_cmp(&worst.0).is_gt() {
            worst = (sum, name.to_owned());
        }
    }
    Err(Error::NonFiniteGradient { step, group, parameter: worst.1 })
}

/// The factor that brings gradients of this norm down to the limit (Pascanu et al. 2013).
fn clip(norm: f64, limit: Option<Positive>) -> f64 {
    limit.map_or(1.0, |limit| (limit.get() / norm).min(1.0))
}

/// Gives buffers their new values.
fn commit(parameters: &Parameters, updates: &[step::Update]) -> Result<()> {
    for update in updates {
        let buffer =
            parameters.buffer(&update.name).ok_or_else(|| Error::UnknownBuffer { name: update.name.clone() })?;
        buffer.set(&update.value.detach().copy()?)?;
    }
    Ok(())
}

/// Evaluates the weights that would be kept, and keeps them if they are the best so far.
fn evaluate(model: &dyn Trainable, validation: &mut dyn Validation, state: &mut State) -> Result<(Evaluation, bool)> {
    let average = state.average.take();
    let step = state.step;
    let measured = with_average(model.parameters(), average.as_ref(), || {
        let evaluation = validation.evaluate(model).map_err(|source| Error::Validation { step, source })?;
        let improved = state.evaluated(evaluation.loss, model.parameters())?;
        Ok((evaluation, improved))
    });
    state.average = average;
    measured
}
