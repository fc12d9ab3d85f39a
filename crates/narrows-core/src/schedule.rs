//! Factors that change during training, as functions of the step.

use serde::{Deserialize, Serialize};

/// A factor of the base value as a function of the step `t` of `T`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// 1 throughout.
    #[default]
    Constant,
    /// Rises linearly from 0 to 1 over the first `warmup` share of the run, then stays.
    Warmup {
        /// Share of the run in `0..=1`.
        warmup: f64,
    },
    /// Rises linearly over the first `warmup` share, then falls along half a cosine to `floor` (Loshchilov & Hutter 2017).
    Cosine {
        /// Share of the run in `0..=1`.
        #[serde(default)]
        warmup: f64,
        /// Last value.
        #[serde(default)]
        floor: f64,
    },
    /// Rises along half a cosine from 1/25 to 1 over the first `rise` share, then falls along another to 1e-4 / 25
    /// (Smith & Topin 2019).
    OneCycle {
        /// Share of the run in `0..=1`.
        #[serde(default = "default_rise")]
        rise: f64,
    },
    /// Rises linearly over the first `warmup` share, then falls linearly to 0 from the share `decay` on.
    Trapezoid {
        /// Share of the run in `0..=1`.
        warmup: f64,
        /// Share of the run in `0..=1` from which it falls.
        decay: f64,
    },
}

fn default_rise() -> f64 {
    0.3
}

impl Schedule {
    /// The factor at step `step` of `steps`, counted from 0.
    pub fn at(&self, step: u64, steps: u64) -> f64 {
        let t = if steps == 0 { 0.0 } else { step as f64 / steps as f64 };
        // The first step of a warm-up already moves: it takes the value at its end.
        let rising = |share: f64| ((step + 1) as f64 / (share * steps as f64).max(1.0)).min(1.0);
        match *self {
            Self::Constant => 1.0,
            Self::Warmup { warmup } => rising(warmup),
            Self::Cosine { warmup, floor } if t < warmup => rising(warmup).max(floor.min(1.0)),
            Self::Cosine { warmup, floor } => between(1.0, floor, (t - warmup) / (1.0 - warmup)),
            Self::OneCycle { rise } if t < rise => between(1.0 / 25.0, 1.0, t / rise),
            Self::OneCycle { rise } => between(1.0, 1e-4 / 25.0, (t - rise) / (1.0 - rise)),
            Self::Trapezoid { warmup, .. } if t < warmup => rising(warmup),
            Self::Trapezoid { decay, .. } if t < decay => 1.0,
            Self::Trapezoid { decay, .. } => ((1.0 - t) / (1.0 - decay)).max(0.0),
        }
    }
}

/// Half a cosine from `start` at 0 to `end` at 1.
fn between(start: f64, end: f64, t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    end + (start - end) * 0.5 * (1.0 + (std::f64::consts::PI * t).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cycle_rises_to_one_and_falls_to_nearly_zero() {
        let schedule = Schedule::OneCycle { rise: 0.3 };
        assert!((schedule.at(0, 100) - 0.04).abs() < 1e-12);
        assert!((schedule.at(30, 100) - 1.0).abs() < 1e-12);
        assert!(schedule.at(99, 100) < 0.002);
    }

    #[test]
    fn every_schedule_stays_in_zero_to_one_and_is_finite() {
        let schedules = [
            Schedule::Constant,
            Schedule::Warmup { warmup: 0.1 },
            Schedule::Cosine { warmup: 0.05, floor: 0.01 },
            Schedule::OneCycle { rise: 0.3 },
            Schedule::Trapezoid { warmup: 0.1, decay: 0.8 },
        ];
        for schedule in schedules {
            for steps in [0, 1, 2, 7, 1000] {
                for step in 0..steps {
                    let factor = schedule.at(step, steps);
                    assert!((0.0..=1.0).contains(&factor), "{schedule:?} at {step}/{steps}: {factor}");
                }
            }
        }
    }

    #[test]
    fn a_warm_up_moves_from_its_first_step() {
        assert!(Schedule::Warmup { warmup: 0.5 }.at(0, 10) > 0.0);
        assert!((Schedule::Warmup { warmup: 0.5 }.at(4, 10) - 1.0).abs() < 1e-12);
    }
}
