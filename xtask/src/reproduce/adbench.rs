//! Anomalies in tables: AUROC over sets of ADBench under the semi-supervised protocol of the DTE benchmark (Livernoche et al.,
//! ICLR 2024), of `--task anomaly` and of plain `ae` and `vae` detectors, each with one setting for all sets.

use std::fmt::Write as _;
use std::path::Path;
use std::thread;

use super::Row;
use super::runs::{Runs, number, side_by_side};
use super::spread::Spread;
use crate::{Result, repository};

/// Sets, with the AUROC published for the best of fourteen detectors.
const SETS: [(&str, f64); 18] = [
    ("2_annthyroid", 97.52),
    ("4_breastw", 99.50),
    ("6_cardio", 96.55),
    ("12_fault", 61.09),
    ("14_glass", 92.42),
    ("18_Ionosphere", 97.77),
    ("20_letter", 45.37),
    ("23_mammography", 90.67),
    ("26_optdigits", 96.65),
    ("28_pendigits", 99.87),
    ("29_Pima", 81.50),
    ("31_satimage-2", 99.92),
    ("32_shuttle", 99.98),
    ("35_SpamBase", 85.18),
    ("38_thyroid", 98.96),
    ("40_vowels", 86.93),
    ("42_WBC", 99.63),
    ("45_wine", 99.97),
];

/// A detector, how it is asked for, and the mean that it must reach.
struct Contender {
    name: &'static str,
    arguments: &'static [&'static str],
    bar: f64,
    of: &'static str,
}

const CONTENDERS: [Contender; 3] = [
    Contender {
        name: "--task anomaly",
        arguments: &["--task", "anomaly"],
        bar: 90.0,
        of: "best published: DTE-NP 88.32",
    },
    Contender { name: "ae", arguments: &["--task", "anomaly", "--model", "ae"], bar: 81.61, of: "published VAE" },
    Contender { name: "vae", arguments: &["--task", "anomaly", "--model", "vae"], bar: 81.61, of: "published VAE" },
];

/// Every row of the protocol trains, none calibrates; one checkpoint at the end.
const SETTINGS: [&str; 4] =
    ["--set", "data.split.fractions=[1.0, 0.0, 0.0]", "--set", "train.checkpoint-every=1000000"];

/// Trains and evaluates every set, seed and detector; seeds run side by side, a thread each.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let seeds = runs.seeds();
    let mut table = String::from("| dataset |");
    table.extend(CONTENDERS.iter().map(|one| format!(" `{}` |", one.name)));
    table.push_str(" best published |\n|---|---|---|---|---|\n");
    let mut means: Vec<Vec<f64>> = vec![vec![0.0; seeds.len()]; CONTENDERS.len()];
    for (set, published) in SETS {
        let file = repository::data(&format!("adbench/{set}.npz"))?;
        let mut of_seeds = Vec::new();
        for group in seeds.chunks(thread::available_parallelism()?.get()) {
            of_seeds.extend(side_by_side(group, |seed| judged(runs, set, &file, *seed))?);
        }
        let _ = write!(table, "| {set} |");
        for (number, means) in means.iter_mut().enumerate() {
            let scores: Vec<f64> = of_seeds.iter().map(|scores| scores[number]).collect();
            means.iter_mut().zip(&scores).for_each(|(mean, score)| *mean += score / SETS.len() as f64);
            let _ = write!(table, " {} |", Spread::of(&scores));
        }
        let _ = writeln!(table, " {published:.2} |");
    }
    let _ = write!(table, "| **mean** |");
    table.extend(means.iter().map(|means| format!(" **{}** |", Spread::of(means))));
    let _ = writeln!(table, " 88.32 (DTE-NP) |");
    runs.table(&table);
    let row = |(contender, means): (&Contender, &Vec<f64>)| {
        let what = format!(
            "`{}`: mean AUROC x 100 over 18 sets, seeds {}",
            contender.name,
            seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
        );
        Row::spread(what, Spread::of(means), contender.bar, contender.of)
    };
    Ok(CONTENDERS.iter().zip(&means).map(row).collect())
}

/// AUROC x 100 of each detector on one set under one seed.
fn judged(runs: &Runs, set: &str, file: &Path, seed: u64) -> Result<Vec<f64>> {
    let name = |what: &str| format!("{what}-{seed}");
    let (train, test) = (runs.path(&(name("train") + ".npz")), runs.path(&(name("test") + ".npz")));
    let number_of = seed.to_string();
    let [from, into, tested] = [file, &train, &test].map(|path| path.to_string_lossy().into_owned());
    runs.script("adbench", &[&from, &number_of, &into, &tested])?;
    let mut scores = Vec::new();
    for contender in &CONTENDERS {
        let mut arguments = contender.arguments.to_vec();
        arguments.extend(SETTINGS);
        arguments.extend(["--seed", &number_of, "--threads", "1"]);
        runs.train(&name("model"), &train, &arguments)?;
        let figures = runs.evaluate(&name("model"), &test, &["--label", "y", "--threads", "1"])?;
        scores.push(100.0 * number(&figures, "/detection/auroc")?);
    }
    println!("{set}, seed {seed}: {scores:.2?}");
    Ok(scores)
}
