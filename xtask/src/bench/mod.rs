//! `cargo xtask bench`: our workloads, and with `--peers` PyTorch's, in turns within one run.
//!
//! Each implementation is a process that runs a round when asked, so that all of them meet the same state of the machine.
//! The ratio is the median over rounds of ours to PyTorch's in that round, in the mode whose median is best. Figures of
//! earlier runs on the same machine are kept, so that workloads can be measured a few at a time; each tells its commit.

mod detect;
mod encode;
mod peer;
mod pyod;
mod table;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::process::{cargo, run as execute};
use crate::{Result, repository};
use peer::Peer;

/// Workload, and the floating-point operations of one sample (none where they say little).
const WORKLOADS: [(&str, f64); 13] = [
    ("matmul-2048", 2.0 * 2048.0 * 2048.0),
    ("dense-128", DENSE),
    ("dense-512", DENSE),
    ("conv-small-128", convolutional(28.0, &[1.0, 32.0, 64.0])),
    ("conv-small-512", convolutional(28.0, &[1.0, 32.0, 64.0])),
    ("conv-large-64", convolutional(64.0, &[3.0, 64.0, 128.0, 256.0])),
    ("sparse-1024", 0.0),
    ("infer-dense-4096", 2.0 * WEIGHTS),
    ("infer-tabular-4096", 4.0 * (20.0 * 64.0 + 64.0 * 32.0 + 32.0 * 8.0)),
    ("encode-1000000", 0.0),
    ("encode-10000", 0.0),
    ("detect-10000000", 0.0),
    ("shuttle-csv", 0.0),
];
/// Weights of 784-512-256-32 and its mirror.
const WEIGHTS: f64 = 2.0 * (784.0 * 512.0 + 512.0 * 256.0 + 256.0 * 32.0);
/// Forward once, backward twice, but no gradient for the input.
const DENSE: f64 = 6.0 * WEIGHTS - 2.0 * 784.0 * 512.0;
/// As for [`DENSE`], for convolutions with kernel 4 and stride 2 and their mirror around a code of 16 means and variances.
const fn convolutional(mut extent: f64, channels: &[f64]) -> f64 {
    let (mut layers, mut first, mut index) = (0.0, 0.0, 1);
    while index < channels.len() {
        extent /= 2.0;
        let products = extent * extent * 16.0 * channels[index - 1] * channels[index];
        layers += products;
        if index == 1 {
            first = products;
        }
        index += 1;
    }
    let code = 3.0 * 16.0 * extent * extent * channels[channels.len() - 1];
    6.0 * (2.0 * layers + code) - 2.0 * first
}
/// Modes of PyTorch; the one with the best median counts: the luckiest of four in each round would be nobody's speed.
const MODES: [&str; 4] = ["eager", "compile", "eager-channels-last", "compile-channels-last"];

const PAGE: &str = "docs/benchmarks.md";

