//! Anomalies of a valve in logs of eight sensors: F1 over the 16 files of `valve1` of the Skoltech Anomaly Benchmark. One model a
//! file, trained and calibrated on its first 400 rows, the rest is judged, pooled over the files; one setting for all.

use std::fs;
use std::path::Path;

use super::Row;
use super::runs::Runs;
use super::spread::Spread;
use crate::process::run as execute;
use crate::{Result, repository};

const FILES: usize = 16;
/// Rows to train on, of each file.
const TRAIN: usize = 400;
/// A linear autoencoder of means over ten seconds; the last three tenths of its rows calibrate.
const SETTINGS: [&str; 18] = [
    "--task",
    "anomaly",
    "--model",
    "linear-ae",
    "--latent",
    "2",
    "--time",
    "datetime",
    "--smooth",
    "10",
    "--exclude",
    "anomaly,changepoint",
    "--set",
    "data.split.fractions=[0.7, 0.3, 0.0]",
    "--steps",
    "500",
    "--threads",
    "1",
];
const PICTURE: &str = "docs/pictures/valve.svg";
/// The threshold: this rate of false alarms by median and median absolute deviation of the calibration rows.
const RATE: &str = "0.001";

/// Alarms against labels.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    hits: f64,
    false_alarms: f64,
    misses: f64,
    quiet: f64,
}

impl Counts {
    fn f1(self) -> f64 {
        2.0 * self.hits / (2.0 * self.hits + self.false_alarms + self.misses)
    }
}

/// Trains and judges every file for every seed.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let (mut f1, mut false_alarms, mut missed) = (Vec::new(), Vec::new(), Vec::new());
    for (place, seed) in runs.seeds().iter().enumerate() {
        let mut counts = Counts::default();
        for number in 0..FILES {
            judge(runs, &repository::data(&format!("skab/valve1/{number}.csv"))?, *seed, &mut counts)?;
            if number == 0 && place == 0 {
                picture(runs)?;
            }
        }
        println!("seed {seed}: F1 {:.4}", counts.f1());
        f1.push(counts.f1());
        false_alarms.push(100.0 * counts.false_alarms / (counts.false_alarms + counts.quiet));
        missed.push(100.0 * counts.misses / (counts.misses + counts.hits));
    }
    let (false_alarms, missed) = (Spread::of(&false_alarms), Spread::of(&missed));
    let what = format!(
        "`linear-ae` of means over 10 rows, SKAB valve1 pooled over {FILES} files: F1 (false alarms {false_alarms} %, missed \
         {missed} %)"
    );
    Ok(vec![Row::spread(what, Spread::of(&f1), 0.80, "published: Conv-AE 0.78, T2 and Q 0.76")])
}

fn judge(runs: &Runs, file: &Path, seed: u64, counts: &mut Counts) -> Result {
    let text = fs::read_to_string(file)?;
    let (train, scores) = (runs.path("train.csv"), runs.path("scores.csv"));
    let first: Vec<&str> = text.lines().take(TRAIN + 1).collect();
    fs::write(&train, first.join("\n") + "\n")?;
    let seed = seed.to_string();
    let mut arguments = SETTINGS.to_vec();
    arguments.extend(["--seed", &seed]);
    runs.train("model", &train, &arguments)?;
    let mut detect = runs.narrows(&["detect", "--quiet", "--force", "--mad", RATE]);
    execute(detect.arg(runs.path("model")).arg(file).arg("-o").arg(&scores))?;
    let alarms = column(&fs::read_to_string(&scores)?, ',', "anomaly")?;
    let labels = column(&text, ';', "anomaly")?;
    if alarms.len() != labels.len() {
        return Err(format!("{} rows in, {} rows out", labels.len(), alarms.len()).into());
    }
    for (alarm, label) in alarms.iter().zip(&labels).skip(TRAIN) {
        let count = match (alarm, label) {
            (true, true) => &mut counts.hits,
            (true, false) => &mut counts.false_alarms,
            (false, true) => &mut counts.misses,
            (false, false) => &mut counts.quiet,
        };
        *count += 1.0;
    }
    Ok(())
}

/// The picture of the guide: what the model of the first file makes of it.
fn picture(runs: &Runs) -> Result {
    let (log, chart) = (runs.path("valve.csv"), repository::root().join(PICTURE));
    fs::copy(repository::data("skab/valve1/0.csv")?, &log)?;
    let mut detect =
        runs.narrows(&["detect", "--quiet", "--force", "--mad", RATE, "-o", "valve-scores.csv", "--chart"]);
    execute(detect.arg(&chart).args(["model", "valve.csv"]))?;
    println!("picture {PICTURE}");
    Ok(())
}

/// The yes or no of a column.
fn column(text: &str, separator: char, name: &str) -> Result<Vec<bool>> {
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let place = head.split(separator).position(|column| column == name).ok_or_else(|| format!("no column {name}"))?;
    let value = |line: &str| matches!(line.split(separator).nth(place), Some("1" | "1.0" | "true"));
    Ok(lines.map(value).collect())
}
