//! `cargo xtask sanitize`: the tests of narrows-tensor, the crate with `unsafe` code, under AddressSanitizer and
//! ThreadSanitizer. Installs a nightly toolchain, if there is none, and its sources: the standard library has to be
//! instrumented too.

use std::process::Command;

use clap::Args;

use crate::process::run as execute;
use crate::{Result, repository};

/// The triple that both sanitizers are tested on.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Which sanitizers, and which tests.
#[derive(Args, Debug)]
pub struct Options {
    /// Sanitizers to run
    #[arg(value_name = "SANITIZER", default_values = ["address", "thread"], value_parser = ["address", "thread"])]
    sanitizers: Vec<String>,
    /// Run only tests whose names contain this
    #[arg(long, value_name = "TEXT", default_value = "")]
    test: String,
}

/// Builds and runs the tests, each sanitizer in a target folder of its own.
///
/// # Errors
///
/// When a sanitizer finds something, a test fails, or the toolchain lacks something.
pub fn run(options: &Options) -> Result {
    let target = repository::target()?;
    install()?;
    for sanitizer in &options.sanitizers {
        println!("== {sanitizer}");
        let folder = target.join("sanitize").join(sanitizer);
        // Through rustup: the cargo that runs this command is the stable one.
        let mut command = Command::new("rustup");
        command.args(["run", "nightly", "cargo", "test", "--package", "narrows-tensor", "--lib", "--test", "it"]);
        command.args(["-Zbuild-std", "--target", TARGET, "--target-dir"]).arg(folder).args(["--", &options.test]);
        command
            .current_dir(repository::root())
            .env_remove("CARGO")
            .env_remove("RUSTUP_TOOLCHAIN")
            .env("RUSTFLAGS", format!("-Zsanitizer={sanitizer}"))
            // More threads than cores, so that they meet.
            .env("RAYON_NUM_THREADS", "4");
        execute(&mut command)?;
    }
    Ok(())
}

/// Makes sure of a nightly toolchain with the sources of the standard library.
fn install() -> Result {
    let sources = ["component", "add", "rust-src", "--toolchain", "nightly"];
    if execute(Command::new("rustup").args(sources)).is_ok() {
        return Ok(());
    }
    println!("== installing a nightly toolchain");
    execute(Command::new("rustup").args(["toolchain", "install", "nightly", "--profile", "minimal", "-c", "rust-src"]))
}
