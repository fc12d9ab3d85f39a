//! Anomalies in a series as it comes, judged by its own past alone: no training run, bounded memory, nothing from later steps.
//!
//! Two kinds of strangeness are measured at each step: how far the last steps are from every stretch seen before
//! ([`Windows`]), and how far the value is from what the steps before let expect ([`Innovation`]). Each becomes a conformal
//! surprise, `-log10 p` among its own past values ([`Surprise`]), the score is their mean; so 2 is what one step in a hundred
//! exceeds. An event gives one record instead of an alarm at each of its steps.

mod innovation;
mod surprise;
mod windows;

use std::collections::VecDeque;

pub use innovation::Innovation;
pub use surprise::Surprise;
pub use windows::Windows;

use crate::{Error, Result};

/// How a series is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnlineConfig {
    /// Steps at the start that say what is usual and are not scored.
    pub warm_up: usize,
    /// Steps of a stretch that is compared with the past.
    pub window: usize,
    /// Stretches of the past that are remembered.
    pub past: usize,
    /// Steps before from which the next value is predicted.
    pub lags: usize,
    /// Steps within which a score must be the highest to be a record.
    pub quiet: usize,
}

impl Default for OnlineConfig {
    fn default() -> Self {
        Self { warm_up: 500, window: 20, past: 3_000, lags: 5, quiet: 200 }
    }
}

/// What is said of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// The mean surprise; `None` during the warm-up and where the value is missing.
    pub score: Option<f64>,
    /// Whether no score within the quiet steps before was as high.
    pub record: bool,
}

/// A series that is being watched.
#[derive(Clone, Debug)]
pub struct Online {
    config: OnlineConfig,
    /// Values of the warm-up until there are enough.
    waiting: Vec<f64>,
    /// Mean and deviation of the warm-up.
    scale: Option<(f64, f64)>,
    windows: Windows,
    innovation: Innovation,
    surprises: [Surprise; 2],
    /// Steps and scores of the quiet steps before that no later one exceeded, scores falling.
    peaks: VecDeque<(usize, f64)>,
    step: usize,
}

impl Online {
    /// Begins a series.
    ///
    /// # Errors
    /// A length is 0, or the warm-up is too short to hold two stretches apart from each other.
    pub fn new(config: OnlineConfig) -> Result<Self> {
        let lengths =
            [("window", config.window), ("past", config.past), ("lags", config.lags), ("quiet", config.quiet)];
        for (name, value) in lengths {
            if value == 0 {
                return Err(Error::Setting { name, value: 0.0, expected: "a whole number of steps from 1 on" });
            }
        }
        let needed = (3 * config.window).max(config.lags + 2);
        if config.warm_up < needed {
            return Err(Error::TooFewRows { operation: "warm-up", rows: config.warm_up, needed });
        }
        Ok(Self {
            windows: Windows::new(config.window, config.past),
            innovation: Innovation::new(config.lags),
            surprises: [Surprise::default(), Surprise::default()],
            waiting: Vec::new(),
            scale: None,
            peaks: VecDeque::new(),
            step: 0,
            config,
        })
    }

    /// Judges the next value of the series. A missing one (NaN) or an infinite one is not judged and changes nothing.
    pub fn next(&mut self, value: f64) -> Judgement {
        let nothing = Judgement { score: None, record: false };
        self.step += 1;
        if !value.is_finite() {
            return nothing;
        }
        let Some((mean, deviation)) = self.scale else {
            self.waiting.push(value);
            if self.waiting.len() == self.config.warm_up {
                self.begin();
            }
            return nothing;
        };
        let score = self.surprise((value - mean) / deviation);
        let record = self.is_record(score);
        Judgement { score: Some(score), record }
    }

    /// Takes the warm-up as the first past.
    fn begin(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let mean = waiting.iter().sum::<f64>() / waiting.len() as f64;
        let squares: f64 = waiting.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (squares / waiting.len() as f64).sqrt();
        let deviation = if deviation > 0.0 && deviation.is_finite() { deviation } else { 1.0 };
        self.scale = Some((mean, deviation));
        for value in waiting {
            self.surprise((value - mean) / deviation);
        }
    }

    /// The mean surprise of a scaled value, which then belongs to the past.
    fn surprise(&mut self, value: f64) -> f64 {
        let measured = [self.windows.next(value), self.innovation.next(value)];
        let each = measured.into_iter().zip(&mut self.surprises);
        let found: Vec<f64> = each.filter_map(|(measured, past)| Some(past.next(measured?))).collect();
        found.iter().sum::<f64>() / found.len().max(1) as f64
    }

