//! The largest sums of a dense layer, `x Wᵀ + b`, row by row, without the exact layer where the processor has bf16 products.

#[cfg(target_arch = "x86_64")]
mod reaching;
#[cfg(target_arch = "x86_64")]
mod rounded;
#[cfg(target_arch = "x86_64")]
mod sample;
#[cfg(target_arch = "x86_64")]
mod screened;

use super::epilogue::Rows;
use super::gemm::{self, COLUMNS, Matrix, Size, Target};
use super::parallel::{Shared, for_each};
use super::scratch::Scratch;
use super::select::{BLOCK, Selection, largest, largest_of_blocks};
use crate::Activation;

/// The most rows of a tile.
const TILE: usize = 32;
/// Rows that a task selects from.
const ROWS: usize = 8;

/// A dense layer: `x` is `[rows, depth]`, `weight` `[columns, depth]`, `bias` `[columns]`.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'a> {
    pub(crate) size: Size,
    pub(crate) x: &'a [f32],
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
}

impl Layer<'_> {
    /// Values and columns of the `k` largest sums of each row, in the order of columns; of equal sums the first ones.
    pub(crate) fn largest(self, k: usize) -> (Vec<f32>, Vec<u32>) {
        #[cfg(target_arch = "x86_64")]
        if screened::pays(self.size, k) {
            return self.screened(k);
        }
        self.plain(k)
    }

    fn plain(self, k: usize) -> (Vec<f32>, Vec<u32>) {
        let Self { size, x, weight, bias } = self;
        let (mut sums, mut maxima) = self.room();
        let target = Scores::new(size.columns, bias, &mut sums, &mut maxima);
        gemm::product(size, &Matrix::rows(x, size.depth), &Matrix::rows(weight, size.depth), &target);
        self.select(k, |selection, row, values, columns| {
            let (sums, maxima) = self.row(row, &sums, &maxima);
            selection.largest(sums, maxima, values, columns);
        })
    }

    /// Room for all sums and the maxima of their blocks.
    fn room(&self) -> (Scratch, Scratch) {
        let Size { rows, columns, .. } = self.size;
        (Scratch::new(rows * columns), Scratch::new(rows * columns.div_ceil(BLOCK)))
    }

    fn row<'a>(&self, row: usize, sums: &'a [f32], maxima: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        let columns = self.size.columns;
        let blocks = columns.div_ceil(BLOCK);
        (&sums[row * columns..][..columns], &maxima[row * blocks..][..blocks])
    }

    /// Runs `run(selection, row, values, columns)` for each row.
    fn select(
        &self,
        k: usize,
        run: impl Fn(&mut Selection, usize, &mut [f32], &mut [u32]) + Sync,
    ) -> (Vec<f32>, Vec<u32>) {
        let rows = self.size.rows;
        let (mut values, mut columns) = (vec![0.0; rows * k], vec![0; rows * k]);
        let (shared_values, shared_columns) = (Shared::new(&mut values), Shared::new(&mut columns));
        for_each(rows.div_ceil(ROWS), |task| {
            Selection::with(|selection| {
                for row in task * ROWS..rows.min((task + 1) * ROWS) {
                    // SAFETY: each row is visited once.
                    let (values, columns) =
                        unsafe { (shared_values.part(row * k, k), shared_columns.part(row * k, k)) };
                    run(selection, row, values, columns);
                }
            });
        });
        (values, columns)
    }
}

/// A target that also notes the largest sum of each block.
struct Scores<'a, F> {
    rows: Rows<'a, F>,
    bias: &'a [f32],
    columns: usize,
    maxima: Shared<'a, f32>,
}

impl<'a> Scores<'a, ()> {
    fn new(
        columns: usize,
        bias: &'a [f32],
        sums: &'a mut [f32],
        maxima: &'a mut [f32],
    ) -> Scores<'a, impl Fn(usize) -> usize + Sync + use<>> {
        let (out, maxima) = (Shared::new(sums), Shared::new(maxima));
        let offset = move |row: usize| row * columns;
        let rows = Rows { out, offset, bias: Some(bias), activation: Activation::Identity, add: false };
        Scores { rows, bias, columns, maxima }
    }
}

const _: () = assert!(BLOCK == COLUMNS, "a block of a selection is a row of a tile");

impl<F: Fn(usize) -> usize + Sync> Target for Scores<'_, F> {
    fn put(&self, row: usize, column: usize, columns: usize, sums: &[[f32; COLUMNS]], first: bool, last: bool) {
        self.rows.put(row, column, columns, sums, first, last);
        if !last {
            return;
        }
        let mut maxima = [0.0; TILE];
        let maxima = &mut maxima[..sums.len()];
        match (first, self.bias[column..column + columns].try_into()) {
            (true, Ok(bias)) => largest_of_blocks(sums, bias, maxima),
            _ => {
                for (row, maximum) in (row..).zip(&mut *maxima) {
                    // SAFETY: this tile's sums, which nobody else writes.
                    *maximum = largest(unsafe { self.rows.out.part(row * self.columns + column, columns) });
                }
            }
        }
        let blocks = self.columns.div_ceil(BLOCK);
        for (row, maximum) in (row..).zip(maxima) {
            // SAFETY: this tile's maximum in the row.
            unsafe { self.maxima.part(row * blocks + column / BLOCK, 1)[0] = *maximum };
        }
    }
}

#[cfg(test)]
mod tests;
