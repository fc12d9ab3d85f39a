//! `narrows evaluate`: a model's figures on data, beside PCA's.

use std::path::PathBuf;

use clap::Args;
use narrows::detect::{DetectionQuality, counted, detection_quality};
use narrows::narrows_core::Diagnostic;
use narrows::{Evaluation, FactorFigures, LikelihoodBound, Model};

use super::Result;
use super::detect::RuleOptions;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::options::SplitName;
use crate::terminal::progress;
use crate::terminal::table::Table;

/// Options of `narrows evaluate`.
#[derive(Args, Debug)]
pub(crate) struct Evaluate {
    /// A model file or a run directory.
    model: PathBuf,
    /// A file, a directory, `-` for standard input, or a dataset's name.
    data: String,
    /// Which rows; a split other than `all` divides the data as in training.
    #[arg(long, value_enum, default_value_t)]
    split: SplitName,
    /// Look at the first rows only.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The column that says which rows are anomalies: how well the scores tell them is measured too.
    #[arg(long, value_name = "NAME")]
    label: Option<String>,
    /// The values of the label that mark anomalies; numbers other than 0 and words such as `yes` and `anomaly` where absent.
    #[arg(long, value_name = "VALUE", value_delimiter = ',', requires = "label")]
    anomalous: Vec<String>,
    #[command(flatten)]
    rule: RuleOptions,
    /// Also bound the likelihood of variational models, with this many codes for each row (5000 is usual).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    samples: Option<u32>,
    /// Seed of the codes.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "samples")]
    seed: u64,
    /// Also measure how well single latents know these columns, the factors of the data (mutual information gap).
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    factors: Vec<String>,
}

impl Evaluate {
    /// Measures and prints.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let model = Model::load(&self.model)?;
        let keep: Vec<String> = self.label.iter().chain(&self.factors).cloned().collect();
        let folder = shared.data_dir.as_deref();
        let source = match self.label {
            Some(_) => model.open_to_score(&self.data, folder, &keep)?,
            None => model.open(&self.data, folder, &keep)?,
        };
        let rows = narrows::rows(&model, source, self.split.into(), self.limit)?;
        let likelihood = self.samples.map(|samples| {
            let bar = progress::rows(rows.rows() as u64, shared.quiet);
            let count = |rows| bar.inc(rows as u64);
            let bound = narrows::likelihood(&model, &rows, self.split.name(), samples as usize, self.seed, count);
            progress::end(&bar);
            bound
        });
        let likelihood = likelihood.transpose()?;
        let factors = (!self.factors.is_empty()).then(|| narrows::factors(&model, &rows, &self.factors)).transpose()?;
        let (evaluation, _) = narrows::evaluate(&model, &rows, self.split.name())?;
        let detection = match &self.label {
            Some(label) => Some(detection_quality(&model, &rows, label, &self.anomalous, self.rule.rule())?),
            None => None,
        };
        warn(&evaluation);
        for remark in detection.iter().flat_map(|detection| &detection.remarks) {
            tracing::warn!("{remark}");
        }
        if shared.json {
            let mut json = serde_json::to_value(&evaluation)?;
            if let Some(object) = json.as_object_mut() {
                let further = [
                    ("detection", detection.map(serde_json::to_value)),
                    ("likelihood", likelihood.map(serde_json::to_value)),
                    ("factors", factors.map(serde_json::to_value)),
                ];
                for (name, value) in further {
                    value.transpose()?.map(|value| object.insert(name.into(), value));
                }
            }
            say!("{json}")?;
        } else {
            print_evaluation(model.document.config.model.name(), &evaluation)?;
            if let Some(detection) = &detection {
                say!()?;
                print_detection(detection)?;
            }
            likelihood.as_ref().map_or(Ok(()), print_likelihood)?;
            factors.as_ref().map_or(Ok(()), print_factors)?;
        }
        Ok(Outcome::Done)
    }
}

