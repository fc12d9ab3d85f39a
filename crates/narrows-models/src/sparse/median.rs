//! The geometric median, the point with the least sum of distances, by Weiszfeld's iteration
//! `m ← Σ x_n / |x_n - m| / Σ 1 / |x_n - m|`.

use candle_core::{DType, Tensor};
use narrows_core::Result;

/// Rounds at most.
const ROUNDS: usize = 50;
/// Relative change at which it has converged.
const SETTLED: f64 = 1e-6;

/// The geometric median of rows, in f64.
///
/// # Shapes
/// - `rows`: `[N, features]`
/// - returns: `[features]`
///
/// # Errors
/// Candle cannot compute a distance.
pub fn geometric_median(rows: &Tensor) -> Result<Tensor> {
    let rows = rows.to_dtype(DType::F64)?;
    let mut median = rows.mean(0)?;
    for _ in 0..ROUNDS {
        let distance = rows.broadcast_sub(&median)?.sqr()?.sum(1)?.sqrt()?;
        let spread = distance.mean_all()?.to_scalar::<f64>()?;
        if spread == 0.0 {
            break;
        }
        // A row at the median itself would count without limit.
        let weight = distance.maximum(1e-9 * spread)?.recip()?;
        let weight = weight.broadcast_div(&weight.sum_all()?)?;
        let next = rows.broadcast_mul(&weight.unsqueeze(1)?)?.sum(0)?;
        let moved = (&next - &median)?.sqr()?.sum_all()?.to_scalar::<f64>()?.sqrt();
        median = next;
        if moved <= SETTLED * spread {
            break;
        }
    }
    Ok(median)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn an_outlier_moves_the_mean_and_not_the_median() {
        let rows = [[0f64, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1e6, 1e6]];
        let median = geometric_median(&Tensor::new(&rows, &Device::Cpu).unwrap()).unwrap().to_vec1::<f64>().unwrap();
        assert!(median.iter().all(|value| value.abs() < 0.5), "{median:?}");
        // The sum of unit vectors to the other points is at most 1 at a point that is the median.
        let line = Tensor::new(&[[1f64], [2.0], [10.0]], &Device::Cpu).unwrap();
        assert!((geometric_median(&line).unwrap().to_vec1::<f64>().unwrap()[0] - 2.0).abs() < 1e-3);
    }
}
