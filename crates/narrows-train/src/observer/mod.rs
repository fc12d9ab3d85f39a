//! What watches a run: logs, progress, interruption.

pub mod interruption;
pub mod metrics_log;
pub mod tensorboard;

pub use interruption::Interruption;
pub use metrics_log::MetricsLog;
pub use tensorboard::TensorBoard;

use crate::{Best, BoxError, Evaluation, Outcome, Plan};

/// What an observer asks of the loop after a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// Go on.
    #[default]
    Continue,
    /// End the run here as if it were complete.
    Stop,
    /// Write a checkpoint and leave the run to be resumed.
    Interrupt,
}

/// One finished step.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Steps done, this one included.
    pub step: u64,
    /// The steps of the run and what is due when.
    pub plan: Plan,
    /// Whether this is one of the steps to be logged.
    pub logged: bool,
    /// Samples in the batch.
    pub samples: usize,
    /// Learning rate.
    pub rate: f64,
    /// One for each group, in order.
    pub groups: Vec<GroupReport>,
}

/// A group's part of a step.
#[derive(Clone, Debug)]
pub struct GroupReport {
    /// The group's name.
    pub group: &'static str,
    /// The total loss.
    pub loss: f64,
    /// The mean of each term over the batch, unweighted.
    pub terms: Vec<(String, f64)>,
    /// Euclidean norm of the gradients before clipping.
    pub gradient_norm: f64,
}

/// Watches a run. All methods have defaults that do nothing.
pub trait Observer {
    /// The run starts, or resumes, after `step` steps.
    ///
    /// # Errors
    /// Whatever the observer writes to fails; the run ends.
    fn started(&mut self, step: u64, plan: &Plan) -> Result<(), BoxError> {
        let _ = (step, plan);
        Ok(())
    }

    /// A step is done.
    ///
    /// # Errors
    /// Whatever the observer writes to fails; the run ends.
    fn step(&mut self, report: &StepReport) -> Result<Flow, BoxError> {
        let _ = report;
        Ok(Flow::Continue)
    }

    /// The model was evaluated after `step` steps; `best` is the best evaluation including this one.
    ///
    /// # Errors
    /// Whatever the observer writes to fails; the run ends.
    fn evaluated(&mut self, step: u64, evaluation: &Evaluation, best: Option<Best>) -> Result<(), BoxError> {
        let _ = (step, evaluation, best);
        Ok(())
    }

    /// A checkpoint is about to be written after `step` steps: what was reported until now should be on disk before it.
    ///
    /// # Errors
    /// Whatever the observer writes to fails; the run ends.
    fn checkpoint(&mut self, step: u64) -> Result<(), BoxError> {
        let _ = step;
        Ok(())
    }

    /// The run ended.
    ///
    /// # Errors
    /// Whatever the observer writes to fails.
    fn ended(&mut self, outcome: &Outcome) -> Result<(), BoxError> {
        let _ = outcome;
        Ok(())
    }
}
