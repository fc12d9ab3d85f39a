//! A run's figures as plain data for the report: what was measured, drawn from the run directory and held-out rows.

mod codes;
mod comparison;
mod examples;
mod training;

use narrows_data::{Any, Subset};
use narrows_report::{ColumnErrors, ErrorDistribution, Report};

use crate::evaluate::{Evaluation, SampleErrors};
use crate::{Model, Result, RunDirectory};

/// The most samples on a map of codes.
const POINTS: usize = 2_000;
/// The most single errors that a report keeps.
const ERRORS: usize = 20_000;

/// What a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The trained model.
    pub model: &'a Model,
    /// The rows that were measured.
    pub rows: &'a Subset<Any>,
    /// Their figures.
    pub evaluation: &'a Evaluation,
    /// Their single errors.
    pub errors: &'a SampleErrors,
}

/// Everything that the page of a run shows. With `t_sne`, a second map of the codes.
///
/// # Errors
/// The run's log or the rows cannot be read.
pub fn report(run: &RunDirectory, measured: Measured<'_>, notes: &[String], t_sne: bool) -> Result<Report> {
    let Measured { model, evaluation, errors, .. } = measured;
    let document = &model.document;
    let [train, validation, test] = document.origin.rows;
    let name = document.config.model.name();
    Ok(Report {
        title: run.root().file_name().map_or_else(|| name.to_owned(), |name| name.to_string_lossy().into_owned()),
        subtitle: format!(
            "{name} with a code of {} on {}: {train} training, {validation} validation and {test} test rows.",
            evaluation.code, document.origin.name
        ),
        model: name.into(),
        baseline: "PCA".into(),
        warnings: comparison::warnings(evaluation),
        summary: comparison::cards(evaluation),
        comparison: Some(comparison::table(name, evaluation)),
        training: training::read(&run.metrics())?,
        reconstructions: examples::choose(measured)?,
        code_maps: codes::maps(measured, POINTS, t_sne)?,
        errors: Some(ErrorDistribution {
            metric: "squared error of a sample".into(),
            model: thinned(&errors.model),
            baseline: thinned(&errors.pca),
        }),
        column_errors: (!evaluation.columns.is_empty()).then(|| ColumnErrors {
            metric: "squared error, where 1 is as bad as the training mean".into(),
            columns: evaluation.columns.iter().map(comparison::column).collect(),
        }),
        notes: notes.to_vec(),
        config: document.config.to_toml()?,
        environment: vec![
            ("Narrows".into(), document.narrows.clone()),
            ("Seed".into(), document.config.train.seed.to_string()),
            ("Steps".into(), document.steps.to_string()),
            ("Parameters".into(), model.network.parameters().count().to_string()),
            ("Training rows, SHA-256".into(), document.origin.sha256.clone()),
            ("System".into(), format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        ],
    })
}

/// Every n-th value, so that at most [`ERRORS`] remain.
fn thinned(errors: &[f64]) -> Vec<f64> {
    errors.iter().step_by(errors.len().div_ceil(ERRORS).max(1)).copied().collect()
}
