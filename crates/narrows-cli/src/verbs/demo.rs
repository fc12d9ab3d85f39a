//! `narrows demo`: the whole tour on embedded digits in under a minute.

use std::path::PathBuf;

use clap::Args;
use narrows::{Draft, Fitted, Plan, RunDirectory, Task, fit};

use super::Result;
use super::evaluate::print_evaluation;
use super::train::interruption;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::terminal::progress::Training;

/// Values in the demo's code: small enough that a network is clearly ahead of PCA.
const CODE: i64 = 8;

/// Options of `narrows demo`.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// The run directory.
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    out: PathBuf,
    /// Replace the run that is there; an earlier demo is replaced anyway.
    #[arg(long)]
    force: bool,
}

impl Demo {
    /// Trains on the digits, compares with PCA, writes the report.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let mut draft = Draft::default();
        draft.put("data.source", "digits")?;
        draft.put("model.code", CODE)?;
        let interrupt = interruption()?;
        let plan = Plan::new(&draft, Task::Reduction, shared.data_dir.as_deref())?;
        let again = self.force || is_demo(&self.out);
        let run = RunDirectory::create(&self.out, again)?;
        tracing::info!("1,797 handwritten digits of 8 x 8 pixels (UCI, CC BY 4.0) through a code of {CODE} numbers");
        let mut progress = Training::new(shared.quiet);
        let Fitted::Done(done) = fit(&plan, &run, false, interrupt, &mut [&mut progress])? else {
            return Ok(Outcome::Interrupted);
        };
        narrows::write_report(&plan, &run, &done)?;
        if shared.json {
            say!("{}", serde_json::json!({ "run": self.out, "report": run.report(), "held_out": done.evaluation }))?;
            return Ok(Outcome::Done);
        }
        print_evaluation(plan.config.model.name(), &done.evaluation)?;
        let saved = 100.0 * (1.0 - done.evaluation.model.squared_error / done.evaluation.pca.squared_error);
        say!(
            "\nAt the same code size the autoencoder leaves {saved:.0} % less error than PCA on digits it never saw."
        )?;
        say!("Look at {}", run.report().display())?;
        say!("Next: narrows train YOUR_FILE.csv, or narrows encode {} digits -o codes.csv", self.out.display())?;
        Ok(Outcome::Done)
    }
}

/// Whether an earlier demo is there, which a new one may replace.
fn is_demo(out: &std::path::Path) -> bool {
    let config = std::fs::read_to_string(out.join("run.toml")).unwrap_or_default();
    config.lines().any(|line| line.trim() == "source = \"digits\"")
}
