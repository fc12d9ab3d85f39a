//! Axes: a map from values to positions in a chart, and ticks at round values.

use serde::Serialize;

use super::number::decimal;

/// One labelled position on an axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Tick {
    /// Position in the chart's units.
    pub(crate) at: f64,
    /// What stands beside it.
    pub(crate) label: String,
}

/// A linear or logarithmic map from `low..=high` to `from..=to`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Axis {
    /// A linear axis; an empty range is widened around its value.
    pub(crate) fn linear(low: f64, high: f64, from: f64, to: f64) -> Self {
        let (low, high) = if high > low { (low, high) } else { widened(low) };
        Self { low, high, from, to, logarithmic: false }
    }

    /// A logarithmic axis for `0 < low <= high`.
    pub(crate) fn logarithmic(low: f64, high: f64, from: f64, to: f64) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low / 1.5, low * 1.5) };
        Self { low, high, from, to, logarithmic: true }
    }

    /// Logarithmic where the values are positive and span more than `ratio`, linear otherwise.
    pub(crate) fn fitting(low: f64, high: f64, ratio: f64, from: f64, to: f64) -> Self {
        if low > 0.0 && high / low > ratio {
            Self::logarithmic(low, high, from, to)
        } else {
            Self::linear(low, high, from, to)
        }
    }

    /// The same axis with a margin of `share` of its length at either end, so that no line runs along the frame.
    pub(crate) fn with_margin(self, share: f64) -> Self {
        Self { low: self.value_at(-share), high: self.value_at(1.0 + share), ..self }
    }

    pub(crate) fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// The position of `value`.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share * (self.to - self.from)
    }

    /// The value a `share` of the way along the axis.
    pub(crate) fn value_at(&self, share: f64) -> f64 {
        if self.logarithmic {
            self.low * (self.high / self.low).powf(share)
        } else {
            self.low + share * (self.high - self.low)
        }
    }

    /// About `wanted` ticks at round values.
    pub(crate) fn ticks(&self, wanted: usize) -> Vec<Tick> {
        let values = if self.logarithmic { self.decades(wanted) } else { None };
        let values = values.unwrap_or_else(|| self.multiples(wanted));
        let resolution = values.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let label =
            |value: f64| if self.logarithmic { label(value, value, value) } else { label(value, resolution, largest) };
        values.into_iter().map(|value| Tick { at: round(self.at(value)), label: label(value) }).collect()
    }

    /// 1, 2 and 5 times powers of ten, thinned to powers of ten where those suffice; `None` where there are too few.
    fn decades(&self, wanted: usize) -> Option<Vec<f64>> {
        let exponents = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let inside = |value: &f64| (self.low * 0.999..=self.high * 1.001).contains(value);
        let of = |factors: &[f64]| -> Vec<f64> {
            exponents.clone().flat_map(|e| factors.iter().map(move |f| f * 10_f64.powi(e))).filter(inside).collect()
        };
        let tens = of(&[1.0]);
        if tens.len() > 2 * wanted {
            return Some(tens.into_iter().step_by(2 + wanted / 4).collect());
        }
        [tens, of(&[1.0, 3.0]), of(&[1.0, 2.0, 5.0]), of(&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0])]
            .into_iter()
            .find(|ticks| ticks.len() >= wanted.div_ceil(2).max(3))
    }

    /// Multiples of 1, 2, 2.5 or 5 times a power of ten.
    fn multiples(&self, wanted: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / wanted.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|f| f * power).into_iter().find(|s| *s >= rough * 0.999);
        let step = step.unwrap_or(10.0 * power);
        let first = (self.low / step - 1e-6).ceil() as i64;
        let last = (self.high / step + 1e-6).floor() as i64;
        (first..=last).map(|i| i as f64 * step).collect()
    }
}

/// A coordinate with one digit after the point, so that pages stay small and readable.
pub(crate) fn round(position: f64) -> f64 {
    (position * 10.0).round() / 10.0
}

fn widened(value: f64) -> (f64, f64) {
    let margin = if value == 0.0 { 1.0 } else { value.abs() * 0.5 };
    (value - margin, value + margin)
}

/// `value` with as many digits as neighbouring ticks at distance `resolution` need; scientific where the `largest`
/// tick is very small or large.
fn label(value: f64, resolution: f64, largest: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(9e-4..1e7).contains(&largest.abs()) {
        let digits = (value.abs().log10().floor() - resolution.log10().floor()).clamp(0.0, 3.0) as usize;
        return format!("{value:.digits$e}");
    }
    let places = (0..8).find(|&p| is_whole(resolution * 10_f64.powi(p)) && is_whole(value * 10_f64.powi(p)));
    decimal(value, places.map_or(4, |p| p as usize))
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6 * value.abs().max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, wanted: usize) -> Vec<String> {
        axis.ticks(wanted).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(Axis::linear(0.0, 10.0, 0.0, 100.0), 5), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(Axis::linear(0.013, 0.047, 0.0, 1.0), 4), ["0.02", "0.03", "0.04"]);
        assert_eq!(labels(Axis::linear(0.0, 19_000.0, 0.0, 1.0), 4), ["0", "5,000", "10,000", "15,000"]);
        assert_eq!(labels(Axis::linear(-1.0, 1.0, 0.0, 1.0), 4), ["-1.0", "-0.5", "0", "0.5", "1.0"]);
    }

    #[test]
    fn logarithmic_ticks_are_round() {
        assert_eq!(labels(Axis::logarithmic(0.9, 1100.0, 0.0, 1.0), 5), ["1", "10", "100", "1,000"]);
        assert_eq!(labels(Axis::logarithmic(3.6, 45.0, 0.0, 1.0), 5), ["5", "10", "20"]);
        assert_eq!(labels(Axis::logarithmic(1e-6, 1.2e-3, 0.0, 1.0), 5), ["1e-6", "1e-5", "1e-4", "0.001"]);
    }

    #[test]
    fn ends_map_to_ends_and_back() {
        for axis in [Axis::linear(2.0, 8.0, 10.0, 20.0), Axis::logarithmic(2.0, 8.0, 10.0, 20.0)] {
            assert!((axis.at(2.0) - 10.0).abs() < 1e-12);
            assert!((axis.at(8.0) - 20.0).abs() < 1e-12);
            assert!((axis.at(axis.value_at(0.3)) - 13.0).abs() < 1e-9);
        }
        let flat = Axis::linear(3.0, 3.0, 0.0, 100.0);
        assert!((flat.at(3.0) - 50.0).abs() < 1e-12);
    }
}
