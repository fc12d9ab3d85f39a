//! Leading eigenvectors of a symmetric matrix: all of them by faer's decomposition, or the few that are wanted of a large
//! matrix by its Krylov-Schur iteration (Stewart 2002), which is checked for directions that it missed.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::eigen::{PartialEigenParams, partial_self_adjoint_eigen, partial_self_adjoint_eigen_scratch};
use faer::{Col, Mat, Par, Side};
use narrows_tensor::{Key, random};

use crate::one_thread::on_one_thread;
use crate::{Error, Result};

/// The smallest matrix for which iterating pays.
const LARGE: usize = 512;
/// The share of all directions above which it does not.
const FEW: usize = 8;
/// Relative residual at which an eigenvector counts as found.
const TOLERANCE: f64 = 1e-11;
/// Products with which the remainder is searched for a larger eigenvalue.
const SEARCH: usize = 40;

/// The eigenvectors (as columns) of the largest eigenvalues, largest first, each with its largest entry positive.
pub(crate) fn leading(symmetric: &Mat<f64>, count: usize) -> Result<(Mat<f64>, Vec<f64>)> {
    let size = symmetric.nrows();
    // A value that is not finite makes its feature's variance so.
    if (0..size).any(|i| !symmetric[(i, i)].is_finite()) {
        return Err(Error::NotFinite { operation: "pca" });
    }
    let few = size >= LARGE && count * FEW <= size;
    let (vectors, values) = match few.then(|| iterated(symmetric, count)).flatten() {
        Some(found) => found,
        None => decomposed(symmetric, count)?,
    };
    let sign = |column: usize| {
        let largest = (0..size).max_by(|&a, &b| vectors[(a, column)].abs().total_cmp(&vectors[(b, column)].abs()));
        largest.map_or(1.0, |row| vectors[(row, column)].signum())
    };
    let signs: Vec<f64> = (0..count).map(sign).collect();
    let basis = Mat::from_fn(size, count, |row, rank| signs[rank] * vectors[(row, rank)]);
    Ok((basis, values.into_iter().map(|value| value.max(0.0)).collect()))
}

/// By the full decomposition.
fn decomposed(symmetric: &Mat<f64>, count: usize) -> Result<(Mat<f64>, Vec<f64>)> {
    let size = symmetric.nrows();
    let eigen = on_one_thread(|| {
        symmetric.self_adjoint_eigen(Side::Lower).map_err(|_| Error::NoConvergence { operation: "pca" })
    })?;
    let (vectors, values) = (eigen.U(), eigen.S());
    let place = |rank: usize| size - 1 - rank;
    let basis = Mat::from_fn(size, count, |row, rank| vectors[(row, place(rank))]);
    Ok((basis, (0..count).map(|rank| values.column_vector()[place(rank)]).collect()))
}

/// By iteration; `None` where it did not find the largest ones.
fn iterated(symmetric: &Mat<f64>, count: usize) -> Option<(Mat<f64>, Vec<f64>)> {
    let size = symmetric.nrows();
    let start = direction(size, "start");
    let (params, tolerance) = (PartialEigenParams::default(), TOLERANCE);
    let mut vectors = Mat::zeros(size, count);
    let mut values = vec![0.0; count];
    let scratch = partial_self_adjoint_eigen_scratch(symmetric, count, Par::Seq, params);
    let mut memory = MemBuffer::try_new(scratch).ok()?;
    let found = partial_self_adjoint_eigen(
        vectors.as_mut(),
        &mut values,
        symmetric,
        start.as_ref(),
        tolerance,
        Par::Seq,
        MemStack::new(&mut memory),
        params,
    );
    if found.n_converged_eigen < count {
        return None;
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let vectors = Mat::from_fn(size, count, |row, rank| vectors[(row, order[rank])]);
    let values: Vec<f64> = order.iter().map(|&rank| values[rank]).collect();
    let smallest = *values.last()?;
    (smallest > 0.0 && remainder(symmetric, &vectors) <= smallest * (1.0 + 1e-9)).then_some((vectors, values))
}

/// A lower bound, close after a few products, of the largest eigenvalue of what `vectors` leave: one of several equal
/// eigenvalues can be missed by an iteration from a single start.
fn remainder(symmetric: &Mat<f64>, vectors: &Mat<f64>) -> f64 {
    let mut x = direction(symmetric.nrows(), "remainder");
    let mut value = 0.0;
    for _ in 0..SEARCH {
        x -= vectors * (vectors.transpose() * &x);
        let norm = x.norm_l2();
        if norm <= f64::MIN_POSITIVE {
            return value;
        }
        x *= faer::Scale(1.0 / norm);
        let image = symmetric * &x;
        value = x.transpose() * &image;
        x = image;
    }
    value
}

/// A random direction, always the same.
fn direction(size: usize, name: &str) -> Col<f64> {
    let mut values = vec![0f32; size];
    random::fill_normal(&Key::new(0).named("pca").named(name), &mut values);
    Col::from_fn(size, |row| f64::from(values[row]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Q diag(λ) Qᵀ` for a random rotation.
    fn with_spectrum(spectrum: &[f64]) -> Mat<f64> {
        let size = spectrum.len();
        let mut values = vec![0f32; size * size];
        random::fill_normal(&Key::new(4), &mut values);
        let q = Mat::from_fn(size, size, |i, j| f64::from(values[i * size + j])).qr().compute_thin_Q();
        let scaled = Mat::from_fn(size, size, |i, j| q[(i, j)] * spectrum[j]);
        scaled * q.transpose()
    }

    #[test]
    fn iteration_agrees_with_the_full_decomposition() {
        let spectrum: Vec<f64> = (0..LARGE).map(|rank| 0.97f64.powi(rank as i32)).collect();
        let matrix = with_spectrum(&spectrum);
        let (vectors, values) = iterated(&matrix, 20).unwrap();
        let (_, expected) = decomposed(&matrix, 20).unwrap();
        for (rank, (value, expected)) in values.iter().zip(&expected).enumerate() {
            assert!((value - expected).abs() < 1e-12, "{rank}: {value} for {expected}");
            let residual = &matrix * vectors.col(rank) - vectors.col(rank) * faer::Scale(*value);
            assert!(residual.norm_l2() < 1e-9, "{rank}: residual {}", residual.norm_l2());
        }
    }

    #[test]
    fn equal_eigenvalues_are_not_missed() {
        let spectrum: Vec<f64> = (0..LARGE).map(|rank| if rank < 8 { 5.0 } else { 1.0 / rank as f64 }).collect();
        let (_, values) = leading(&with_spectrum(&spectrum), 10).unwrap();
        let expected = [5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 1.0 / 8.0, 1.0 / 9.0];
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-9, "{values:?}");
        }
    }
}
