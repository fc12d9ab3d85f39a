//! Counts from uniform numbers: the smallest `k` with `F(k) > u`, where `F` is the distribution function of a Poisson
//! distribution (inversion by sequential search, Devroye 1986, chapter X.3).

/// The largest mean: `exp` of its negative is far from underflow.
const LARGEST_MEAN: f64 = 500.0;

/// The count that belongs to `u` in 0..1 under a Poisson distribution of this mean, up to ten deviations above it.
pub(super) fn count(u: f64, mean: f64) -> f64 {
    let mean = mean.clamp(0.0, LARGEST_MEAN);
    let last = 10.0f64.mul_add(mean.sqrt(), mean + 20.0);
    let mut mass = (-mean).exp();
    let (mut below, mut k) = (mass, 0.0);
    while u >= below && k < last {
        k += 1.0;
        mass *= mean / k;
        below += mass;
    }
    k
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_the_mean_and_variance_of_the_distribution() {
        for mean in [0.0, 0.3, 7.0, 480.0] {
            let n = 20_000;
            let counts: Vec<f64> = (0..n).map(|at| count((f64::from(at) + 0.5) / f64::from(n), mean)).collect();
            let average = counts.iter().sum::<f64>() / f64::from(n);
            let variance = counts.iter().map(|k| (k - average).powi(2)).sum::<f64>() / f64::from(n);
            assert!((average - mean).abs() <= 0.002 * mean && (variance - mean).abs() <= 0.01 * mean, "{mean}");
        }
        assert!(count(1.0, 3.0).is_finite());
    }
}
