//! One numeric column: scaling with soft tails, and its inverse.
//!
//! `soft(z) = z` for `|z| <= b`, beyond it `sign(z) (b + ln(1 + |z| - b))`: continuous with its derivative, strictly
//! increasing, and at most `b + 89` for any finite `f32`. The bend `b` is 5, where tails are linear 1,000.

use serde::{Deserialize, Serialize};

use super::config::Tails;
use super::layout::Reals;

/// The usual bend.
const BEND: f64 = Tails::Logarithmic.bend();
/// Share of the unit below which a digit that comes back from a feature of 32 bits says nothing.
const DIGITS: f64 = 1e-6;

/// From a raw number to a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Scale {
    /// `soft((x - shift) / unit)`.
    Linear {
        shift: f64,
        unit: f64,
        #[serde(default = "usual_bend", skip_serializing_if = "is_usual")]
        bend: f64,
    },
    /// Linear between `(value, score)` pairs; beyond them `score + soft((x - value) / unit)`.
    Quantile { values: Vec<f64>, scores: Vec<f64>, unit: f64 },
    /// `x` itself, which must be one of these numbers.
    Itself { reals: Reals },
}

pub(crate) const fn usual_bend() -> f64 {
    BEND
}

// Serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(crate) fn is_usual(bend: &f64) -> bool {
    *bend == BEND
}

pub(crate) fn soft(z: f64, bend: f64) -> f64 {
    match z.abs() {
        size if size <= bend => z,
        size => (bend + (size - bend).ln_1p()).copysign(z),
    }
}

pub(crate) fn unsoft(y: f64, bend: f64) -> f64 {
    match y.abs() {
        size if size <= bend => y,
        size => (bend + (size - bend).min(88.0).exp_m1()).copysign(y),
    }
}

/// `x` without its decimals smaller than `least`.
fn rounded(x: f64, least: f64) -> f64 {
    let places = -least.log10().floor();
    // Beyond these powers of ten the digits are those of f64 itself.
    if (0.0..=18.0).contains(&places) {
        let power = 10f64.powi(places as i32);
        let whole = (x * power).round();
        if whole.abs() < 9e15 { whole / power } else { x }
    } else {
        x
    }
}

impl Scale {
    /// The feature of `x`.
    #[inline]
    pub(crate) fn apply(&self, x: f64) -> f64 {
        match self {
            Self::Linear { shift, unit, bend } => soft((x - shift) / unit, *bend),
            Self::Quantile { values, scores, unit } => interpolate(values, scores, x, |d| soft(d / unit, BEND)),
            Self::Itself { .. } => x,
        }
    }

    /// The number whose feature is `y`.
    pub(crate) fn invert(&self, y: f64) -> f64 {
        match self {
            Self::Linear { shift, unit, bend } => unsoft(y, *bend) * unit + shift,
            Self::Quantile { values, scores, unit } => interpolate(scores, values, y, |d| unsoft(d, BEND) * unit),
            Self::Itself { .. } => y,
        }
    }

    /// The number that a feature stands for, without the digits that its 32 bits cannot carry.
    pub(crate) fn value(&self, feature: f32) -> f64 {
        let y = f64::from(feature);
        let (unit, bend) = match self {
            Self::Linear { unit, bend, .. } => (unit, *bend),
            Self::Quantile { unit, .. } => (unit, BEND),
            Self::Itself { .. } => return rounded(y, y.abs().max(1.0) * DIGITS),
        };
        let stretched = (y.abs() - bend).clamp(0.0, 88.0).exp();
        rounded(self.invert(y), unit * stretched * DIGITS)
    }

    /// Whether applying it to finite numbers gives finite numbers.
    pub(crate) fn is_sound(&self) -> bool {
        let increasing = |values: &[f64]| values.windows(2).all(|pair| pair[0] < pair[1]);
        match self {
            Self::Linear { shift, unit, bend } => {
                shift.is_finite() && unit.is_finite() && *unit > 0.0 && bend.is_finite() && *bend > 0.0
            }
            Self::Quantile { values, scores, unit } => {
                let even = values.len() == scores.len() && !values.is_empty();
                even && increasing(values) && increasing(scores) && unit.is_finite() && *unit > 0.0
            }
            Self::Itself { .. } => true,
        }
    }