    fn is_record(&mut self, score: f64) -> bool {
        while self.peaks.front().is_some_and(|(step, _)| step + self.config.quiet < self.step) {
            self.peaks.pop_front();
        }
        let record = self.peaks.front().is_none_or(|(_, highest)| score > *highest);
        while self.peaks.back().is_some_and(|(_, peak)| *peak <= score) {
            self.peaks.pop_back();
        }
        self.peaks.push_back((self.step, score));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_tensor::{DType, Device, Key, random};

    fn noise(steps: usize, seed: u64) -> Vec<f64> {
        let values = random::normal(&Key::new(seed), (steps,), DType::F32, &Device::Cpu).unwrap();
        values.to_vec1::<f32>().unwrap().into_iter().map(f64::from).collect()
    }

    /// A wave with noise; from step 1,500 on it is four times as fast for 60 steps, at 2,200 there is one stray value.
    fn series() -> Vec<f64> {
        let wave = |step: usize| (step as f64 / 12.0).sin();
        let at = |step: usize| if (1_500..1_560).contains(&step) { wave(4 * step) } else { wave(step) };
        let strays = |step: usize| if step == 2_200 { 2.5 } else { 0.0 };
        noise(3_000, 4).iter().enumerate().map(|(step, noise)| at(step) + strays(step) + 0.03 * noise).collect()
    }

    fn judge(values: &[f64]) -> Vec<Judgement> {
        let mut online = Online::new(OnlineConfig::default()).unwrap();
        values.iter().map(|value| online.next(*value)).collect()
    }

    #[test]
    fn what_never_was_before_is_strange_and_the_rest_is_not() {
        let judged = judge(&series());
        assert!(judged[..500].iter().all(|one| one.score.is_none()));
        let highest = |range: std::ops::Range<usize>| {
            judged[range].iter().filter_map(|one| one.score).fold(f64::NEG_INFINITY, f64::max)
        };
        let usual = highest(600..1_490);
        assert!(highest(1_500..1_560) > usual && highest(2_200..2_201) > usual, "{usual}");
    }

    #[test]
    fn no_judgement_knows_a_later_step() {
        let values = series();
        assert_eq!(judge(&values[..1_600]), judge(&values)[..1_600]);
    }

    #[test]
    fn about_one_step_in_a_hundred_exceeds_two_by_each_measure() {
        let mut surprise = Surprise::default();
        let found: Vec<f64> = noise(5_000, 7).iter().map(|value| surprise.next(value.abs())).collect();
        let share = found[1_000..].iter().filter(|one| **one >= 2.0).count() as f64 / 4_000.0;
        assert!((0.006..=0.014).contains(&share), "{share}");
    }

    #[test]
    fn records_are_apart_unless_they_rise() {
        let judged = judge(&series());
        let records: Vec<usize> = (0..judged.len()).filter(|step| judged[*step].record).collect();
        for pair in records.windows(2) {
            assert!(pair[1] - pair[0] > 200 || judged[pair[1]].score > judged[pair[0]].score, "{pair:?}");
        }
    }

    #[test]
    fn missing_and_infinite_values_are_passed_over() {
        let mut values = series();
        let judged = judge(&values);
        values.insert(1_000, f64::NAN);
        values.insert(1_000, f64::INFINITY);
        let with = judge(&values);
        assert!(with[1_000].score.is_none() && with[1_001].score.is_none());
        assert_eq!(with[1_002].score, judged[1_000].score);
    }

    #[test]
    fn a_series_that_stands_still_is_no_anomaly_until_it_moves() {
        let mut values = vec![3.0; 1_000];
        values.push(4.0);
        let judged = judge(&values);
        assert!(judged[500..1_000].iter().all(|one| one.score == Some(0.0)), "{:?}", judged[999]);
        assert!(judged[1_000].score.unwrap() > 2.0);
    }

    #[test]
    fn lengths_that_cannot_work_are_refused() {
        let with = |config| Online::new(config).map(|_| ());
        assert!(matches!(with(OnlineConfig { window: 0, ..OnlineConfig::default() }), Err(Error::Setting { .. })));
        assert!(matches!(with(OnlineConfig { warm_up: 59, ..OnlineConfig::default() }), Err(Error::TooFewRows { .. })));
    }
}
