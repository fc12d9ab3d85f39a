//! Rules that pay for activity instead of counting it: the weight of the penalty rises at the start of a run, so that latents
//! find a use before they have to be worth their price.

use narrows_core::StepContext;

/// A weight that rises linearly from 0 over the first share of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pressure {
    /// Final weight.
    pub weight: f64,
    /// Share of the run in `0..=1`.
    pub warmup: f64,
}

impl Pressure {
    /// The weight at a step.
    pub fn at(&self, at: &StepContext) -> f64 {
        let share = (at.step + 1) as f64 / (self.warmup * at.steps as f64).max(1.0);
        self.weight * share.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use narrows_tensor::Key;

    use super::*;

    #[test]
    fn the_weight_rises_and_stays() {
        let weight = |warmup: f64, step: u64| {
            Pressure { weight: 3.0, warmup }.at(&StepContext { step, steps: 10, key: Key::new(0) })
        };
        assert_eq!([weight(0.0, 0), weight(0.4, 0), weight(0.4, 3), weight(0.4, 10)], [3.0, 0.75, 3.0, 3.0]);
    }
}
