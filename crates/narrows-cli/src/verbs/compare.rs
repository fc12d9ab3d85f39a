//! `narrows compare`: several variants on the same data, ranked, PCA among them.

use clap::Args;
use narrows::compare::{Interval, Leaderboard, compare};
use narrows::detect::counted;
use narrows::{Error, Suitable, places};

use super::Result;
use super::train::interruption;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::options::{ConfigOptions, ReadOptions, TrainOptions};
use crate::terminal::progress::Training;
use crate::terminal::table::Table;

/// Options of `narrows compare`.
#[derive(Args, Debug)]
pub(crate) struct Compare {
    /// A file, a directory, `-` for standard input, or a dataset's name.
    data: Option<String>,
    /// The variants to compare; all that fit the data where absent. Options of one of them: --set model.NAME.OPTION=VALUE.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    models: Vec<String>,
    /// Runs of each variant, with seeds from --seed on.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    #[command(flatten)]
    training: TrainOptions,
    #[command(flatten)]
    reading: ReadOptions,
    #[command(flatten)]
    config: ConfigOptions,
}

impl Compare {
    /// Trains all, prints the board.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let mut draft = self.config.draft(None, None)?;
        if let Some(data) = &self.data {
            draft.put("data.source", data.as_str())?;
        }
        self.reading.apply(&mut draft)?;
        self.training.apply(&mut draft)?;
        let data = narrows::data_config(&draft)?;
        let name = data.source.clone().ok_or(Error::NoData)?;
        let source = places::open(&name, shared.data_dir.as_deref(), &data.open_options())?;
        let models = if self.models.is_empty() {
            let Suitable { models, others } = narrows::suitable(&draft, &source)?;
            if !others.is_empty() {
                tracing::info!("left out, as they do not fit the data: {}", others.join(", "));
            }
            models
        } else {
            self.models.clone()
        };
        let quiet = shared.quiet;
        let interrupt = interruption()?;
        let announce = |model: &str, seed: u64| {
            tracing::info!("{model}, seed {seed}");
            Box::new(Training::new(quiet)) as Box<dyn narrows::narrows_train::Observer>
        };
        match compare(&draft, &models, self.seeds, &source, &interrupt, announce)? {
            None => Ok(Outcome::Interrupted),
            Some(board) if shared.json => {
                say!("{}", serde_json::to_string(&board)?)?;
                Ok(Outcome::Done)
            }
            Some(board) => {
                print(&board)?;
                Ok(Outcome::Done)
            }
        }
    }
}

fn print(board: &Leaderboard) -> std::io::Result<()> {
    let psnr = board.standings.iter().any(|standing| standing.psnr.is_some());
    let mut headings = vec!["model", "code", "squared error a sample", "behind the best", "explained variance"];
    headings.extend(psnr.then_some("PSNR (dB)"));
    headings.extend(["parameters", "seconds"]);
    let mut table = Table::new(headings);
    for standing in &board.standings {
        let mut row = vec![standing.name.clone(), standing.code.to_string(), interval(standing.squared_error, 1.0, "")];
        row.push(standing.behind.map(|behind| interval(behind, 1.0, "")).unwrap_or_default());
        row.push(standing.explained_variance.map(|share| interval(share, 100.0, " %")).unwrap_or_default());
        if psnr {
            row.push(standing.psnr.map(|psnr| interval(psnr, 1.0, "")).unwrap_or_default());
        }
        row.push(standing.parameters.to_string());
        row.push(standing.seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default());
        table.row(row);
    }
    table.print()?;
    let margin = match board.seeds {
        1 => "",
        _ => "; ± is a 95 % confidence interval over seeds (paired behind the best)",
    };
    say!("\n{} held-out samples, {}{margin}.", board.samples, counted(board.seeds as usize, "seed"))?;
    Ok(())
}

/// `mean ± margin` with as many decimals as the margin deserves.
fn interval(Interval { mean, margin }: Interval, factor: f64, unit: &str) -> String {
    let (mean, margin) = (factor * mean, margin.map(|margin| factor * margin).filter(|margin| *margin > 0.0));
    let scale = margin.unwrap_or(mean.abs() / 100.0).max(1e-9);
    let digits = (1 - scale.log10().floor() as i32).clamp(0, 9) as usize;
    match margin {
        Some(margin) => format!("{mean:.digits$} ± {margin:.digits$}{unit}"),
        None => format!("{mean:.digits$}{unit}"),
    }
}
