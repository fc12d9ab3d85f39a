//! Counts: `-log p(x)` of the Poisson and of the negative binomial distribution by their means, element by element.

use candle_core::{DType, Tensor};
use narrows_core::Result;

/// Sums of the Stirling series begin at this argument: smaller ones are raised by the recurrence.
const SHIFT: usize = 8;

/// `log Γ(y)` for `y > 0` from operations that have gradients: the recurrence `Γ(y) = Γ(y + 8) / (y ... (y + 7))` and
/// Stirling's series.
fn log_gamma(y: &Tensor) -> Result<Tensor> {
    let product = |from: usize| -> Result<Tensor> {
        let mut product = y.affine(1.0, from as f64)?;
        for step in from + 1..from + SHIFT / 2 {
            product = (product * y.affine(1.0, step as f64)?)?;
        }
        Ok(product.log()?)
    };
    let w = y.affine(1.0, SHIFT as f64)?;
    let inverse = w.recip()?;
    let square = inverse.sqr()?;
    let series = square.affine(-1.0 / 1680.0, 1.0 / 1260.0)?;
    let series = (series * &square)?.affine(1.0, -1.0 / 360.0)?;
    let series = ((series * &square)?.affine(1.0, 1.0 / 12.0)? * &inverse)?;
    let main = ((w.affine(1.0, -0.5)? * w.log()?)? - &w)?.affine(1.0, 0.5 * std::f64::consts::TAU.ln())?;
    Ok((((main + series)? - product(0)?)? - product(SHIFT / 2)?)?)
}

/// `log x! - x log x + x` of data, 0 where x is 0: what the best Poisson distribution leaves of a count.
fn least(x: &Tensor) -> Result<Tensor> {
    let exact = x.to_dtype(DType::F64)?;
    let logs = exact.maximum(f64::MIN_POSITIVE)?.log()?;
    let least = ((log_gamma(&exact.affine(1.0, 1.0)?)? - (&exact * logs)?)? + &exact)?;
    Ok(least.to_dtype(x.dtype())?.detach())
}

/// `m - x log m + log x!`, as the distance from the best mean and what that leaves: large counts stay exact in f32.
///
/// # Shapes
/// - `mean`, `x`: `[N, features]`
/// - returns: `[N, features]`
///
/// # Errors
/// The shapes differ.
pub(super) fn poisson(mean: &Tensor, x: &Tensor) -> Result<Tensor> {
    // A count is 0 or at least 1, and the logarithm of 0 does not count.
    let ratio = (x.maximum(0.5)? / mean)?.log()?;
    Ok((((mean - x)? + (x * ratio)?)? + least(x)?)?)
}

/// `-log [Γ(x + r) / (Γ(r) x!) (r / (r + m))^r (m / (r + m))^x]`.
///
/// # Shapes
/// - `mean`, `x`: `[N, features]`
/// - `log_dispersion`: `[features]`, `log r`
/// - returns: `[N, features]`
///
/// # Errors
/// The shapes differ.
pub(super) fn negative_binomial(mean: &Tensor, x: &Tensor, log_dispersion: &Tensor) -> Result<Tensor> {
    let log_r = log_dispersion.unsqueeze(0)?;
    let r = log_r.exp()?;
    let log_sum = mean.broadcast_add(&r)?.log()?;
    let coefficient = log_gamma(&x.broadcast_add(&r)?)?.broadcast_sub(&log_gamma(&r)?)?;
    let factorial = log_gamma(&x.to_dtype(DType::F64)?.affine(1.0, 1.0)?)?.to_dtype(x.dtype())?.detach();
    let failures = log_sum.broadcast_sub(&log_r)?.broadcast_mul(&r)?;
    let successes = (x * (log_sum - mean.log()?)?)?;
    Ok((((factorial - coefficient)? + failures)? + successes)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn value(tensor: &Tensor) -> f64 {
        tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap()[0]
    }

    fn row(value: f64) -> Tensor {
        Tensor::new(&[[value]], &Device::Cpu).unwrap()
    }

    /// `log x!` by its definition.
    fn log_factorial(x: u32) -> f64 {
        (1..=x).map(|factor| f64::from(factor).ln()).sum()
    }

    #[test]
    fn the_gamma_function_is_that_of_factorials_and_halves() {
        for x in [0u32, 1, 2, 5, 30, 170] {
            let found = value(&log_gamma(&row(f64::from(x) + 1.0)).unwrap());
            assert!((found - log_factorial(x)).abs() < 1e-10 * (1.0 + found.abs()), "{x}: {found}");
        }
        let half = value(&log_gamma(&row(0.5)).unwrap());
        assert!((half - 0.5 * std::f64::consts::PI.ln()).abs() < 1e-11, "{half}");
    }

    #[test]
    fn counts_have_the_probabilities_of_their_distributions() {
        for (x, mean, r) in [(0u32, 0.3, 0.7), (1, 2.0, 5.0), (7, 3.5, 0.2), (40, 55.0, 12.0)] {
            let count = row(f64::from(x));
            let found = value(&poisson(&row(mean), &count).unwrap());
            let expected = mean - f64::from(x) * f64::ln(mean) + log_factorial(x);
            assert!((found - expected).abs() < 1e-9, "{x} under {mean}: {found} for {expected}");
            // Γ(x + r) / Γ(r) = r (r + 1) ... (r + x - 1)
            let rising: f64 = (0..x).map(|step| (r + f64::from(step)).ln()).sum();
            let log_r = Tensor::new(&[f64::ln(r)], &Device::Cpu).unwrap();
            let found = value(&negative_binomial(&row(mean), &count, &log_r).unwrap());
            let expected =
                log_factorial(x) - rising - r * f64::ln(r / (r + mean)) - f64::from(x) * f64::ln(mean / (r + mean));
            assert!((found - expected).abs() < 1e-9, "{x} under {mean}, {r}: {found} for {expected}");
        }
    }

    #[test]
    fn large_counts_are_exact_in_single_precision() {
        let single = |value: f64| row(value).to_dtype(DType::F32).unwrap();
        let exact = value(&poisson(&row(1_000_100.0), &row(1_000_000.0)).unwrap());
        let found = value(&poisson(&single(1_000_100.0), &single(1_000_000.0)).unwrap());
        assert!((found - exact).abs() < 0.1, "{found} for {exact}");
    }
}
