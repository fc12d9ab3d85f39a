//! Options that make up a run's configuration: `--config`, then `--set`, then single flags.

use std::path::{Path, PathBuf};

use clap::Args;
use narrows::{Draft, Error, Result};

/// Where a configuration comes from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigOptions {
    /// A configuration file; `narrows init` prints one to start from.
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) config: Option<PathBuf>,
    /// Sets one key of the configuration, e.g. model.code=16, train.steps=2000 or detect.neighbours=0; `narrows schema` tells
    /// all.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// The options of training that most people change.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Training", allow_negative_numbers = true)]
pub(crate) struct TrainOptions {
    /// Values in a code.
    #[arg(long, value_name = "N")]
    pub(crate) latent: Option<u32>,
    /// Passes over the training rows.
    #[arg(long, value_name = "N", conflicts_with = "steps")]
    pub(crate) epochs: Option<u32>,
    /// Steps of training.
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<u32>,
    /// Samples in a step.
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<u32>,
    /// Learning rate at its highest.
    #[arg(long, value_name = "X")]
    pub(crate) rate: Option<f64>,
    /// Seed of all random numbers.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u32>,
}

impl ConfigOptions {
    /// The draft of file and assignments; `model` is chosen before assignments speak of its options. `recorded` is the
    /// file where none is named.
    pub(crate) fn draft(&self, recorded: Option<&Path>, model: Option<&str>) -> Result<Draft> {
        let mut draft = match self.config.as_deref().or(recorded) {
            Some(path) => Draft::from_file(path)?,
            None => Draft::default(),
        };
        if let Some(model) = model {
            if let (Some(file), Some(configured)) = (&self.config, draft.model().filter(|name| *name != model)) {
                let message = format!(
                    "it configures the model `{configured}`, and --model asks for `{model}`; leave --model out, or change \
                     [model.{configured}]"
                );
                return Err(Error::Config { origin: file.clone(), message });
            }
            draft.choose(model)?;
        }
        self.set.iter().try_for_each(|assignment| draft.set(assignment))?;
        Ok(draft)
    }
}

impl TrainOptions {
    /// Puts what was given into the draft.
    pub(crate) fn apply(&self, draft: &mut Draft) -> Result<()> {
        let numbers = [
            ("train.epochs", self.epochs),
            ("train.steps", self.steps),
            ("train.batch", self.batch),
            ("train.seed", self.seed),
            ("model.code", self.latent),
        ];
        for (key, value) in numbers {
            if let Some(value) = value {
                draft.put(key, i64::from(value))?;
            }
        }
        match self.rate {
            Some(rate) => draft.put("train.rate", rate),
            None => Ok(()),
        }
    }
}