/// The figures as a table: metrics are rows, model and PCA are columns.
pub(super) fn print_evaluation(name: &str, evaluation: &Evaluation) -> std::io::Result<()> {
    let samples = evaluation.model.samples;
    let noun = if samples == 1 { "row" } else { "rows" };
    let split = if evaluation.split == "all" { String::new() } else { format!("{} ", evaluation.split) };
    let rows = format!("{samples} {split}{noun}, code {}", evaluation.code);
    let heading = baseline(evaluation);
    let mut table = Table::new([rows.as_str(), name, heading.as_str()]);
    let (model, pca) = (&evaluation.model, &evaluation.pca);
    table.row(["squared error a sample".to_owned(), number(model.squared_error), number(pca.squared_error)]);
    let per_element = (model.squared_error_per_element, pca.squared_error_per_element);
    table.row(["squared error a value".to_owned(), number(per_element.0), number(per_element.1)]);
    if let (Some(model), Some(pca)) = (model.explained_variance, pca.explained_variance) {
        table.row(["explained variance".to_owned(), percent(model), percent(pca)]);
    }
    if let (Some(model), Some(pca)) = (model.psnr, pca.psnr) {
        table.row(["PSNR (dB)".to_owned(), format!("{model:.2}"), format!("{pca:.2}")]);
    }
    for Diagnostic { name, value, .. } in &evaluation.diagnostics {
        table.row([name.clone(), number(*value), String::new()]);
    }
    table.print()?;
    if !evaluation.columns.is_empty() && evaluation.columns.len() <= 64 {
        say!()?;
        let mut table = Table::new(["error by column (1 = as bad as the mean)", name, heading.as_str()]);
        for column in &evaluation.columns {
            table.row([column.name.clone(), format!("{:.4}", column.model), format!("{:.4}", column.pca)]);
        }
        table.print()?;
    }
    Ok(())
}

/// Metrics against labels as a table.
fn print_detection(found: &DetectionQuality) -> std::io::Result<()> {
    let title = format!("{} anomalies in {} rows", found.anomalies, found.rows);
    let mut table = Table::new([title.as_str(), "value"]);
    table.row(["AUROC".to_owned(), format!("{:.4}", found.auroc)]);
    table.row(["average precision".to_owned(), format!("{:.4}", found.average_precision)]);
    table.row(["precision at n".to_owned(), format!("{:.4}", found.precision_at_n)]);
    if let Some(volume) = found.vus_pr {
        table.row(["VUS-PR".to_owned(), format!("{volume:.4}")]);
    }
    let best = &found.best_f1;
    table.row([format!("best F1, in hindsight from {}", number(best.threshold)), format!("{:.4}", best.f1)]);
    if let Some(alarms) = &found.alarms {
        let share = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
        table.row([format!("false alarms above {}", number(alarms.threshold)), share(alarms.false_alarm_rate)]);
        table.row(["missed anomalies there".to_owned(), share(alarms.missed_alarm_rate)]);
        table.row(["F1 there".to_owned(), share(alarms.f1)]);
    }
    table.print()?;
    if found.unlabelled + found.unscored > 0 {
        tracing::warn!("{} rows without a label and {} without a score are left out", found.unlabelled, found.unscored);
    }
    Ok(())
}

/// The bound on the likelihood as a table.
fn print_likelihood(bound: &LikelihoodBound) -> std::io::Result<()> {
    say!()?;
    let codes = format!("likelihood, {} a row", counted(bound.samples, "code"));
    let mut table = Table::new([codes.as_str(), "nats", "standard error"]);
    let error = format!("{:.2}", bound.standard_error);
    table.row(["-log p(x), importance-weighted bound".into(), format!("{:.2}", bound.negative_log_likelihood), error]);
    table.row(["-log p(x), one-code bound (ELBO)".into(), format!("{:.2}", bound.negative_elbo), String::new()]);
    table.print()?;
    say!("{:.4} bits a value", bound.bits_per_value)?;
    if bound.negative_log_likelihood < 0.0 {
        say!("below 0 because it is a density, of the values as the model sees them (standardised)")?;
    }
    Ok(())
}

/// What latents know of factors as a table.
fn print_factors(figures: &FactorFigures) -> std::io::Result<()> {
    say!()?;
    let mut table = Table::new(["share of a factor that a latent knows", "best", "second best"]);
    for factor in &figures.factors {
        let known = |(latent, share): (usize, f64)| format!("z{latent}: {share:.3}");
        table.row([factor.name.clone(), known(factor.best), known(factor.second)]);
    }
    table.print()?;
    say!("mutual information gap {:.3}", figures.mutual_information_gap)
}

/// Tells on stderr where the model uses its code poorly.
pub(super) fn warn(evaluation: &Evaluation) {
    evaluation
        .diagnostics
        .iter()
        .filter_map(|figure| figure.warning.as_ref())
        .for_each(|text| tracing::warn!("{text}"));
}

/// The heading of the baseline; its size where that is not the code's.
fn baseline(evaluation: &Evaluation) -> String {
    match evaluation.components {
        components if evaluation.complete => format!("PCA, all {components} components, which copy their input"),
        components if components == evaluation.code => "PCA".to_owned(),
        1 => "PCA, 1 component".to_owned(),
        components => format!("PCA, {components} components"),
    }
}

/// Four significant digits.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    format!("{value:.digits$}")
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
