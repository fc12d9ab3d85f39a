//! Where the sums of a product go: into rows of the output, with bias and activation, or with the slope of one.

use super::gemm::{COLUMNS, Target};
use super::parallel::Shared;
use super::pointwise::{for_activation, for_slope};
use super::simd::vectorized;
use crate::Activation;

/// Rows of an output matrix, possibly scattered; `offset(row)` is where a row starts.
pub(crate) struct Rows<'a, F> {
    pub(crate) out: Shared<'a, f32>,
    pub(crate) offset: F,
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) activation: Activation,
    /// Whether to add to what the output holds.
    pub(crate) add: bool,
}

impl<F: Fn(usize) -> usize + Sync> Target for Rows<'_, F> {
    fn put(&self, row: usize, column: usize, columns: usize, sums: &[[f32; COLUMNS]], first: bool, last: bool) {
        let mut bias = [0.0; COLUMNS];
        if let Some(values) = self.bias.filter(|_| first) {
            bias[..columns].copy_from_slice(&values[column..column + columns]);
        }
        let place = |i: usize| (self.offset)(row + i) + column;
        let activation = if last { self.activation } else { Activation::Identity };
        put_rows(self.out, &place, columns, sums, &bias, self.add || !first, activation);
    }
}

vectorized! {
    /// `row = f(sums + bias)` for each row of a tile, or `f(row + sums + bias)` where `add` says so.
    fn put_rows[F: Fn(usize) -> usize][F](
        out: Shared<'_, f32>, place: &F, columns: usize, sums: &[[f32; COLUMNS]], bias: &[f32; COLUMNS], add: bool,
        activation: Activation,
    ) {
        for_activation!(activation, |f| for (i, sums) in sums.iter().enumerate() {
            // SAFETY: rows do not overlap, nor do the tiles of a row.
            let into = unsafe { out.part(place(i), columns) };
            match (<&mut [f32; COLUMNS]>::try_from(&mut *into), add) {
                (Ok(into), false) => {
                    for ((into, sum), bias) in into.iter_mut().zip(sums).zip(bias) {
                        *into = f(sum + bias);
                    }
                }
                (Ok(into), true) => {
                    for ((into, sum), bias) in into.iter_mut().zip(sums).zip(bias) {
                        *into = f(*into + (sum + bias));
                    }
                }
                (Err(_), _) => {
                    for ((into, sum), bias) in into.iter_mut().zip(sums).zip(bias) {
                        let old = if add { *into } else { 0.0 };
                        *into = f(old + (sum + bias));
                    }
                }
            }
        });
    }
}

/// Rows of `width` numbers that take the sums times the slope of an activation with these values: the gradient before the
/// layer in front.
pub(crate) struct Slopes<'a> {
    pub(crate) out: Shared<'a, f32>,
    pub(crate) width: usize,
    pub(crate) values: &'a [f32],
    pub(crate) activation: Activation,
}

impl Target for Slopes<'_> {
    fn put(&self, row: usize, column: usize, columns: usize, sums: &[[f32; COLUMNS]], _: bool, _: bool) {
        let place = |i: usize| (row + i) * self.width + column;
        put_slopes(self.out, &place, columns, sums, self.values, self.activation);
    }
}

vectorized! {
    /// `row = sums * slope(values)` for each row of a tile.
    fn put_slopes[F: Fn(usize) -> usize][F](
        out: Shared<'_, f32>, place: &F, columns: usize, sums: &[[f32; COLUMNS]], values: &[f32], activation: Activation,
    ) {
        for_slope!(activation, |slope| for (i, sums) in sums.iter().enumerate() {
            let at = place(i);
            let values = &values[at..at + columns];
            // SAFETY: rows do not overlap, nor do the tiles of a row.
            let into = unsafe { out.part(at, columns) };
            if let (Ok(into), Ok(values)) = (<&mut [f32; COLUMNS]>::try_from(&mut *into), <&[f32; COLUMNS]>::try_from(values)) {
                for ((into, sum), &value) in into.iter_mut().zip(sums).zip(values) {
                    *into = sum * slope(value);
                }
                continue;
            }
            for ((into, sum), &value) in into.iter_mut().zip(sums).zip(values) {
                *into = sum * slope(value);
            }
        });
    }
}
