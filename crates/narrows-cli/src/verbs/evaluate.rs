//! `narrows evaluate`: a model's figures on data, beside PCA's.

use std::path::PathBuf;

use clap::Args;
use narrows::{Evaluation, Model};

use super::Result;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::options::SplitName;
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
}

impl Evaluate {
    /// Measures and prints.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let model = Model::load(&self.model)?;
        let source = model.open(&self.data, shared.data_dir.as_deref(), &[])?;
        let rows = narrows::rows(&model, source, self.split.into(), self.limit)?;
        let (evaluation, _) = narrows::evaluate(&model, &rows, self.split.name())?;
        if shared.json {
            say!("{}", serde_json::to_string(&evaluation)?)?;
        } else {
            print_evaluation(model.document.config.model.name(), &evaluation)?;
        }
        Ok(Outcome::Done)
    }
}

/// The figures as a table: metrics are rows, model and PCA are columns.
pub(super) fn print_evaluation(name: &str, evaluation: &Evaluation) -> std::io::Result<()> {
    let rows = format!("{} {} rows, code {}", evaluation.model.samples, evaluation.split, evaluation.code);
    let mut table = Table::new([rows.as_str(), name, "PCA"]);
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
    table.print()?;
    if !evaluation.columns.is_empty() && evaluation.columns.len() <= 64 {
        say!()?;
        let mut table = Table::new(["error by column (1 = as bad as the mean)", name, "PCA"]);
        for column in &evaluation.columns {
            table.row([column.name.clone(), format!("{:.4}", column.model), format!("{:.4}", column.pca)]);
        }
        table.print()?;
    }
    Ok(())
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
