//! `narrows train`: from a file to a run directory.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use narrows::{Fitted, Plan, RunDirectory, fit};

use super::Result;
use super::evaluate::{print_evaluation, warn};
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::options::{ConfigOptions, ReadOptions, TaskName, TrainOptions};
use crate::terminal::progress::Training;

/// Options of `narrows train`.
#[derive(Args, Debug)]
pub(crate) struct Train {
    /// A file, a directory, `-` for standard input, or a dataset's name.
    data: Option<String>,
    /// The variant; chosen from the data where absent. `narrows models` lists them.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// What the model is for; chooses it, and how it is trained, where --model does not.
    #[arg(long, value_enum, value_name = "TASK", default_value_t)]
    task: TaskName,
    /// The share of anomalies expected among the rows, where it is known: told in reports, decides nothing else.
    #[arg(long, value_name = "SHARE")]
    contamination: Option<f64>,
    /// Fit a flow to the codes at the end, for `narrows generate --sampler flow`: it follows shapes that a mixture of normal
    /// distributions describes badly.
    #[arg(long)]
    flow: bool,
    /// The run directory; runs/NAME where absent.
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Continue the run in --out from its latest checkpoint.
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Replace the run that is in --out.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    training: TrainOptions,
    #[command(flatten)]
    reading: ReadOptions,
    #[command(flatten)]
    config: ConfigOptions,
}

impl Train {
    /// Plans, trains, and prints held-out figures beside PCA's.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let mut draft = self.config.draft(self.recorded().as_deref(), self.model.as_deref())?;
        if let Some(data) = &self.data {
            draft.put("data.source", data.as_str())?;
        }
        self.reading.apply(&mut draft)?;
        self.training.apply(&mut draft)?;
        if let Some(share) = self.contamination {
            draft.put("detect.contamination", share)?;
        }
        if self.flow {
            draft.put_default("flow", toml::Table::new())?;
        }
        let plan = Plan::new(&draft, self.task.into(), shared.data_dir.as_deref())?;
        plan.notes.iter().for_each(|note| tracing::info!("{note}"));
        // Until here there is nothing to keep, and a signal ends the process as usual.
        let interrupt = interruption()?;
        let root = self.out.clone().unwrap_or_else(|| default_out(&plan));
        let run = if self.resume { RunDirectory::open(&root)? } else { RunDirectory::create(&root, self.force)? };
        let splits = &plan.splits;
        let [train, validation, test] = [splits.train.rows(), splits.validation.rows(), splits.test.rows()];
        tracing::info!("{train} training, {validation} validation and {test} test rows; run in {}", root.display());
        let mut progress = Training::new(shared.quiet);
        let fitted = fit(&plan, &run, self.resume, interrupt, &mut [&mut progress]).inspect_err(|_| run.abandon())?;
        match fitted {
            Fitted::Interrupted { step } => {
                tracing::warn!("interrupted after step {step}; continue with the same command and --resume");
                Ok(Outcome::Interrupted)
            }
            Fitted::Done(done) => {
                narrows::write_report(&plan, &run, &done)?;
                warn(&done.evaluation);
                if shared.json {
                    let summary = serde_json::json!({
                        "run": root, "model": run.model(), "report": run.report(),
                        "steps": done.outcome.step, "held_out": done.evaluation,
                    });
                    say!("{summary}")?;
                } else {
                    print_evaluation(plan.config.model.name(), &done.evaluation)?;
                    tracing::info!("model {}", run.model().display());
                    tracing::info!("report {}", run.report().display());
                }
                Ok(Outcome::Done)
            }
        }
    }
}

impl Train {
    /// The configuration that the run to resume was begun with, unless data or another configuration are given.
    fn recorded(&self) -> Option<PathBuf> {
        let named = self.data.is_some() || self.config.config.is_some();
        let out = self.out.as_ref().filter(|_| self.resume && !named)?;
        Some(RunDirectory::at(out).config()).filter(|file| file.is_file())
    }
}

/// A flag that SIGINT and SIGTERM raise; a second signal ends the process at once.
pub(super) fn interruption() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, flag.clone())?;
        signal_hook::flag::register(signal, flag.clone())?;
    }
    Ok(flag)
}

/// `runs/` and the name of the data without its extension.
fn default_out(plan: &Plan) -> PathBuf {
    let name = plan.config.data.source.as_deref().unwrap_or("run");
    let stem = PathBuf::from(name);
    let stem = stem.file_name().and_then(|name| name.to_str()).unwrap_or("run");
    let stem = stem.split('.').find(|part| !part.is_empty()).unwrap_or("run");
    PathBuf::from("runs").join(if stem == "-" { "stdin" } else { stem })
}
