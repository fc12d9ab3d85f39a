//! Lesson 1: from a dataset to a trained autoencoder in a dozen lines.
//!
//! You learn: a draft says what you want and leaves the rest open; a plan is the draft with everything filled in from
//! the data; a fitted run has its figures beside PCA's, and one model file.
//!
//! `cargo run --release -p narrows-examples --example quickstart`

use narrows::{Draft, Fitted, Model, Plan, RunDirectory, Task, fit};

/// Trains on the embedded digits and says how good the codes are.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut draft = Draft::default();
    draft.put("data.source", "digits")?;
    draft.put("model.code", 8)?;
    draft.put("train.steps", 300)?;

    let plan = Plan::new(&draft, Task::Reduction, None)?;
    plan.notes.iter().for_each(|note| println!("{note}"));

    let directory = tempfile::tempdir()?;
    let run = RunDirectory::create(&directory.path().join("digits"), false)?;
    let Fitted::Done(done) = fit(&plan, &run, false, std::sync::Arc::default(), &mut [])? else {
        return Err("interrupted".into());
    };
    let (model, pca) = (done.evaluation.model, done.evaluation.pca);
    println!("squared error of a held-out digit: {:.3}, PCA {:.3}", model.squared_error, pca.squared_error);

    let loaded = Model::load(&run.model())?;
    println!("the model file knows its data: {:?}", loaded.document.schema().sample);
    Ok(())
}
