//! The mutual information gap (Chen, Li, Grosse & Duvenaud 2018): how much better the best latent knows a factor of the
//! data than the second best, `1/K Σ_k (I(z_(1); v_k) - I(z_(2); v_k)) / H(v_k)`. 1 where every factor has a latent of its
//! own, 0 where each is spread over several.
//!
//! Latents and factors are read through histograms of equal width, as in the measurements of Locatello et al. 2019.

use crate::{Error, Result};

/// Bins of a latent or a factor.
const BINS: usize = 20;

/// The gap, and the information behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct MutualInformationGap {
    /// The mean gap over factors, in `0..=1`.
    pub gap: f64,
    /// For each factor `I(z_j; v_k) / H(v_k)` of each latent; empty for factors that do not vary.
    pub information: Vec<Vec<f64>>,
}

/// The gap of codes and factors, both by column: one vector of values for each latent and for each factor.
///
/// # Errors
/// A column is shorter than another, there are fewer than two latents or no varying factor, or a value is not finite.
pub fn mutual_information_gap(latents: &[Vec<f64>], factors: &[Vec<f64>]) -> Result<MutualInformationGap> {
    const NAME: &str = "mutual information gap";
    let rows = factors.first().map_or(0, Vec::len);
    if latents.len() < 2 || rows < 2 {
        let (rows, needed) = if rows < 2 { (rows, 2) } else { (latents.len(), 2) };
        return Err(Error::TooFewRows { operation: NAME, rows, needed });
    }
    if let Some(column) = latents.iter().chain(factors).find(|column| column.len() != rows) {
        let (found, expected) = (vec![column.len()], vec![rows]);
        return Err(Error::Shape { operation: NAME, argument: "column", found, expected });
    }
    if latents.iter().chain(factors).flatten().any(|value| !value.is_finite()) {
        return Err(Error::NotFinite { operation: NAME });
    }
    let binned: Vec<Vec<usize>> = latents.iter().map(|column| bins(column)).collect();
    let (mut gaps, mut information) = (Vec::new(), Vec::new());
    for factor in factors {
        let factor = bins(factor);
        let entropy = entropy(&histogram(&factor, BINS));
        if entropy <= 0.0 {
            information.push(Vec::new());
            continue;
        }
        let shares: Vec<f64> = binned.iter().map(|latent| shared(latent, &factor) / entropy).collect();
        let mut sorted = shares.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        gaps.push(sorted[0] - sorted[1]);
        information.push(shares);
    }
    if gaps.is_empty() {
        return Err(Error::TooFewRows { operation: NAME, rows: 0, needed: 1 });
    }
    Ok(MutualInformationGap { gap: gaps.iter().sum::<f64>() / gaps.len() as f64, information })
}

/// The bin of each value, of equal width from the smallest to the largest.
fn bins(column: &[f64]) -> Vec<usize> {
    let (low, high) = column.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    let width = if high > low { (high - low) / BINS as f64 } else { 1.0 };
    column.iter().map(|value| (((value - low) / width) as usize).min(BINS - 1)).collect()
}

fn histogram(places: &[usize], bins: usize) -> Vec<f64> {
    let mut counts = vec![0.0; bins];
    for &place in places {
        counts[place] += 1.0;
    }
    counts
}

/// In nats.
fn entropy(counts: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    let term = |&count: &f64| if count > 0.0 { -(count / total) * (count / total).ln() } else { 0.0 };
    counts.iter().map(term).sum()
}

/// `I(a; b) = H(a) + H(b) - H(a, b)`.
fn shared(a: &[usize], b: &[usize]) -> f64 {
    let joint: Vec<usize> = a.iter().zip(b).map(|(a, b)| a * BINS + b).collect();
    entropy(&histogram(a, BINS)) + entropy(&histogram(b, BINS)) - entropy(&histogram(&joint, BINS * BINS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two independent factors on a grid.
    fn factors() -> Vec<Vec<f64>> {
        let rows = |of: fn(usize) -> usize| (0..4_000).map(|row| of(row) as f64).collect();
        vec![rows(|row| row % 20), rows(|row| row / 20 % 20)]
    }

    #[test]
    fn a_latent_for_each_factor_has_gap_one_and_copies_have_none() {
        let factors = factors();
        let own = vec![factors[1].clone(), factors[0].iter().map(|v| -v).collect(), vec![0.5; 4_000]];
        assert!((mutual_information_gap(&own, &factors).unwrap().gap - 1.0).abs() < 1e-9);
        let copied = vec![factors[0].clone(), factors[0].clone()];
        let gap = mutual_information_gap(&copied, &factors).unwrap();
        assert!(gap.gap.abs() < 1e-9 && (gap.information[0][1] - 1.0).abs() < 1e-9, "{gap:?}");
    }

    #[test]
    fn turned_latents_have_a_smaller_gap() {
        let factors = factors();
        let turned = |sign: f64| factors[0].iter().zip(&factors[1]).map(|(a, b)| a + sign * b).collect::<Vec<f64>>();
        let gap = mutual_information_gap(&[turned(1.0), turned(-1.0)], &factors).unwrap().gap;
        assert!(gap < 0.1, "{gap}");
    }

    #[test]
    fn what_has_no_gap_is_refused() {
        assert!(mutual_information_gap(&[vec![1.0, 2.0]], &[vec![1.0, 2.0]]).is_err());
        assert!(mutual_information_gap(&[vec![1.0, 2.0], vec![1.0]], &[vec![1.0, 2.0]]).is_err());
        assert!(mutual_information_gap(&[vec![1.0, 2.0], vec![1.0, 2.0]], &[vec![3.0, 3.0]]).is_err());
    }
}
