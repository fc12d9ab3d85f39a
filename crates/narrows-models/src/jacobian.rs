//! The squared Frobenius norm of a Jacobian, `|J|² = Σ_ij (∂f_i / ∂x_j)²`, with gradients and without second derivatives of
//! the network: exact for one layer, and for any network an estimate along random directions.

use candle_core::Tensor;
use narrows_core::Result;
use narrows_tensor::{Key, random};

use crate::bottleneck::Response;

/// Distance of the two points of a central difference, in units of a sample's deviation: the estimate is off by the order of
/// its square, and in single precision by the order of `1e-7 / DISTANCE`.
const DISTANCE: f64 = 1e-2;

/// `|∂z / ∂u|²` of one layer `z = s(W u + b)` for each sample: `Σ_i s'(h_i)² |w_i|²`.
///
/// # Shapes
/// - `z`: `[N, code]`, the layer's output
/// - `weight`: `[code, features]`
/// - returns: `[N]`
///
/// # Errors
/// The shapes do not fit together.
pub fn of_layer(z: &Tensor, weight: &Tensor, response: Response) -> Result<Tensor> {
    let lengths = weight.sqr()?.sum(1)?;
    Ok(response.slope(z)?.sqr()?.broadcast_mul(&lengths)?.sum(1)?)
}

/// `E |J v|² = |J|²` over standard normal directions `v`, by central differences: an unbiased estimate for each sample, up to
/// the differences' own error.
///
/// # Shapes
/// - `x`: `[N, ..inputs]`
/// - `f`: from `[N, ..inputs]` to `[N, ..outputs]`
/// - returns: `[N]`
///
/// # Errors
/// `f` fails.
pub fn estimate(f: impl Fn(&Tensor) -> Result<Tensor>, x: &Tensor, directions: usize, key: &Key) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for direction in 0..directions.max(1) {
        let v = random::normal(&key.fold(direction as u64), x.shape(), x.dtype(), x.device())?;
        let v = (v * DISTANCE)?;
        let along = ((f(&(x + &v)?)? - f(&(x - &v)?)?)? * (0.5 / DISTANCE))?;
        let square = along.flatten_from(1)?.sqr()?.sum(1)?;
        sum = Some(match sum {
            Some(sum) => (sum + square)?,
            None => square,
        });
    }
    let sum = sum.ok_or(narrows_core::Error::EmptyLoss)?;
    Ok((sum / directions.max(1) as f64)?)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use narrows_tensor::{Activation, ops::linear::linear};

    use super::*;

    fn draw(name: &str, shape: (usize, usize)) -> Tensor {
        random::normal(&Key::new(8).named(name), shape, DType::F64, &Device::Cpu).unwrap()
    }

    /// The squared Frobenius norm, column by column of the Jacobian.
    fn numerical(f: impl Fn(&Tensor) -> Tensor, x: &Tensor) -> Vec<f64> {
        let (rows, inputs) = x.dims2().unwrap();
        let mut norms = vec![0.0; rows];
        for input in 0..inputs {
            let mut unit = vec![0.0; inputs];
            unit[input] = 1e-5;
            let unit = Tensor::from_vec(unit, (1, inputs), &Device::Cpu).unwrap();
            let column = (f(&x.broadcast_add(&unit).unwrap()) - f(&x.broadcast_sub(&unit).unwrap())).unwrap();
            let squares = (column / 2e-5).unwrap().sqr().unwrap().sum(1).unwrap().to_vec1::<f64>().unwrap();
            norms.iter_mut().zip(squares).for_each(|(norm, square)| *norm += square);
        }
        norms
    }

    #[test]
    fn one_layers_norm_is_exact() {
        let (x, weight) = (draw("x", (7, 9)), draw("w", (5, 9)));
        for response in [Response::Sigmoid, Response::Tanh] {
            let layer = |x: &Tensor| linear(x, &weight, None, response.activation()).unwrap();
            let exact = of_layer(&layer(&x), &weight, response).unwrap().to_vec1::<f64>().unwrap();
            for (exact, numerical) in exact.iter().zip(numerical(layer, &x)) {
                assert!((exact / numerical - 1.0).abs() < 1e-6, "{exact} for {numerical}");
            }
        }
    }

    #[test]
    fn the_estimate_is_unbiased_within_three_standard_errors() {
        let (x, first, second) = (draw("x", (4, 9)), draw("w", (12, 9)), draw("v", (5, 12)));
        let first = (first * 0.3).unwrap();
        let network = |x: &Tensor| -> Result<Tensor> {
            let hidden = linear(x, &first, None, Activation::Tanh)?;
            Ok(linear(&hidden, &second, None, Activation::Sigmoid)?)
        };
        let expected = numerical(|x| network(x).unwrap(), &x);
        let draws: Vec<Vec<f64>> = (0..400)
            .map(|n| estimate(network, &x, 1, &Key::new(3).fold(n)).unwrap().to_vec1::<f64>().unwrap())
            .collect();
        for (row, expected) in expected.iter().enumerate() {
            let n = draws.len() as f64;
            let mean = draws.iter().map(|draw| draw[row]).sum::<f64>() / n;
            let variance = draws.iter().map(|draw| (draw[row] - mean).powi(2)).sum::<f64>() / (n - 1.0);
            let error = (variance / n).sqrt();
            assert!((mean - expected).abs() < 3.0 * error, "row {row}: {mean} ± {error} for {expected}");
            assert!(error < 0.1 * expected, "row {row}: the test is sharp enough");
        }
    }
}
