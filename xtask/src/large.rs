//! `cargo xtask large`: files larger than memory allows, trained with bounded memory.
//!
//! Makes an NPY and a Parquet file under `target/large`, trains on each for a few hundred steps with the release
//! binary, and prints the peak resident memory, which must stay below the limit.

use std::process::Command;
use std::time::Instant;

use clap::Args;

use crate::process::{cargo, peak_kilobytes, run};
use crate::{Result, repository};

/// Columns of either file.
const COLUMNS: usize = 250;

/// How large, and how much memory.
#[derive(Args, Debug)]
pub struct Options {
    /// Size of each file in gigabytes
    #[arg(long, default_value_t = 4.0)]
    gigabytes: f64,
    /// Peak resident memory that is allowed, in megabytes
    #[arg(long, default_value_t = 600)]
    limit: u64,
}

/// Makes, trains and measures.
///
/// # Errors
///
/// When something fails, or the memory goes beyond the limit.
pub fn run_large(options: &Options) -> Result {
    let target = repository::target()?;
    let directory = target.join("large");
    std::fs::create_dir_all(&directory)?;
    let made_by = "correlated_rows";
    run(&mut cargo(&["build", "--release", "--package", "narrows-cli"]))?;
    run(&mut cargo(&["build", "--release", "--package", "narrows-data", "--example", made_by]))?;
    let release = target.join("release");
    let rows = (options.gigabytes * 1e9 / (4 * COLUMNS) as f64) as usize;
    let mut worst = 0;
    for name in ["large.npy", "large.parquet"] {
        let size = [rows.to_string(), COLUMNS.to_string()];
        run(Command::new(release.join("examples").join(made_by)).arg(directory.join(name)).args(size))?;
        let started = Instant::now();
        let peak = peak_kilobytes(
            Command::new(release.join("narrows"))
                .arg("train")
                .arg(directory.join(name))
                .args(["--latent", "8", "--steps", "300", "--force", "--quiet", "--out"])
                .arg(directory.join(name.replace('.', "-"))),
        )?;
        let seconds = started.elapsed().as_secs_f64();
        println!("{name}: {} GB, peak resident memory {} MB, {seconds:.0} s", options.gigabytes, peak / 1_000);
        worst = worst.max(peak / 1_000);
        std::fs::remove_file(directory.join(name))?;
    }
    if worst <= options.limit {
        Ok(())
    } else {
        Err(format!("peak resident memory {worst} MB is above the limit of {} MB", options.limit).into())
    }
}
