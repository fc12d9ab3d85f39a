//! How surprising a value is among its own past: `-log10 p` with the conformal `p(s) = (1 + #{i : s_i >= s}) / (n + 1)` over the
//! values before it. Beyond the largest of them it goes on with the logarithm of how many times as large it is.

use std::collections::VecDeque;

/// Values that are remembered.
const PAST: usize = 20_000;

/// The past of one measure.
#[derive(Clone, Debug, Default)]
pub struct Surprise {
    /// In the order of time.
    past: VecDeque<f64>,
    /// In rising order.
    sorted: Vec<f64>,
}

impl Surprise {
    /// The surprise of a value that is no NaN, which then belongs to the past; 0 at first.
    pub fn next(&mut self, value: f64) -> f64 {
        let below = self.sorted.partition_point(|one| *one < value);
        let at_least = self.sorted.len() - below;
        let p = (1 + at_least) as f64 / (self.sorted.len() + 1) as f64;
        let beyond = match self.sorted.last() {
            Some(largest) if at_least == 0 => (value / largest.max(f64::MIN_POSITIVE)).min(1e9).log10(),
            _ => 0.0,
        };
        self.sorted.insert(below, value);
        self.past.push_back(value);
        if self.past.len() > PAST
            && let Some(oldest) = self.past.pop_front()
        {
            let place = self.sorted.partition_point(|one| *one < oldest);
            self.sorted.remove(place);
        }
        -p.log10() + beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surprise_is_a_conformal_p_value_and_beyond_it_a_ratio() {
        let mut surprise = Surprise::default();
        let found: Vec<f64> = [1.0, 2.0, 1.5, 20.0].into_iter().map(|value| surprise.next(value)).collect();
        assert_eq!(found[0], 0.0);
        assert!((found[1] - (2f64.log10() + 2f64.log10())).abs() < 1e-12);
        assert!((found[2] + (2.0_f64 / 3.0).log10()).abs() < 1e-12);
        assert!((found[3] - (4f64.log10() + 1.0)).abs() < 1e-12);
    }
}
