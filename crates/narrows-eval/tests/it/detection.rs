//! Metrics of detection against scikit-learn and the code of the Numenta benchmark. `xtask/golden/detection.py` makes the
//! numbers; those of VUS-PR are TSB-AD's, by `vus.py`.

use narrows_eval::detection::nab::{self, Profile, Series};
use narrows_eval::detection::{Alarms, Ranking, vus_pr};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    rankings: Vec<RankingCase>,
    nab: Vec<NabCase>,
}

#[derive(Deserialize)]
struct RankingCase {
    scores: Vec<f64>,
    labels: Vec<bool>,
    auroc: f64,
    average_precision: f64,
    precision_at: Vec<(u64, f64)>,
    best_f1: f64,
    threshold: f64,
    false_alarm_rate: f64,
    missed_alarm_rate: f64,
}

#[derive(Deserialize)]
struct NabCase {
    series: Vec<NabSeries>,
    standard: f64,
    low_false_alarms: f64,
    low_missed: f64,
}

#[derive(Deserialize)]
struct NabSeries {
    scores: Vec<f64>,
    windows: Vec<(usize, usize)>,
}

#[derive(Deserialize)]
struct Surfaces {
    cases: Vec<Surface>,
}

#[derive(Deserialize)]
struct Surface {
    scores: Vec<f64>,
    labels: Vec<bool>,
    window: usize,
    vus_pr: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/detection.json")).unwrap()
}

fn close(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{what}: {found}, expected {expected}");
}

#[test]
fn rankings_agree_with_scikit_learn() {
    let golden = golden();
    assert!(golden.rankings.len() >= 6);
    for (number, case) in golden.rankings.iter().enumerate() {
        let ranking = Ranking::new(&case.scores, &case.labels).unwrap();
        let what = |metric: &str| format!("case {number}: {metric}");
        close(ranking.auroc(), case.auroc, &what("AUROC"));
        close(ranking.average_precision(), case.average_precision, &what("average precision"));
        for (n, precision) in &case.precision_at {
            close(ranking.precision_at(*n), *precision, &what("precision at n"));
        }
        close(ranking.best_f1().f1, case.best_f1, &what("best F1"));
        let alarms = Alarms::at(case.threshold, &case.scores, &case.labels).unwrap();
        close(alarms.false_alarm_rate().unwrap(), case.false_alarm_rate, &what("false-alarm rate"));
        close(alarms.missed_alarm_rate().unwrap(), case.missed_alarm_rate, &what("missed-alarm rate"));
        let best = ranking.best_f1();
        let at_best = Alarms::at(best.threshold, &case.scores, &case.labels).unwrap();
        close(at_best.f1().unwrap(), best.f1, &what("F1 at the best threshold"));
    }
}

#[test]
fn volumes_under_the_surface_agree_with_the_benchmark() {
    let golden: Surfaces = serde_json::from_str(include_str!("../golden/vus.json")).unwrap();
    assert!(golden.cases.len() >= 6);
    for (number, case) in golden.cases.iter().enumerate() {
        close(vus_pr(&case.scores, &case.labels, case.window).unwrap(), case.vus_pr, &format!("case {number}: VUS-PR"));
    }
}

#[test]
fn nab_scores_agree_with_the_benchmark() {
    let golden = golden();
    assert!(golden.nab.len() >= 3);
    for (number, case) in golden.nab.iter().enumerate() {
        let series: Vec<Series> = case
            .series
            .iter()
            .map(|one| Series {
                scores: one.scores.clone(),
                windows: one.windows.iter().map(|&(start, end)| start..=end).collect(),
            })
            .collect();
        let score = |profile: &Profile| nab::score(&series, profile).unwrap().normalised;
        close(score(&Profile::STANDARD), case.standard, &format!("case {number}: standard"));
        close(score(&Profile::LOW_FALSE_ALARMS), case.low_false_alarms, &format!("case {number}: low FP"));
        close(score(&Profile::LOW_MISSED), case.low_missed, &format!("case {number}: low FN"));
    }
}
