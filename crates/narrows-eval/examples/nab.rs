//! The Numenta Anomaly Benchmark on the online detector: `nab FOLDER` reads the series below FOLDER and its
//! `combined_windows.json`, judges every series step by step with one setting, and prints the scores of the three profiles.

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use narrows_eval::detection::nab::{NabScore, Profile, Series, probation, score};
use narrows_eval::online::{Online, OnlineConfig};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder] = arguments.as_slice() else { return Err("usage: nab FOLDER".into()) };
    let folder = Path::new(folder);
    let text = fs::read_to_string(folder.join("combined_windows.json"))?;
    let labelled: BTreeMap<String, Vec<[String; 2]>> = serde_json::from_str(&text)?;
    let mut series = Vec::new();
    for (name, windows) in &labelled {
        if folder.join(name).is_file() {
            series.push(judge(&fs::read_to_string(folder.join(name))?, windows).map_err(|e| format!("{name}: {e}"))?);
        }
    }
    let of = |profile: &Profile| -> Result<serde_json::Value, Failure> {
        let NabScore { normalised, threshold, .. } = score(&series, profile)?;
        Ok(serde_json::json!({ "score": normalised, "threshold": threshold }))
    };
    println!(
        "{}",
        serde_json::json!({
            "series": series.len(),
            "standard": of(&Profile::STANDARD)?,
            "low_false_alarms": of(&Profile::LOW_FALSE_ALARMS)?,
            "low_missed": of(&Profile::LOW_MISSED)?,
        })
    );
    Ok(())
}

/// Scores of the records of one series, and its windows as steps.
fn judge(text: &str, windows: &[[String; 2]]) -> Result<Series, Failure> {
    let rows: Vec<(&str, f64)> = text
        .lines()
        .skip(1)
        .map(|line| {
            let (time, value) = line.split_once(',').ok_or("a line without a comma")?;
            Ok((time, value.trim().parse()?))
        })
        .collect::<Result<_, Failure>>()?;
    let mut online = Online::new(OnlineConfig { warm_up: probation(rows.len()), ..OnlineConfig::default() })?;
    let scores = rows.iter().map(|(_, value)| {
        let judged = online.next(*value);
        judged.score.filter(|_| judged.record).unwrap_or(0.0)
    });
    let scores = scores.collect();
    // Times are written alike, so that their order is that of their text; windows name fractions of a second.
    let step = |[first, last]: &[String; 2]| -> Result<RangeInclusive<usize>, Failure> {
        let start = rows.partition_point(|(time, _)| *time < &first[..time.len().min(first.len())]);
        let end = rows.partition_point(|(time, _)| *time <= &last[..time.len().min(last.len())]);
        Ok(start..=end.checked_sub(1).ok_or("a window before the series")?)
    };
    Ok(Series { scores, windows: windows.iter().map(step).collect::<Result<_, _>>()? })
}
