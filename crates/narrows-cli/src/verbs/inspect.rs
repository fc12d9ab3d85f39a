//! `narrows inspect`: what a model file or run holds, without running anything.

use std::path::PathBuf;

use clap::Args;
use narrows::document::Document;
use narrows::inspect::{Inspection, ModelFile, Run, Tensors};
use narrows::narrows_data::{Role, Sample};

use super::Result;
use super::evaluate::print_evaluation;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::terminal::table::Table;

/// Options of `narrows inspect`.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// A model file, a run directory or a checkpoint's file.
    file: PathBuf,
}

impl Inspect {
    /// Verifies and prints.
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let found = narrows::inspect::inspect(&self.file)?;
        if shared.json {
            say!("{}", serde_json::to_string(&found)?)?;
        } else {
            match &found {
                Inspection::Model(model) => print_model(model)?,
                Inspection::Tensors(file) => print_tensors(file)?,
                Inspection::Run(run) => print_run(run)?,
            }
        }
        if let Inspection::Run(run) = &found {
            run.verify()?;
        }
        Ok(Outcome::Done)
    }
}

fn print_model(model: &ModelFile) -> std::io::Result<()> {
    print_document(&model.document)?;
    say!()?;
    print_tensors(&model.file)
}

fn print_document(document: &Document) -> std::io::Result<()> {
    let config = &document.config;
    let [train, validation, test] = document.origin.rows;
    let features = document.schema().columns.iter().filter(|column| column.role == Role::Feature).count();
    let sample = match &document.schema().sample {
        Sample::Table => format!("a row of {features} columns"),
        Sample::Array { dims } => format!("an array {dims:?}"),
        Sample::Image { height, width, channels } => format!("a picture, {height} x {width} x {channels}"),
    };
    let mut table = Table::new(["model", config.model.name()]);
    table.row(["code", &format!("{} values", config.model.code())]);
    table.row(["sample", &format!("{sample}; {} features", document.data.sample.elements())]);
    table.row(["trained on", &document.origin.name]);
    table.row(["rows", &format!("{train} training, {validation} validation, {test} test")]);
    table.row(["steps", &format!("{} with seed {}", document.steps, config.train.seed)]);
    table.row(["written by", &format!("narrows {}, format {}", document.narrows, document.format)]);
    table.print()?;
    if let Some(evaluation) = &document.held_out {
        say!()?;
        print_evaluation(config.model.name(), evaluation)?;
    }
    Ok(())
}

fn print_tensors(file: &Tensors) -> std::io::Result<()> {
    let mut table = Table::new(["tensor", "shape", "type", "values"]);
    let mut all = 0;
    for tensor in &file.tensors {
        let values: usize = tensor.shape.iter().product();
        all += values;
        table.row([tensor.name.clone(), format!("{:?}", tensor.shape), tensor.dtype.to_owned(), values.to_string()]);
    }
    table.print()?;
    say!("\n{} tensors, {all} values, {} bytes; checksum holds", file.tensors.len(), file.bytes)?;
    Ok(())
}

fn print_run(run: &Run) -> Result<()> {
    say!("{}", run.config.to_toml()?)?;
    let mut table = Table::new(["checkpoint", "bytes", "state"]);
    for state in &run.checkpoints {
        let name = format!("step-{}", state.step);
        let is = |pointer: &Option<String>| pointer.as_ref() == Some(&name);
        let mut notes = vec![if state.problem.is_some() { "damaged" } else { "checksums hold" }];
        notes.extend(is(&run.latest).then_some("latest"));
        notes.extend(is(&run.best).then_some("best"));
        table.row([name.clone(), state.bytes.to_string(), notes.join(", ")]);
    }
    table.print()?;
    say!()?;
    match &run.model {
        Some(model) => print_document(&model.document)?,
        None => say!("no model yet: the run did not end; continue it with `narrows train --resume`")?,
    }
    Ok(())
}
