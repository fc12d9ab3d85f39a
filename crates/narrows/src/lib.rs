//! Autoencoders from a file to a trained, evaluated and reported model.
//!
//! ```no_run
//! use narrows::{Draft, Plan, RunDirectory, Task, fit};
//! # fn main() -> narrows::Result<()> {
//! let mut draft = Draft::default();
//! draft.put("data.source", "measurements.csv")?;
//! draft.put("model.ae.code", 8)?;
//! let plan = Plan::new(&draft, Task::Reduction, None)?;
//! let run = RunDirectory::create("runs/measurements".as_ref(), false)?;
//! fit(&plan, &run, false, Default::default(), &mut [])?;
//! # Ok(())
//! # }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod batches;
pub mod catalog_view;
pub mod choose;
pub mod compare;
pub mod config;
pub mod denoise;
pub mod description;
pub mod detect;
mod digest;
pub mod doctor;
pub mod document;
mod draft;
pub mod error;
mod error_class;
pub mod evaluate;
mod factors;
pub mod figures;
mod fit;
mod generate;
mod held_out;
pub mod inspect;
mod likelihood;
mod model;
mod overlap;
mod page;
pub mod places;
mod plan;
mod restarts;
mod rows;
mod run;
mod starter;
pub mod transform;

pub use choose::Task;
pub use config::RunConfig;
pub use draft::Draft;
pub use error::{Error, Result};
pub use evaluate::{Evaluation, evaluate};
pub use factors::{FactorFigures, factors};
pub use fit::{Done, Fitted, fit};
pub use generate::{FlowSampler, Sampler, condition, generate};
pub use likelihood::{LikelihoodBound, likelihood};
pub use model::{Model, read_document};
pub use narrows_tensor::file::write_atomically as write_file;
pub use page::{page, write_report};
pub use plan::{Plan, Suitable, data_config, suitable};
pub use rows::{Part, rows};
pub use run::RunDirectory;
pub use starter::starter;
pub use {narrows_core, narrows_data, narrows_eval, narrows_models, narrows_report, narrows_tensor, narrows_train};
