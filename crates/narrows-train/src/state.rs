//! All that a run carries from step to step besides the model's own parameters and buffers.

use std::collections::BTreeMap;

use candle_core::Tensor;
use narrows_core::{Group, Trainable};
use narrows_tensor::Parameters;

use crate::average::{WeightAverage, snapshot};
use crate::{Optimizer, Result, TrainConfig};

/// The state of a run: steps done, moments, moving average, best evaluation.
pub struct State {
    pub(crate) step: u64,
    pub(crate) phases: Vec<Phase>,
    pub(crate) average: Option<WeightAverage>,
    pub(crate) best: Option<Kept>,
    pub(crate) evaluations_since_best: u64,
}

/// A group with its parameters and its optimizer.
pub(crate) struct Phase {
    pub(crate) group: Group,
    pub(crate) parameters: Parameters,
    pub(crate) optimizer: Box<dyn Optimizer>,
}

/// The best evaluation so far; less is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// Steps done when it was measured.
    pub step: u64,
    /// The validation's loss.
    pub loss: f64,
}

/// The best evaluation and the weights that were evaluated.
pub(crate) struct Kept {
    pub(crate) at: Best,
    pub(crate) weights: BTreeMap<String, Tensor>,
}

impl State {
    /// The state before the first step.
    ///
    /// # Errors
    /// Candle cannot make the moments.
    pub fn new(model: &dyn Trainable, config: &TrainConfig) -> Result<Self> {
        let phases = model.groups().iter().map(|group| {
            let parameters = model.parameters().filter(|name| group.trains(name));
            let optimizer = config.optimizer.build(&parameters, config.decay)?;
            Ok(Phase { group: group.clone(), parameters, optimizer })
        });
        let phases = phases.collect::<Result<_>>()?;
        let mut state = Self { step: 0, phases, average: None, best: None, evaluations_since_best: 0 };
        state.start_average(model, config)?;
        Ok(state)
    }

    /// Starts the moving average, if there is one, at the model's present weights.
    pub(crate) fn start_average(&mut self, model: &dyn Trainable, config: &TrainConfig) -> Result<()> {
        self.average = config.ema.map(|decay| WeightAverage::new(decay, model.parameters())).transpose()?;
        Ok(())
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The best evaluation so far.
    pub fn best(&self) -> Option<Best> {
        self.best.as_ref().map(|kept| kept.at)
    }

    /// Whether the evaluations have not improved for as long as `config` allows.
    pub fn out_of_patience(&self, config: &TrainConfig) -> bool {
        config.patience.is_some_and(|patience| self.evaluations_since_best >= patience.get())
    }

    /// Notes an evaluation of the weights that `parameters` have now; returns whether it is the best so far.
    pub(crate) fn evaluated(&mut self, loss: f64, parameters: &Parameters) -> Result<bool> {
        let improved = loss.is_finite() && self.best().is_none_or(|best| loss < best.loss);
        if improved {
            let weights = snapshot(parameters)?;
            self.best = Some(Kept { at: Best { step: self.step, loss }, weights });
            self.evaluations_since_best = 0;
        } else {
            self.evaluations_since_best += 1;
        }
        Ok(improved)
    }

    /// Gives the model the weights to keep: those of the best evaluation, else the moving average, else the last.
    pub(crate) fn install(&self, model: &dyn Trainable) -> Result<()> {
        let parameters = model.parameters();
        if let Some(best) = &self.best {
            parameters.restore(&best.weights, "best weights")?;
        } else if let Some(average) = &self.average {
            let mut weights = snapshot(parameters)?;
            weights.extend(average.tensors());
            parameters.restore(&weights, "moving average")?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let groups: Vec<_> = self.phases.iter().map(|phase| phase.group.name).collect();
        f.debug_struct("State")
            .field("step", &self.step)
            .field("groups", &groups)
            .field("best", &self.best())
            .finish_non_exhaustive()
    }
}
