//! The largest sums of a dense layer, `x Wᵀ + b`, row by row, without the exact layer where the processor has bf16 products.

#[cfg(target_arch = "x86_64")]
mod reaching;
#[cfg(target_arch = "x86_64")]
mod rounded;
#[cfg(target_arch = "x86_64")]
mod sample;
#[cfg(target_arch = "x86_64")]
mod screened;

use super::by_column::ByColumn;
use super::epilogue::Rows;
use super::gemm::{self, COLUMNS, Matrix, Size, Target};
use super::lists::Lists;
use super::parallel::{Shared, for_each};
use super::picked::{self, BATCH};
use super::scratch::Scratch;
use super::select::{BLOCK, Selection, largest, largest_of_blocks};
use super::sparse::dot;
use crate::Activation;

/// The most rows of a tile.
const TILE: usize = 32;
/// Rows that a task selects from.
const ROWS: usize = 8;
/// Depth and columns for each number to find from which on screening pays.
const DEEP: usize = 64;
const WIDE: usize = 32;

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
        if gemm::pairs_available() && self.size.depth >= DEEP && self.size.columns >= WIDE * k {
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

    /// One sum.
    fn exact(&self, row: usize, column: usize) -> f32 {
        let depth = self.size.depth;
        dot(&self.x[row * depth..][..depth], &self.weight[column * depth..][..depth]) + self.bias[column]
    }

    /// As [`Layer::largest`] among the columns that are possible in each row.
    fn largest_of(&self, possible: &Lists, k: usize) -> (Vec<f32>, Vec<u32>) {
        let mut starts = vec![0; 1];
        starts.extend(possible.rows().scan(0, |end, list| {
            *end += list.len();
            Some(*end)
        }));
        let mut rows = vec![0; possible.len()];
        for (row, ends) in starts.windows(2).enumerate() {
            rows[ends[0]..ends[1]].fill(row as u32);
        }
        let columns: Vec<u32> = possible.entries().map(|(_, column)| column).collect();
        let mut sums = vec![0.0; columns.len()];
        let shared = Shared::new(&mut sums);
        ByColumn::new(self.size.columns, columns.iter().copied().enumerate()).for_each(|column, entries| {
            let weight = &self.weight[column * self.size.depth..][..self.size.depth];
            for entries in entries.chunks(BATCH) {
                let (mut picked, mut found) = ([0; BATCH], [0.0; BATCH]);
                for (picked, entry) in picked.iter_mut().zip(entries) {
                    *picked = rows[*entry as usize];
                }
                let x = picked::Matrix { data: self.x, width: self.size.depth };
                picked::dots(weight, x, &picked[..entries.len()], &mut found[..entries.len()]);
                for (entry, sum) in entries.iter().zip(found) {
                    // SAFETY: each entry is visited once.
                    unsafe { shared.part(*entry as usize, 1)[0] = sum + self.bias[column] };
                }
            }
        });
        self.select(k, |selection, row, values, chosen| {
            let entries = starts[row]..starts[row + 1];
            selection.set(sums[entries.clone()].iter().copied().zip(columns[entries].iter().copied()));
            selection.keep(values, chosen);
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
