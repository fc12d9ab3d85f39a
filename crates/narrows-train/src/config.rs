//! The options of a training run, checked when they are parsed.

use std::num::{NonZeroU64, NonZeroUsize};

use narrows_core::Schedule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{NonNegative, OptimizerConfig, Positive, Share};

/// How a model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrainConfig {
    /// Seed of every random number of the run.
    pub seed: u64,
    /// Passes over the training data.
    pub epochs: NonZeroU64,
    /// Steps of the run; replaces `epochs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<NonZeroU64>,
    /// Samples in one step.
    pub batch: NonZeroUsize,
    /// Learning rate where the schedule is 1.
    pub rate: Positive,
    /// Factor of the rate as a function of the step.
    pub schedule: Schedule,
    /// How gradients become updates.
    pub optimizer: OptimizerConfig,
    /// Weight decay of matrices and kernels, decoupled for AdamW (Loshchilov & Hutter 2019) and an L2 penalty for SGD;
    /// biases and scales are not decayed.
    pub decay: NonNegative,
    /// Largest Euclidean norm of a group's gradients; longer ones are scaled down to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<Positive>,
    /// Share of the samples of each step with the largest losses that is left out of its gradient, behind the first tenth of
    /// the run: against anomalies among the training rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim: Option<Share>,
    /// Decay per step of an exponential moving average of the weights, which is then evaluated and kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema: Option<Share>,
    /// Evaluations without improvement after which the run ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<NonZeroU64>,
    /// Steps between evaluations; where absent one epoch, or a fortieth of the run if that is longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_every: Option<NonZeroU64>,
    /// Steps between checkpoints; where absent one epoch, or a fortieth of the run if that is longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_every: Option<NonZeroU64>,
    /// Steps between logged steps.
    pub log_every: NonZeroU64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            epochs: NonZeroU64::MIN.saturating_add(39),
            steps: None,
            batch: NonZeroUsize::MIN.saturating_add(127),
            rate: Positive::constant(2e-3),
            schedule: Schedule::OneCycle { rise: 0.3 },
            optimizer: OptimizerConfig::default(),
            decay: NonNegative::constant(1e-2),
            clip: Some(Positive::constant(1.0)),
            trim: None,
            ema: None,
            patience: None,
            evaluate_every: None,
            checkpoint_every: None,
            log_every: NonZeroU64::MIN.saturating_add(9),
        }
    }
}

/// The steps of a run on a given amount of data, and what happens at which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Steps of the whole run.
    pub steps: u64,
    /// Steps between evaluations.
    pub evaluate_every: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Steps between logged steps.
    pub log_every: u64,
}

/// Evaluations, and checkpoints, of a run whose epochs are short.
const PERIODS: u64 = 40;

impl Plan {
    /// The plan of `config` on data of `steps_per_epoch` steps.
    pub fn new(config: &TrainConfig, steps_per_epoch: u64) -> Self {
        let epoch = NonZeroU64::new(steps_per_epoch).unwrap_or(NonZeroU64::MIN);
        let steps = config.steps.unwrap_or(config.epochs.saturating_mul(epoch)).get();
        // On small data an epoch takes less time than writing a checkpoint safely.
        let rest = epoch.get().max(steps / PERIODS);
        Self {
            steps,
            evaluate_every: config.evaluate_every.map_or(rest, NonZeroU64::get),
            checkpoint_every: config.checkpoint_every.map_or(rest, NonZeroU64::get),
            log_every: config.log_every.get(),
        }
    }

    /// Whether something with period `every` happens after `step` steps: at its multiples and at the end.
    pub fn due(&self, every: u64, step: u64) -> bool {
        step.is_multiple_of(every) || step == self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_and_a_value_out_of_range_are_refused() {
        let parse = |text| serde_json::from_str::<TrainConfig>(text).map_err(|error| error.to_string());
        assert!(parse(r#"{"lr": 1.0}"#).unwrap_err().contains("unknown field `lr`"));
        assert!(parse(r#"{"batch": 0}"#).unwrap_err().contains("nonzero"));
        assert!(parse(r#"{"rate": -1.0}"#).unwrap_err().contains("greater than 0"));
        assert!(parse(r#"{"ema": 1.0}"#).unwrap_err().contains("less than 1"));
    }

    #[test]
    fn a_config_survives_its_own_text() {
        let config = TrainConfig { ema: Some(Share::constant(0.9)), ..TrainConfig::default() };
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TrainConfig>(&text).unwrap(), config);
        assert_eq!(serde_json::from_str::<TrainConfig>("{}").unwrap(), TrainConfig::default());
    }

    #[test]
    fn steps_replace_epochs_and_the_end_is_always_due() {
        let mut config = TrainConfig::default();
        assert_eq!(Plan::new(&config, 10).steps, 400);
        config.steps = NonZeroU64::new(25);
        let plan = Plan::new(&config, 10);
        let due: Vec<_> = (1..=25).filter(|&step| plan.due(plan.evaluate_every, step)).collect();
        assert_eq!(due, [10, 20, 25]);
        config.steps = NonZeroU64::new(4000);
        let plan = Plan::new(&config, 10);
        assert_eq!((plan.evaluate_every, plan.checkpoint_every), (100, 100));
    }
}