/// What to run, and for how long.
#[derive(Args, Debug)]
pub struct Options {
    /// Workloads to run; all of them if none is named
    #[arg(value_name = "WORKLOAD")]
    names: Vec<String>,
    /// Run PyTorch's workloads too, in an environment with pinned versions below the target folder
    #[arg(long)]
    peers: bool,
    /// Rounds for each implementation
    #[arg(long, default_value_t = 7, value_name = "COUNT")]
    rounds: usize,
    /// Seconds of a round
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    seconds: f64,
    /// The Python to make the environment with
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    python: String,
    /// Write the table to docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

/// The figures of one implementation on one workload.
#[derive(Debug, Deserialize, Serialize)]
struct Figures {
    implementation: String,
    /// Samples a second: the median over rounds.
    samples_per_second: f64,
    /// Milliseconds of a step: the median over rounds of medians.
    step_ms: f64,
    /// Largest resident size.
    peak_mib: f64,
}

impl Figures {
    /// Of a whole command on so many rows, from the seconds of its runs.
    fn of_command(implementation: &str, rows: f64, seconds: &[f64], peak_kilobytes: u64) -> Self {
        let step = median(seconds.to_vec());
        Self {
            implementation: implementation.to_owned(),
            samples_per_second: rows / step,
            step_ms: 1e3 * step,
            peak_mib: peak_kilobytes as f64 / 1024.0,
        }
    }
}

/// All figures of one workload.
#[derive(Debug, Deserialize, Serialize)]
struct Outcome {
    workload: String,
    figures: Vec<Figures>,
    /// Ours to PyTorch's in its best mode, the median over rounds.
    ratio: Option<f64>,
    /// The same without the peer's imports, where the workload is a whole command.
    without_imports: Option<f64>,
    /// What else is to be compared.
    #[serde(default)]
    remark: Option<String>,
    /// The commit measured.
    #[serde(default)]
    commit: String,
}

impl Outcome {
    /// Figures of the tree as it is.
    fn new(workload: &str, figures: Vec<Figures>, ratio: Option<f64>) -> Self {
        Self {
            workload: workload.to_owned(),
            figures,
            ratio,
            without_imports: None,
            remark: None,
            commit: table::commit(),
        }
    }
}

/// The file that a run writes and the next one adds to.
#[derive(Debug, Deserialize, Serialize)]
struct Report {
    machine: Vec<(String, String)>,
    outcomes: Vec<Outcome>,
}

/// Runs the benchmark.
///
/// # Errors
///
/// When a workload is unknown, something does not build or install, or a process fails.
pub fn run(options: &Options) -> Result {
    let known: Vec<&str> = WORKLOADS.iter().map(|workload| workload.0).collect();
    if let Some(unknown) = options.names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("no workload `{unknown}`: expected one of {}", known.join(", ")).into());
    }
    execute(&mut cargo(&["build", "--quiet", "--release", "--package", "narrows-bench", "--bin", "narrows-bench"]))?;
    let python = if options.peers { Some(peer::environment(&options.python)?) } else { None };
    let path = repository::target()?.join("bench.json");
    let mut report = Report { machine: table::machine(python.as_deref()), outcomes: Vec::new() };
    let earlier = std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str::<Report>(&text).ok());
    // Without peers the machine is told without PyTorch's version.
    if let Some(earlier) = earlier.filter(|earlier| earlier.machine.starts_with(&report.machine)) {
        report = earlier;
    }
    for (name, _) in WORKLOADS {
        if !options.names.is_empty() && !options.names.iter().any(|wanted| wanted == name) {
            continue;
        }
        let outcome = match name.split_once('-') {
            Some(("encode", rows)) => encode::measure(name, rows.parse()?, python.as_deref(), options)?,
            Some(("shuttle", _)) => pyod::measure(name, python.as_deref(), options)?,
            Some(("detect", rows)) => detect::measure(name, rows.parse()?, options)?,
            _ => measure(name, peers(name, python.as_deref())?, options)?,
        };
        println!("{}", table::lines(&outcome).join("\n"));
        report.outcomes.retain(|earlier| earlier.workload != name);
        report.outcomes.push(outcome);
        report.outcomes.sort_by_key(|outcome| known.iter().position(|name| *name == outcome.workload));
        std::fs::write(&path, serde_json::to_string_pretty(&report)?)?;
    }
    println!("figures: {}", path.display());
    if options.write {
        let page = repository::read(PAGE).unwrap_or_default();
        repository::write(PAGE, &table::document(&report, &page))?;
    }
    Ok(())
}

/// All implementations of a workload.
fn peers(name: &str, python: Option<&Path>) -> Result<Vec<Peer>> {
    let mut peers = vec![Peer::ours(name, "fused")?, Peer::ours(name, "candle")?];
    if let Some(python) = python {
        let modes = if name.starts_with("conv") { &MODES[..] } else { &MODES[..2] };
        for mode in modes {
            peers.push(Peer::torch(python, name, mode)?);
        }
    }
    Ok(peers)
}

/// Rounds in turns: the order is reversed every other time.
fn measure(name: &str, mut peers: Vec<Peer>, options: &Options) -> Result<Outcome> {
    let mut rates = vec![Vec::new(); peers.len()];
    for peer in &mut peers {
        peer.round(options.seconds.min(0.3))?;
    }
    for round in 0..options.rounds.max(1) {
        let mut order: Vec<usize> = (0..peers.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            rates[index].push(peers[index].round(options.seconds)?);
        }
    }
    let typical = |index: usize| median(rates[index].iter().map(|round| round.rate).collect());
    let torch = (0..peers.len()).filter(|&index| peers[index].name.starts_with("torch"));
    let best = torch.max_by(|&a, &b| typical(a).total_cmp(&typical(b)));
    let ratio = best
        .map(|best| median(rates[0].iter().zip(&rates[best]).map(|(ours, theirs)| ours.rate / theirs.rate).collect()));
    let mut figures = Vec::new();
    for (peer, rounds) in peers.into_iter().zip(&rates) {
        let rate = median(rounds.iter().map(|round| round.rate).collect());
        let step_ms = 1000.0 * median(rounds.iter().map(|round| round.step).collect());
        let implementation = peer.name.clone();
        figures.push(Figures { implementation, samples_per_second: rate, step_ms, peak_mib: peer.finish()? });
    }
    Ok(Outcome::new(name, figures, ratio))
}

/// How many times as long theirs take, the median over runs in turns.
fn times(ours: &[f64], theirs: &[f64]) -> f64 {
    median(ours.iter().zip(theirs).map(|(ours, theirs)| theirs / ours).collect())
}

/// The seconds that a command takes.
fn clocked(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    execute(command)?;
    Ok(start.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
