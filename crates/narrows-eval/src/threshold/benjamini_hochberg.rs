//! Alarms in a batch so that few of them are false (Benjamini & Hochberg 1995).
//!
//! With `m` p-values in rising order, the rows of the `k` smallest are flagged, `k` the largest with `p_(k) <= q k / m`.
//! For conformal p-values of one calibration set the false share stays at most `q` in expectation (Bates et al. 2023).

use super::rate;
use crate::Result;

/// The largest p-value that is flagged at false share `q`; `None` where nothing is.
///
/// # Errors
/// `q` is not within `0..1`.
pub fn benjamini_hochberg(p_values: &[f64], q: f64) -> Result<Option<f64>> {
    let q = rate("fdr", q)?;
    let mut order: Vec<f64> = p_values.iter().copied().filter(|p| !p.is_nan()).collect();
    order.sort_by(f64::total_cmp);
    let count = order.len() as f64;
    let last = order.iter().enumerate().rposition(|(rank, p)| *p <= q * (rank + 1) as f64 / count);
    Ok(last.map(|rank| order[rank]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_the_example_of_the_paper() {
        // Benjamini & Hochberg 1995, section 4.1: 15 p-values at q = 0.05, of which four are flagged.
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        assert_eq!(benjamini_hochberg(&p, 0.05).unwrap(), Some(0.0095));
        assert_eq!(benjamini_hochberg(&[0.6, 0.9], 0.05).unwrap(), None);
        assert_eq!(benjamini_hochberg(&[], 0.05).unwrap(), None);
        assert!(benjamini_hochberg(&p, 1.5).is_err());
    }
}
