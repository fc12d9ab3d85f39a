//! Lesson 2: a table with numbers, categories and holes.
//!
//! You learn: columns of every kind become features by themselves; the error is told column by column, and 1 means "as
//! bad as guessing the mean"; codes are written beside columns of your choice.
//!
//! `cargo run --release -p narrows-examples --example table`

use std::fmt::Write as _;
use std::path::Path;

use narrows::transform::{Output, encode};
use narrows::{Draft, Fitted, Part, Plan, RunDirectory, Task, fit, rows};

/// Orders in which price depends on size, and delivery on the country; some sizes are missing.
fn orders() -> String {
    let mut csv = String::from("order,country,size,price,express\n");
    for order in 0..2_000u32 {
        let country = ["NO", "PT", "JP"][(order % 3) as usize];
        let size = f64::from(order * 7919 % 100) / 10.0;
        let price = 4.0 + 2.5 * size + f64::from(order * 31 % 7) / 10.0;
        let shown = if order % 17 == 0 { String::new() } else { size.to_string() };
        // Writing to a string cannot fail.
        let _ = writeln!(csv, "{order},{country},{shown},{price:.2},{}", country == "JP");
    }
    csv
}

/// Trains on the orders and writes codes beside their order numbers.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("orders.csv");
    std::fs::write(&path, orders())?;
    let name = path.to_string_lossy().into_owned();

    let mut draft = Draft::default();
    draft.put("data.source", name.as_str())?;
    draft.put("data.exclude", vec!["order"])?;
    draft.put("model.code", 2)?;
    draft.put("train.steps", 400)?;
    let plan = Plan::new(&draft, Task::Reduction, None)?;
    let run = RunDirectory::create(&directory.path().join("run"), false)?;
    let Fitted::Done(done) = fit(&plan, &run, false, std::sync::Arc::default(), &mut [])? else {
        return Err("interrupted".into());
    };
    for column in &done.evaluation.columns {
        println!("{:24} model {:.4}  PCA {:.4}", column.name, column.model, column.pca);
    }

    let keep = ["order".to_owned()];
    let source = done.model.open(&name, None, &keep)?;
    let all = rows(&done.model, source, Part::All, None)?;
    let codes = directory.path().join("codes.csv");
    let written = encode(&done.model, &all, Output { path: Path::new(&codes), force: false, keep: &keep }, |_| ())?;
    println!("{written} codes, first lines:");
    std::fs::read_to_string(&codes)?.lines().take(3).for_each(|line| println!("{line}"));
    Ok(())
}
