//! The figures as text: lines on the terminal, and the page in the documents with a section for each machine.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::{Figures, Outcome, Report, WORKLOADS};
use crate::process::{cargo, output};
use crate::repository;

/// What the figures were measured on.
pub(super) fn machine(python: Option<&Path>) -> Vec<(String, String)> {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|pair| pair.1));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut machine = vec![
        ("processor".to_owned(), model.unwrap_or(std::env::consts::ARCH).to_owned()),
        ("vectors".to_owned(), vectors(&cpus)),
        ("threads".to_owned(), threads.to_string()),
        ("rustc".to_owned(), output(&mut cargo(&["--version"])).unwrap_or_default().trim().to_owned()),
        ("candle".to_owned(), candle().unwrap_or_else(|| "unknown".to_owned())),
    ];
    if let Some(python) = python {
        let show = "import platform, pyarrow, torch; print(torch.__version__, torch.backends.cpu.get_cpu_capability(), \
                    '; pyarrow', pyarrow.__version__, '; Python', platform.python_version())";
        let torch = output(Command::new(python).args(["-W", "ignore", "-c", show])).unwrap_or_default();
        machine.push(("torch".to_owned(), torch.trim().to_owned()));
    }
    machine
}

/// The widest vectors that the processor computes with, and its matrix unit.
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
fn vectors(cpus: &str) -> String {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            let matrix_unit = if cpus.contains(" amx_bf16") { " and AMX" } else { "" };
            return format!("AVX-512{matrix_unit}");
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return "AVX2".to_owned();
        }
    }
    "none beyond those of the architecture".to_owned()
}

/// The version of candle in the lock file.
fn candle() -> Option<String> {
    let lock = repository::read("Cargo.lock").ok()?;
    let of = lock.split_once("name = \"candle-core\"\nversion = \"")?.1;
    of.split_once('"').map(|(version, _)| version.to_owned())
}

/// The commit of the tree that is measured, with `-dirty` where files have changed since.
pub(super) fn commit() -> String {
    let mut git = Command::new("git");
    output(git.args(["describe", "--always", "--dirty"]).current_dir(repository::root()))
        .unwrap_or_default()
        .trim()
        .into()
}

/// One line for each implementation.
pub(super) fn lines(outcome: &Outcome) -> Vec<String> {
    let mut lines: Vec<String> = outcome
        .figures
        .iter()
        .map(|figures| {
            format!(
                "{:20} {:28} {:>10.2} ms {:>12.0} samples/s {:>7.0} MiB",
                outcome.workload, figures.implementation, figures.step_ms, figures.samples_per_second, figures.peak_mib
            )
        })
        .collect();
    if let Some(ratio) = outcome.ratio {
        lines.push(format!("{:20} {ratio:.2} times PyTorch's best", outcome.workload));
    }
    lines.extend(outcome.remark.as_ref().map(|remark| format!("{:20} {remark}", outcome.workload)));
    lines
}

/// What begins the section of a machine.
const SECTION: &str = "\n## ";

/// The page in `docs`: `page` with the section of this machine replaced or added.
pub(super) fn document(report: &Report, page: &str) -> String {
    let about = |name: &str| report.machine.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let title = format!("{}, {}, {} threads", about("processor"), about("vectors"), about("threads"));
    let mut sections: Vec<String> = page.split(SECTION).skip(1).map(|section| section.trim_end().to_owned()).collect();
    let ours = format!("{title}\n\n{}", section(report));
    match sections.iter_mut().find(|section| section.lines().next() == Some(title.as_str())) {
        Some(section) => *section = ours,
        None => sections.push(ours),
    }
    let intro = String::from(INTRODUCTION);
    sections.iter().fold(intro, |text, section| format!("{text}{SECTION}{}\n", section.trim_end()))
}

const INTRODUCTION: &str = "# Benchmarks\n\n\
    Written by `cargo xtask bench --peers --write`; the implementations take turns within one run, and medians count. A ratio is \
    the median over rounds of ours to PyTorch's in that round, and so not the quotient of two medians. Shares \
    are of the fastest product of two 2,048 x 2,048 matrices that any implementation reached; the limit is the ratio that a \
    program would have which does nothing but the network's products, at that rate. Whole commands (`encode`) have a second \
    ratio, to the script without Python's imports; `shuttle-csv` trains and scores a table of 49,097 rows, beside PyOD's \
    autoencoder with its defaults. Workloads can be measured a few at a time: the last column is the commit. Each \
    machine has a section of its own. Until dffb489 the ratio was to the fastest of PyTorch's modes in each round, since then \
    it is to the mode with the best median. `sparse-1024` ran on uniform numbers, and PyTorch's on normal ones, until e025ef8, so \
    that those rows are not like for like; until 16c23c2 both ran on one batch of normal numbers, learned by heart, where all \
    latents come close to each other and ours has to sum many of them; since then on batches of sums of few directions, as \
    activations of networks are.\n";

/// What was measured on one machine.
fn section(report: &Report) -> String {
    let mut text = String::new();
    for (name, value) in &report.machine {
        let _ = writeln!(text, "- {name}: {value}");
    }
    text.push_str(
        "\n| workload | ms a step | samples/s | share of matmul peak | candle, samples/s | PyTorch's best, samples/s | \
         ratio | limit | peak MiB, ours / PyTorch's | commit |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let peak = report.outcomes.iter().find(|outcome| outcome.workload == "matmul-2048").map(|outcome| {
        let fastest = outcome.figures.iter().map(|figures| figures.samples_per_second).fold(0.0, f64::max);
        fastest * operations(&outcome.workload)
    });
    for outcome in &report.outcomes {
        let Some(ours) = outcome.figures.first() else { continue };
        let candle = outcome.figures.iter().find(|figures| figures.implementation == "candle");
        let torch = outcome.figures.iter().filter(|figures| figures.implementation.starts_with("torch"));
        let best = torch.max_by(|a, b| a.samples_per_second.total_cmp(&b.samples_per_second));
        let rate = |figures: Option<&Figures>| number(figures.map(|figures| figures.samples_per_second), 0);
        let operations = operations(&outcome.workload);
        let share = peak.filter(|_| operations > 0.0).map(|peak| ours.samples_per_second * operations / peak);
        let _ = writeln!(
            text,
            "| {} | {:.2} | {:.0} | {} | {} | {} | {}{}{} | {} | {:.0} / {} | {} |",
            outcome.workload,
            ours.step_ms,
            ours.samples_per_second,
            number(share, 2),
            rate(candle),
            rate(best),
            number(outcome.ratio, 2),
            outcome.without_imports.map(|ratio| format!("; {ratio:.2}")).unwrap_or_default(),
            outcome.remark.as_ref().map(|remark| format!("; {remark}")).unwrap_or_default(),
            number(outcome.ratio.zip(share).map(|(ratio, share)| ratio / share), 2),
            ours.peak_mib,
            number(best.map(|best| best.peak_mib), 0),
            outcome.commit,
        );
    }
    text
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

/// Floating-point operations of a sample; 0 where they say little.
fn operations(workload: &str) -> f64 {
    WORKLOADS.iter().find(|(name, _)| *name == workload).map_or(0.0, |(_, operations)| *operations)
}
