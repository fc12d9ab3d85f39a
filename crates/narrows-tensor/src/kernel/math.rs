//! Elementary functions in plain arithmetic, so that loops over them become vector code. `NaN` stays `NaN`. Within a few units
//! in the last place of f32, but for `eˣ` at the ends of its range (constant from 88.37 to 88.7 and from -103 to -87.3) and the
//! normal distribution function, which is within 2e-7.

/// `eˣ` by range reduction to `|r| <= ln(2) / 2` and a polynomial.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // A comparison with NaN is false, so that it passes.
    #[allow(clippy::manual_clamp)]
    let inside = if x < -87.3 {
        -87.3
    } else if x > 88.37 {
        88.37
    } else {
        x
    };
    let shifted = inside * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = inside - n * LN2_HIGH - n * LN2_LOW;
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    let scale = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    let result = p * scale;
    if x > 88.7 {
        f32::INFINITY
    } else if x < -103.0 {
        0.0
    } else {
        result
    }
}

/// `ln x` for normal positive `x`: exponent and mantissa in `√½..√2`, then the series of `2 artanh((m - 1) / (m + 1))`.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let shift = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits()) & 0xFF80_0000;
    let exponent = (shift as i32 >> 23) as f32;
    let m = f32::from_bits(bits.wrapping_sub(shift));
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let series = 2.0 / 9.0;
    let series = series * z + 2.0 / 7.0;
    let series = series * z + 2.0 / 5.0;
    let series = series * z + 2.0 / 3.0;
    let value = exponent * std::f32::consts::LN_2 + (2.0 * s + s * z * series);
    if x.is_nan() { x } else { value }
}

/// `ln(1 + x)` for `0 <= x <= 1`.
#[inline(always)]
pub(crate) fn ln_1p(x: f32) -> f32 {
    let u = 1.0 + x;
    ln(u) + (x - (u - 1.0)) / u
}

/// `1 / (1 + e⁻ˣ)`
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `tanh x`: the odd series near zero, else from `e²ˣ`.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let z = x * x;
    let p = -0.008_863_236;
    let p = p * z + 0.021_869_488;
    let p = p * z - 0.053_968_254;
    let p = p * z + 2.0 / 15.0;
    let p = p * z - 1.0 / 3.0;
    let near = x + x * z * p;
    let far = 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
    if x.abs() < 0.3 { near } else { far }
}

/// `ln(1 + eˣ)`
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    (if x > 0.0 { x } else { 0.0 }) + ln_1p(exp(-x.abs()))
}

/// Sine and cosine of so many turns, `0 <= turns <= 1`: series around the nearest quarter of a turn.
#[inline(always)]
pub(crate) fn sine_cosine(turns: f32) -> (f32, f32) {
    const ROUND: f32 = 12_582_912.0;
    let shifted = turns * 4.0 + ROUND;
    let x = (turns - (shifted - ROUND) * 0.25) * std::f32::consts::TAU;
    let z = x * x;
    let sine = 1.0 / 362_880.0;
    let sine = sine * z - 1.0 / 5040.0;
    let sine = sine * z + 1.0 / 120.0;
    let sine = sine * z - 1.0 / 6.0;
    let sine = x + x * z * sine;
    let cosine = 1.0 / 40_320.0;
    let cosine = cosine * z - 1.0 / 720.0;
    let cosine = cosine * z + 1.0 / 24.0;
    let cosine = cosine * z - 0.5;
    let cosine = 1.0 + z * cosine;
    // Each quarter of a turn leads (sine, cosine) to (cosine, -sine).
    let quarter = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    let (a, b) = if quarter & 1 == 0 { (sine, cosine) } else { (cosine, sine) };
    let flip = |value: f32, bit: u32| f32::from_bits(value.to_bits() ^ (bit << 31));
    (flip(a, quarter >> 1 & 1), flip(b, (quarter >> 1 ^ quarter) & 1))
}

/// `Φ(x)`, the standard normal distribution function, and `φ(x)`, its density (Abramowitz & Stegun 7.1.26).
#[inline(always)]
pub(crate) fn normal(x: f32) -> (f32, f32) {
    let u = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * u);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152;
    let p = p * t + 1.421_413_7;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    let bell = exp(-u * u);
    let tail = 0.5 * p * t * bell;
    (if x > 0.0 { 1.0 - tail } else { tail }, bell * 0.398_942_3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_agree_with_the_standard_library() {
        let points = (-4000..4000).map(|i| i as f32 * 0.0213);
        for x in points {
            let exact = f64::from(x);
            let close = |ours: f32, exact: f64, name: &str| {
                let error = (f64::from(ours) - exact).abs() / exact.abs().max(1e-30);
                assert!(error < 5e-7, "{name}({x}) = {ours}, not {exact}");
            };
            close(exp(x), exact.exp(), "exp");
            close(sigmoid(x), 1.0 / (1.0 + (-exact).exp()), "sigmoid");
            close(tanh(x), exact.tanh(), "tanh");
            close(softplus(x), exact.max(0.0) + (-exact.abs()).exp().ln_1p(), "softplus");
            if x > 0.0 {
                close(ln(x), exact.ln(), "ln");
            }
        }
    }

    #[test]
    fn the_normal_distribution_function_is_within_its_published_error() {
        for (x, exact) in
            [(-3.0, 0.001_349_898), (-1.0, 0.158_655_25), (0.0, 0.5), (0.5, 0.691_462_46), (2.0, 0.977_249_87)]
        {
            assert!((normal(x).0 - exact).abs() < 2e-7, "{x}: {}", normal(x).0);
        }
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!(exp(1000.0), f32::INFINITY);
        assert_eq!(exp(-1000.0), 0.0);
        assert!(exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan() && softplus(f32::NAN).is_nan());
        assert_eq!(sigmoid(-1000.0), 0.0);
        assert_eq!(tanh(1000.0), 1.0);
        assert_eq!(tanh(-1000.0), -1.0);
    }
}
