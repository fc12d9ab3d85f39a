//! Bounds for the largest sums of each row, from some of the columns.

use crate::kernel::gemm::{self, COLUMNS, Matrix, Size, Target};
use crate::kernel::parallel::{Shared, for_each_part};
use crate::kernel::scratch::Scratch;
use crate::kernel::select::{Selection, key};
use crate::kernel::simd::vectorized;

/// One in so many columns is looked at, and at least so many for each number to find.
const PART: usize = 8;
const LEAST: usize = 16;
/// Half of a tile's row.
const HALF: usize = COLUMNS / 2;
/// Rows that a task finds bounds for.
const ROWS: usize = 8;

/// How many columns a sample takes.
pub(super) fn count(columns: usize, k: usize) -> usize {
    (columns / PART).max(LEAST * k).next_multiple_of(COLUMNS).min(columns)
}

/// The column at a place of a sample.
pub(super) fn column(index: usize, count: usize, columns: usize) -> usize {
    index * columns / count
}

/// The larger sums of each two of some columns.
pub(super) struct Sample {
    rows: usize,
    /// Part of all columns.
    part: f64,
    width: usize,
    numbers: Scratch,
}

impl Sample {
    /// For a product of pairs of this size, with the bias of each column, of whose sums the `k` largest will be wanted.
    pub(super) fn new(size: Size, left: &Matrix<'_>, (right, bias): (&[f32], &[f32]), k: usize) -> Self {
        let Size { rows, columns, depth } = size;
        let count = count(columns, k);
        let column = |index: usize| column(index, count, columns);
        let mut chosen = Scratch::new(count * depth);
        for_each_part(&mut chosen, COLUMNS * depth, |start, into| {
            for (index, into) in (start / depth..).zip(into.chunks_exact_mut(depth)) {
                into.copy_from_slice(&right[column(index) * depth..][..depth]);
            }
        });
        let bias: Vec<f32> = (0..count).map(|index| bias[column(index)]).collect();
        let width = count / COLUMNS * HALF;
        let mut numbers = Scratch::new(rows * width);
        let target = Larger { bias: &bias, width, numbers: Shared::new(&mut numbers) };
        gemm::product_of_pairs(Size { columns: count, ..size }, left, &Matrix::rows(&chosen, depth), &target);
        Self { rows, part: count as f64 / columns as f64, width, numbers }
    }

    /// A rank such that the sample's number there is hardly ever above the `k`-th largest of all sums: `k` times the part would be
    /// half of the time, and this is four deviations further.
    pub(super) fn likely(&self, k: usize) -> usize {
        let mean = k as f64 * self.part;
        ((mean + 4.0 * mean.sqrt() + 2.0) as usize).min(k)
    }

    /// For each row what lies `slack(row)` below the number of this rank.
    pub(super) fn bounds(&self, rank: usize, slack: impl Fn(usize) -> f32 + Sync) -> Vec<f32> {
        let mut bounds = vec![0.0; self.rows];
        for_each_part(&mut bounds, ROWS, |start, bounds| {
            for (row, bound) in (start..).zip(bounds) {
                let numbers = self.numbers[row * self.width..][..self.width].iter().copied();
                *bound = Selection::with(|selection| selection.bound_within(numbers, rank, slack(row)));
            }
        });
        bounds
    }
}

/// A target that keeps the larger one of each sum and that half a tile further. A narrow last tile is left out.
struct Larger<'a> {
    bias: &'a [f32],
    width: usize,
    numbers: Shared<'a, f32>,
}

impl Target for Larger<'_> {
    fn put(&self, row: usize, column: usize, columns: usize, sums: &[[f32; COLUMNS]], first: bool, last: bool) {
        debug_assert!(first && last);
        if let Ok(bias) = self.bias[column..column + columns].try_into() {
            larger_halves(sums, bias, self.numbers, row * self.width + column / COLUMNS * HALF, self.width);
        }
    }
}

vectorized! {
    /// What is larger in either half of each row of sums; `NaN` counts as infinite.
    fn larger_halves(sums: &[[f32; COLUMNS]], bias: &[f32; COLUMNS], into: Shared<'_, f32>, start: usize, stride: usize) {
        for (row, sums) in sums.iter().enumerate() {
            // SAFETY: tiles do not overlap.
            let into = unsafe { into.part(start + row * stride, HALF) };
            for lane in 0..HALF {
                let (a, b) = (key(sums[lane] + bias[lane]), key(sums[HALF + lane] + bias[HALF + lane]));
                into[lane] = if a > b { a } else { b };
            }
        }
    }
}
