//! `cargo xtask reproduce NAME`: what the models are known for, measured, beside the number that it is to hold.
//!
//! A reproduction trains with the release binary on real data and returns rows of `docs/reproductions.md`: what was measured,
//! the number, the bar. It needs the data (`cargo xtask data`) and, where it compares with another implementation, Python;
//! it is no part of the gate.

mod adbench;
mod codebook;
mod contractive;
mod denoising;
mod factors;
mod foundation;
mod likelihood;
mod nab;
mod page;
mod robust;
mod runs;
mod skab;
mod sparse;
mod spread;

use std::time::Instant;

use clap::Args;

use crate::{Result, repository};

pub use runs::Runs;
use spread::Spread;

const PAGE: &str = "docs/reproductions.md";

/// What to measure.
#[derive(Args, Debug)]
pub struct Options {
    /// Reproductions; without any, they are listed
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print the rows and leave the page as it is
    #[arg(long)]
    dry: bool,
    /// The Python to make the environment of comparisons with
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    python: String,
    /// Seeds of reproductions that run several
    #[arg(long, default_value = "0,1,2,3,4", value_delimiter = ',', value_name = "SEED")]
    seeds: Vec<u64>,
}

/// One figure beside the bar that it has to clear.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was measured, on what.
    pub what: String,
    /// The number, as it is to be read.
    pub measured: String,
    /// The bar, in words: `at most 0.31 (PyTorch, the same budget)`.
    pub bar: String,
    /// Whether it holds.
    pub holds: bool,
}

impl Row {
    /// A figure that must not be above the bar.
    pub fn at_most(what: impl Into<String>, measured: f64, bar: f64, of: &str) -> Self {
        Self::new(what, measured, "at most", bar, of, measured <= bar)
    }

    /// A figure that must not be below the bar.
    pub fn at_least(what: impl Into<String>, measured: f64, bar: f64, of: &str) -> Self {
        Self::new(what, measured, "at least", bar, of, measured >= bar)
    }

    /// A mean over seeds that must not be below the bar.
    fn spread(what: impl Into<String>, measured: Spread, bar: f64, of: &str) -> Self {
        Self { measured: measured.to_string(), ..Self::at_least(what, measured.mean, bar, of) }
    }

    fn new(what: impl Into<String>, measured: f64, sense: &str, bar: f64, of: &str, holds: bool) -> Self {
        let of = if of.is_empty() { String::new() } else { format!(" ({of})") };
        Self { what: what.into(), measured: short(measured), bar: format!("{sense} {}{of}", short(bar)), holds }
    }
}

/// Four significant digits.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.digits$}")
}

/// One reproduction: its name, a sentence, and what it does.
struct Reproduction {
    name: &'static str,
    about: &'static str,
    run: fn(&Runs) -> Result<Vec<Row>>,
}

/// All reproductions, in the order of the page: one line each.
const REPRODUCTIONS: &[Reproduction] = &[
    Reproduction {
        name: "mnist",
        about: "squared error at code 30: PCA, the default, Hinton 2006",
        run: foundation::mnist,
    },
    Reproduction { name: "files", about: "default settings beside PCA on four real files", run: foundation::files },
    Reproduction { name: "commands", about: "encoding from CSV and starting, by the clock", run: foundation::commands },
    Reproduction { name: "interruptions", about: "stops at every step, and 200 kills", run: foundation::interruptions },
    Reproduction {
        name: "sparse",
        about: "top-k, batch-top-k and matryoshka on sentence-transformer activations, beside PyTorch",
        run: sparse::run,
    },
    Reproduction {
        name: "contractive",
        about: "a linear classifier on codes of MNIST: contractive, ae and PCA",
        run: contractive::run,
    },
    Reproduction {
        name: "denoising",
        about: "dae against Gaussian noise on MNIST, beside principal components",
        run: denoising::run,
    },
    Reproduction { name: "codebook", about: "how much of its codebook vq-vae uses on MNIST", run: codebook::run },
    Reproduction {
        name: "factors",
        about: "mutual information gap of vae, beta-tc-vae and factor-vae on pictures of known factors",
        run: factors::run,
    },
    Reproduction {
        name: "likelihood",
        about: "likelihood of MNIST under vae and iwae, as in Burda et al. 2016",
        run: likelihood::run,
    },
    Reproduction {
        name: "likelihood-long",
        about: "likelihood of MNIST under vae after a longer run",
        run: likelihood::long,
    },
    Reproduction {
        name: "robust",
        about: "every variant on constant columns, pixels to 255, ten rows, one column and values of a million",
        run: robust::run,
    },
    Reproduction { name: "adbench", about: "anomalies in 18 tables: the task, ae and vae", run: adbench::run },
    Reproduction { name: "nab", about: "anomalies in 35 series, judged as they come", run: nab::run },
    Reproduction { name: "skab", about: "anomalies of a valve, in logs of eight sensors", run: skab::run },
];

/// Runs the named reproductions and writes their rows.
///
/// # Errors
///
/// When a name is unknown, a program fails, the data is absent, or a row does not hold.
pub fn run(options: &Options) -> Result {
    if options.names.is_empty() {
        for one in REPRODUCTIONS {
            println!("{:15} {}", one.name, one.about);
        }
        return Ok(());
    }
    let names: Vec<&str> = REPRODUCTIONS.iter().map(|one| one.name).collect();
    let find = |name: &String| -> Result<&Reproduction> {
        let found = REPRODUCTIONS.iter().find(|one| one.name == name);
        found.ok_or_else(|| format!("no reproduction `{name}`: expected one of {}", names.join(", ")).into())
    };
    let wanted = options.names.iter().map(find).collect::<Result<Vec<_>>>()?;
    let mut failed = Vec::new();
    for one in wanted {
        println!("== {}: {}", one.name, one.about);
        let start = Instant::now();
        let runs = Runs::new(one.name, &options.python, &options.seeds)?;
        let rows = (one.run)(&runs)?;
        for Row { what, measured, bar, holds } in &rows {
            println!("{} {what}: {measured}, {bar}", if *holds { "holds" } else { "FAILS" });
        }
        println!("== {}: {:.0} s", one.name, start.elapsed().as_secs_f64());
        failed.extend(rows.iter().any(|row| !row.holds).then_some(one.name));
        if !options.dry {
            let text = repository::read(PAGE)?;
            let text = page::with_rows(&text, one.name, &rows, &names)?;
            repository::write(PAGE, &page::with_tables(&text, one.name, one.about, &runs.tables()))?;
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("does not hold: {}", failed.join(", ")).into()) }
}