    /// Scaling by rank in `sorted` (not empty): mid-ranks of at most 1,024 distinct values.
    pub(crate) fn quantile(sorted: &[f64], unit: f64) -> Self {
        const KNOTS: usize = 1024;
        let count = sorted.len() as f64;
        let mut knots: Vec<(f64, f64)> = Vec::new();
        for group in sorted.chunk_by(|a, b| a == b) {
            let before = knots.last().map_or(0.0, |knot| knot.1);
            knots.push((group[0], before + group.len() as f64));
        }
        let mut before = 0.0;
        for knot in &mut knots {
            let after = knot.1;
            knot.1 = normal_quantile(f64::midpoint(before, after) / count);
            before = after;
        }
        let last = knots.len() - 1;
        let kept = KNOTS.min(knots.len());
        let at = |place: usize| if kept == 1 { 0 } else { place * last / (kept - 1) };
        let (values, scores) = (0..kept).map(|place| knots[at(place)]).unzip();
        Self::Quantile { values, scores, unit }
    }
}

/// The piecewise linear function through `(xs, ys)`, continued by `beyond` the distance from the end.
fn interpolate(xs: &[f64], ys: &[f64], x: f64, beyond: impl Fn(f64) -> f64) -> f64 {
    let after = xs.partition_point(|knot| *knot < x);
    let (Some(first), Some(last)) = (xs.first(), xs.last()) else { return 0.0 };
    if after == 0 {
        return ys[0] + beyond(x - first);
    }
    if after == xs.len() {
        return ys[after - 1] + beyond(x - last);
    }
    let (x0, x1, y0, y1) = (xs[after - 1], xs[after], ys[after - 1], ys[after]);
    y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
}

/// The quantile function of the standard normal distribution: the rational approximation of P. J. Acklam (2003),
/// relative error below 1.2e-9.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416, 1.0];
    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        polynomial(&C, q) / polynomial(&D, q)
    };
    let p = p.clamp(1e-300, 1.0 - f64::EPSILON / 2.0);
    if p < 0.024_25 {
        tail(p)
    } else if p > 1.0 - 0.024_25 {
        -tail(1.0 - p)
    } else {
        let (q, r) = (p - 0.5, (p - 0.5) * (p - 0.5));
        q * polynomial(&A, r) / polynomial(&B, r)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn soft_tails_invert(z in -1e6_f64..1e6, bend in 1_f64..2e3) {
            prop_assert!((unsoft(soft(z, bend), bend) - z).abs() <= 1e-8 * z.abs().max(1.0));
        }

        #[test]
        fn quantile_scaling_inverts(mut values in proptest::collection::vec(-1e3_f64..1e3, 2..200), x in -2e3_f64..2e3) {
            values.sort_by(f64::total_cmp);
            let scale = Scale::quantile(&values, 100.0);
            prop_assert!(scale.is_sound());
            prop_assert!((scale.invert(scale.apply(x)) - x).abs() < 1e-6 * x.abs().max(1.0));
        }
    }

    #[test]
    fn soft_is_smooth_at_the_bend() {
        let slope = |z: f64| (soft(z + 1e-6, BEND) - soft(z - 1e-6, BEND)) / 2e-6;
        assert!((slope(BEND) - 1.0).abs() < 1e-5);
        assert!(soft(1e300, BEND).is_finite() && soft(-1e300, BEND) < -600.0);
    }

    #[test]
    fn a_value_comes_back_without_noise_in_its_last_digits() {
        let scale = Scale::Linear { shift: 1077.6, unit: 7385.3, bend: BEND };
        for value in [0.0, 2174.0, 7298.0, 99_999.0] {
            assert_eq!(scale.value(scale.apply(value) as f32), value);
        }
        let scale = Scale::Linear { shift: 0.31, unit: 0.002, bend: BEND };
        assert_eq!(scale.value(scale.apply(0.3125) as f32), 0.3125);
        let scale = Scale::Linear { shift: 3e12, unit: 1e9, bend: BEND };
        assert!((scale.value(0.5) - 3.0005e12).abs() < 1.0);
    }

    #[test]
    fn normal_quantiles_are_the_tabulated_ones() {
        for (p, z) in [(0.5, 0.0), (0.975, 1.959_963_985), (0.001, -3.090_232_306), (0.2, -0.841_621_234)] {
            assert!((normal_quantile(p) - z).abs() < 1e-8, "{p}: {}", normal_quantile(p));
        }
    }
}
