//! `cargo xtask large`: files larger than memory allows, trained with bounded memory.
//!
//! Makes an NPY and a Parquet file under `target/large`, trains on each for a few hundred steps with the release
//! binary, and prints the peak resident memory, which must stay below the limit.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use clap::Args;

use crate::process::{cargo, run};
use crate::{Result, repository};

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
    run(&mut cargo(&["build", "--release", "--package", "narrows-cli", "--package", "narrows-bench"]))?;
    let release = target.join("release");
    run(Command::new(release.join("large_files")).arg(&directory).arg(options.gigabytes.to_string()))?;
    let mut worst = 0;
    for name in ["large.npy", "large.parquet"] {
        let started = Instant::now();
        let child = Command::new(release.join("narrows"))
            .arg("train")
            .arg(directory.join(name))
            .args(["--latent", "8", "--steps", "300", "--force", "--quiet", "--out"])
            .arg(directory.join(name.replace('.', "-")))
            .spawn()?;
        let peak = watch(child)?;
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

/// Waits for `child` and returns its peak resident memory in kilobytes, from the system's own mark.
fn watch(mut child: Child) -> Result<u64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        peak = peak.max(mark(Path::new(&status)).unwrap_or(0));
        match child.try_wait()? {
            Some(done) if done.success() => return Ok(peak),
            Some(done) => return Err(format!("narrows train failed ({done})").into()),
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn mark(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}
