//! The leading principal axes of a batch by subspace iteration (Halko, Martinsson & Tropp 2011), from matrix products
//! alone: `Q <- orth(Uᵀ (U Q))`, then the eigenvectors of the small matrix `Qᵀ Uᵀ U Q` put the axes in order.

use candle_core::{DType, Tensor};
use narrows_core::Result;
use narrows_tensor::{Key, random};

/// Directions beyond those asked for, which speed up the convergence of the last ones.
const OVERSAMPLING: usize = 10;
/// Rounds of the iteration.
const ROUNDS: usize = 8;

/// Principal axes and the variance along each.
#[derive(Clone, Debug)]
pub struct PrincipalAxes {
    /// Orthonormal columns, by falling variance.
    pub axes: Tensor,
    /// Mean square of the batch along each axis.
    pub variance: Vec<f64>,
}

/// The `count` leading axes of centred rows. Where the rows span fewer, the last axes are arbitrary, with variance 0.
///
/// # Shapes
/// - `rows`: `[N, features]`
/// - returns: axes `[features, count]` in f64
///
/// # Errors
/// Candle cannot multiply, or `count` is larger than the number of features.
pub fn principal_axes(rows: &Tensor, count: usize) -> Result<PrincipalAxes> {
    let (n, features) = rows.dims2()?;
    let width = (count + OVERSAMPLING).min(features);
    let transposed = rows.t()?.contiguous()?;
    let start = random::normal(&Key::new(0).named("principal axes"), (features, width), DType::F64, rows.device())?;
    let mut basis = orthonormal(&start)?;
    for _ in 0..ROUNDS {
        let next = transposed.matmul(&rows.matmul(&basis.to_dtype(rows.dtype())?)?)?;
        basis = orthonormal(&next.to_dtype(DType::F64)?)?;
    }
    let projected = rows.matmul(&basis.to_dtype(rows.dtype())?)?.to_dtype(DType::F64)?;
    let gram = (projected.t()?.contiguous()?.matmul(&projected)? / n as f64)?;
    let (values, vectors) = symmetric_eigen(gram.to_vec2()?);
    let order = {
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        order.truncate(count);
        order
    };
    let turn: Vec<f64> = vectors.iter().flat_map(|row| order.iter().map(|&column| row[column])).collect();
    let turn = Tensor::from_vec(turn, (width, order.len()), rows.device())?;
    Ok(PrincipalAxes {
        axes: basis.matmul(&turn)?,
        variance: order.iter().map(|&column| values[column].max(0.0)).collect(),
    })
}

/// Gram-Schmidt on columns, twice for accuracy. A column that depends on those before it becomes the unit vector that
/// depends on them least.
fn orthonormal(columns: &Tensor) -> Result<Tensor> {
    let (length, width) = columns.dims2()?;
    let mut basis: Vec<Vec<f64>> = columns.t()?.contiguous()?.to_vec2()?;
    for index in 0..width {
        let (done, rest) = basis.split_at_mut(index);
        let Some(column) = rest.first_mut() else { break };
        let before = norm(column);
        remove(column, done);
        if norm(column) <= 1e-10 * before || before == 0.0 {
            let spread = |i: usize| done.iter().map(|axis| axis[i] * axis[i]).sum::<f64>();
            let least = (0..length).min_by(|&a, &b| spread(a).total_cmp(&spread(b))).unwrap_or(0);
            column.fill(0.0);
            column[least] = 1.0;
            remove(column, done);
        }
        let scale = 1.0 / norm(column);
        for value in column.iter_mut() {
            *value *= scale;
        }
    }
    let flat: Vec<f64> = basis.into_iter().flatten().collect();
    Ok(Tensor::from_vec(flat, (width, length), columns.device())?.t()?.contiguous()?)
}

/// Takes the components along `axes` out of `column`, twice.
fn remove(column: &mut [f64], axes: &[Vec<f64>]) {
    for axis in axes.iter().chain(axes) {
        let along: f64 = axis.iter().zip(&*column).map(|(a, b)| a * b).sum();
        column.iter_mut().zip(axis).for_each(|(value, a)| *value -= along * a);
    }
}

fn norm(column: &[f64]) -> f64 {
    column.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// Eigenvalues and eigenvectors (as columns) of a symmetric matrix by Jacobi's rotations.
pub(crate) fn symmetric_eigen(mut a: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = a.len();
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..30 {
        let diagonal: f64 = (0..n).map(|i| a[i][i] * a[i][i]).sum();
        let off: f64 = (0..n).map(|i| (0..i).map(|j| a[i][j] * a[i][j]).sum::<f64>()).sum();
        if off <= 1e-22 * diagonal {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, p, q);
            }
        }
    }
    ((0..n).map(|i| a[i][i]).collect(), vectors)
}

/// Makes `a[p][q]` zero by a rotation in the plane of `p` and `q`.
fn rotate(a: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |x: f64, y: f64| (cosine * x - sine * y, sine * x + cosine * y);
    for row in a.iter_mut().chain(vectors.iter_mut()) {
        (row[p], row[q]) = turn(row[p], row[q]);
    }
    let (upper, lower) = a.split_at_mut(q);
    for (x, y) in upper[p].iter_mut().zip(lower[0].iter_mut()) {
        (*x, *y) = turn(*x, *y);
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn finds_the_axes_of_a_known_covariance() {
        let noise = random::normal(&Key::new(1), (2000, 6), DType::F64, &Device::Cpu).unwrap();
        let noise = orthonormal(&noise).unwrap();
        let deviations = Tensor::new(&[9f64, 7.0, 5.0, 0.1, 0.1, 0.1], &Device::Cpu).unwrap();
        let turn = orthonormal(&random::normal(&Key::new(2), (6, 6), DType::F64, &Device::Cpu).unwrap()).unwrap();
        let scaled = noise.broadcast_mul(&(deviations * 2000f64.sqrt()).unwrap()).unwrap();
        let rows = scaled.matmul(&turn.t().unwrap().contiguous().unwrap()).unwrap();
        let found = principal_axes(&rows, 3).unwrap();
        for (variance, expected) in found.variance.iter().zip([81.0, 49.0, 25.0]) {
            assert!((variance - expected).abs() < 1e-9, "{variance} for {expected}");
        }
        let cosines = turn.t().unwrap().contiguous().unwrap().matmul(&found.axes).unwrap().to_vec2::<f64>().unwrap();
        for (axis, row) in cosines.iter().take(3).enumerate() {
            assert!((row[axis].abs() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn axes_are_orthonormal_where_the_rows_span_too_little() {
        let rows = Tensor::zeros((3, 5), DType::F32, &Device::Cpu).unwrap();
        let found = principal_axes(&rows, 4).unwrap();
        let gram = found.axes.t().unwrap().contiguous().unwrap().matmul(&found.axes).unwrap();
        let gram = gram.to_vec2::<f64>().unwrap();
        for (i, row) in gram.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                assert!((value - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
        assert_eq!(found.variance, [0.0; 4]);
    }
}
