//! The page of a run: figures, kept as JSON beside it, and drawn as HTML.

use std::path::Path;

use narrows_report::{Report, render_many};
use narrows_tensor::file::write_atomically;

use crate::figures::{self, Measured};
use crate::rows::{Part, rows};
use crate::{Done, Error, Model, Plan, Result, RunDirectory, evaluate};

/// Writes the report of a run that just ended.
///
/// # Errors
/// The held-out rows or the log cannot be read, or the page cannot be written.
pub fn write_report(plan: &Plan, run: &RunDirectory, done: &Done) -> Result<()> {
    let splits = &plan.splits;
    let rows = match done.evaluation.split.as_str() {
        "test" => splits.test.clone().unmarked(),
        "validation" => splits.validation.clone().unmarked(),
        _ => splits.train.clone().unmarked(),
    };
    let Done { model, evaluation, errors, .. } = done;
    let report = figures::report(run, Measured { model, rows: &rows, evaluation, errors }, &plan.notes, false)?;
    save(run, &report)?;
    write_atomically(&run.report(), render_many(&[report])?.as_bytes())?;
    Ok(())
}

/// The page of one or several finished runs. With `t_sne`, a second map of the codes, for which the data are read again.
///
/// # Errors
/// A run has no figures, or its data cannot be read.
pub fn page(runs: &[RunDirectory], t_sne: bool, data_dir: Option<&Path>) -> Result<String> {
    let reports: Result<Vec<Report>> = runs
        .iter()
        .map(|run| if t_sne || !run.figures().is_file() { measure(run, t_sne, data_dir) } else { load(run) })
        .collect();
    Ok(render_many(&reports?)?)
}

/// Measures a finished run again on its held-out rows.
fn measure(run: &RunDirectory, t_sne: bool, data_dir: Option<&Path>) -> Result<Report> {
    let model = Model::load(run.root())?;
    let data = model.document.config.data.source.clone().ok_or(Error::NoData)?;
    let source = model.open(&data, data_dir, &[])?;
    let (part, name) = match &model.document.held_out {
        Some(evaluation) if evaluation.split == "test" => (Part::Test, "test"),
        Some(evaluation) if evaluation.split == "validation" => (Part::Validation, "validation"),
        _ => (Part::Train, "train"),
    };
    let rows = rows(&model, source, part, None)?;
    let (evaluation, errors) = evaluate(&model, &rows, name)?;
    let measured = Measured { model: &model, rows: &rows, evaluation: &evaluation, errors: &errors };
    figures::report(run, measured, &[], t_sne)
}

fn save(run: &RunDirectory, report: &Report) -> Result<()> {
    let text = serde_json::to_string(report)
        .map_err(|error| Error::Document { path: run.figures(), reason: error.to_string() })?;
    Ok(write_atomically(&run.figures(), text.as_bytes())?)
}

fn load(run: &RunDirectory) -> Result<Report> {
    let path = run.figures();
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Io {
        path: path.clone(),
        action: "cannot read",
        source,
    })?;
    serde_json::from_str(&text)
        .map_err(|error| Error::Document { path, reason: format!("not the figures of a run: {error}") })
}
