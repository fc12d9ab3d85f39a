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
    fn put(&self, row: usize, column: usize, columns: usize, sums: &[[f32; COLUMNS]], first: bool, _: bool) {
        let place = |i: usize| (row + i) * self.width + column;
        put_slopes(self.out, &place, columns, sums, self.values, self.activation, !first);
    }
}

vectorized! {
    /// `row = sums * slope(values)` for each row of a tile, or `row + sums * slope(values)` where `add` says so.
    fn put_slopes[F: Fn(usize) -> usize][F](
        out: Shared<'_, f32>, place: &F, columns: usize, sums: &[[f32; COLUMNS]], values: &[f32], activation: Activation,
        add: bool,
    ) {
        for_slope!(activation, |slope| for (i, sums) in sums.iter().enumerate() {
            let at = place(i);
            let values = &values[at..at + columns];
            // SAFETY: rows do not overlap, nor do the tiles of a row.
            let into = unsafe { out.part(at, columns) };
            match (<&mut [f32; COLUMNS]>::try_from(&mut *into), <&[f32; COLUMNS]>::try_from(values), add) {
                (Ok(into), Ok(values), false) => {
                    for ((into, sum), &value) in into.iter_mut().zip(sums).zip(values) {
                        *into = sum * slope(value);
                    }
                }
                _ => {
                    for ((into, sum), &value) in into.iter_mut().zip(sums).zip(values) {
                        let old = if add { *into } else { 0.0 };
                        *into = old + sum * slope(value);
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::gemm::{Matrix, Size, product};
    use super::*;

    #[test]
    fn slopes_multiply_the_sums_of_all_depths() {
        // More depths than any kernel sums at once, and a product that runs on the matrix unit where there is one.
        for (rows, columns, depth) in [(150, 400, 4500), (3, 37, 2100)] {
            let draw = |len: usize, salt: usize| -> Vec<f32> {
                (0..len).map(|i| ((i * 7919 + salt) % 17) as f32 - 8.0).collect()
            };
            let (a, b) = (draw(rows * depth, 1), draw(columns * depth, 2));
            let (left, right) = (Matrix::rows(&a, depth), Matrix::rows(&b, depth));
            let values = draw(rows * columns, 3);
            let [mut sums, mut found] = [(); 2].map(|()| vec![f32::NAN; rows * columns]);
            let size = Size { rows, columns, depth };
            let offset = |row: usize| row * columns;
            let plain = Activation::Identity;
            let target = Rows { out: Shared::new(&mut sums), offset, bias: None, activation: plain, add: false };
            product(size, &left, &right, &target);
            let (out, activation) = (Shared::new(&mut found), Activation::Relu);
            product(size, &left, &right, &Slopes { out, width: columns, values: &values, activation });
            for ((found, sum), value) in found.into_iter().zip(sums).zip(values) {
                assert_eq!(found, if value > 0.0 { sum } else { 0.0 });
            }
        }
    }
}
