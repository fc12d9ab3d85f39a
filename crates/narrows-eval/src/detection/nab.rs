//! The score of the Numenta Anomaly Benchmark (Lavin & Ahmad 2015): early detection inside labelled windows is worth
//! most, alarms outside cost by their distance from the window before.
//!
//! With `σ(y) = 2 / (1 + e^{5y}) - 1` (and -1 from y = 3 on), an alarm `d` steps before the end of a window of `w` steps,
//! both counted with their ends, is worth `A_TP σ(-d / w) / σ(-1)`; only the best of a window counts. Outside, an alarm
//! `d` steps behind a window of `w` steps costs `A_FP σ(d / (w - 1))`, before the first window `-A_FP`. A window without
//! alarm costs `A_FN`. The first 15 % of a series, at most 750 steps, are not scored. One threshold, the best one, serves
//! all series; the sum is scaled so that silence gives 0 and perfection 100.

use std::ops::RangeInclusive;

use crate::{Error, Result};

/// What true, false and missed alarms weigh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Weight of a detected window.
    pub true_alarm: f64,
    /// Weight of an alarm outside all windows.
    pub false_alarm: f64,
    /// Weight of a window without alarm.
    pub missed: f64,
}

impl Profile {
    /// The benchmark's standard profile.
    pub const STANDARD: Self = Self { true_alarm: 1.0, false_alarm: 0.11, missed: 1.0 };
    /// False alarms cost twice as much.
    pub const LOW_FALSE_ALARMS: Self = Self { false_alarm: 0.22, ..Self::STANDARD };
    /// Missed windows cost twice as much.
    pub const LOW_MISSED: Self = Self { missed: 2.0, ..Self::STANDARD };
}

/// One series: a score for each step and the labelled windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Larger is stranger.
    pub scores: Vec<f64>,
    /// First and last step of each window, in order, apart from each other.
    pub windows: Vec<RangeInclusive<usize>>,
}

/// The result over all series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NabScore {
    /// 100 for every window detected at once and no alarm elsewhere, 0 for silence.
    pub normalised: f64,
    /// The sum of weighted values.
    pub raw: f64,
    /// The threshold that gives it; infinite where silence is best.
    pub threshold: f64,
}

/// Steps at the beginning of a series of `steps` that are not scored.
pub fn probation(steps: usize) -> usize {
    (0.15 * steps.min(5_000) as f64).floor() as usize
}

/// The score of `series` at their best common threshold.
///
/// # Errors
/// There is no window, a window lies outside its series or overlaps the one before, or a score is no number.
pub fn score(series: &[Series], profile: &Profile) -> Result<NabScore> {
    let windows = series.iter().map(|one| one.windows.len()).sum::<usize>();
    if windows == 0 {
        return Err(Error::TooFewRows { operation: "NAB score: labelled windows", rows: 0, needed: 1 });
    }
    let mut points = Vec::new();
    for (number, one) in series.iter().enumerate() {
        check(one)?;
        points.extend(values(one, profile).map(|(score, value, window)| (score, value, window.map(|at| (number, at)))));
    }
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    let silence = -profile.missed * windows as f64;
    let mut best: std::collections::BTreeMap<(usize, usize), f64> = std::collections::BTreeMap::new();
    let (mut raw, mut top) = (silence, (silence, f64::INFINITY));
    for (place, (score, value, window)) in points.iter().enumerate() {
        match window {
            None => raw += value,
            Some(window) => {
                let before = best.insert(*window, best.get(window).map_or(*value, |known| known.max(*value)));
                raw += best[window] - before.unwrap_or(-profile.missed);
            }
        }
        let last_of_its_score = points.get(place + 1).is_none_or(|next| next.0 != *score);
        if last_of_its_score && raw > top.0 {
            top = (raw, *score);
        }
    }
    let perfect = profile.true_alarm * windows as f64;
    Ok(NabScore { normalised: 100.0 * (top.0 - silence) / (perfect - silence), raw: top.0, threshold: top.1 })
}

/// Score, value of an alarm, and window of each step behind the probation.
fn values<'a>(series: &'a Series, profile: &'a Profile) -> impl Iterator<Item = (f64, f64, Option<usize>)> + use<'a> {
    let mut next = 0;
    series.scores.iter().enumerate().filter_map(move |(step, &score)| {
        while series.windows.get(next).is_some_and(|window| *window.end() < step) {
            next += 1;
        }
        let width = |window: &RangeInclusive<usize>| (window.end() - window.start() + 1) as f64;
        let inside = series.windows.get(next).filter(|window| window.contains(&step));
        let value = match inside {
            Some(window) => {
                let place = (window.end() - step + 1) as f64 / width(window);
                profile.true_alarm * sigmoid(-place) / sigmoid(-1.0)
            }
            None => match next.checked_sub(1).map(|before| &series.windows[before]) {
                Some(before) => profile.false_alarm * sigmoid((step - before.end()) as f64 / (width(before) - 1.0)),
                None => -profile.false_alarm,
            },
        };
        (step >= probation(series.scores.len())).then_some((score, value, inside.map(|_| next)))
    })
}

fn sigmoid(y: f64) -> f64 {
    if y >= 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * y).exp()) - 1.0 }
}

fn check(series: &Series) -> Result<()> {
    let mut free = 0;
    for window in &series.windows {
        let (start, end) = (*window.start(), *window.end());
        if start < free || end < start || end >= series.scores.len() {
            return Err(Error::Window { start, end, free, steps: series.scores.len() });
        }
        free = end + 1;
    }
    match series.scores.iter().position(|score| score.is_nan()) {
        Some(row) => Err(Error::ScoreNotANumber { operation: "NAB score", row }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_is_better_than_late_and_silence_is_nothing() {
        let at = |step: usize| {
            let mut scores = vec![0.0; 100];
            scores[step] = 1.0;
            score(&[Series { scores, windows: vec![40..=59] }], &Profile::STANDARD).unwrap()
        };
        assert_eq!(at(40).normalised, 100.0);
        assert!(at(45).normalised < 100.0 && at(55).normalised < at(45).normalised);
        // Alarms outside cost, so that silence is the best threshold.
        assert_eq!((at(20).normalised, at(20).threshold), (0.0, f64::INFINITY));
        // The probation does not count, so it is silence too.
        assert_eq!(at(3).normalised, 0.0);
    }

    #[test]
    fn windows_outside_their_series_are_refused() {
        let series = |windows| [Series { scores: vec![0.0; 10], windows }];
        let message = score(&series(vec![5..=12]), &Profile::STANDARD).unwrap_err().to_string();
        assert!(message.contains("12") && message.contains("10"), "{message}");
        assert!(score(&series(vec![2..=5, 4..=7]), &Profile::STANDARD).is_err());
        assert!(score(&series(vec![]), &Profile::STANDARD).is_err());
    }
}
