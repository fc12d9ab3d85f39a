//! The largest sums of a dense layer, `x Wᵀ + b`, row by row, without the exact layer where the processor has bf16 products.
//!
//! With `x̃` and `w̃` rounded to bf16, `|x w - x̃ w̃| <= |x - x̃| |w| + |x̃| |w - w̃|` (Cauchy-Schwarz): products at twice the
//! speed of f32 say which few columns can be among the k largest, and only their sums are computed in f32.

use super::by_column::ByColumn;
use super::epilogue::Rows;
use super::gemm::{self, COLUMNS, Matrix, Size, Target};
use super::lists::Lists;
use super::parallel::{Shared, for_each, for_each_part};
use super::scratch::Scratch;
use super::select::{BLOCK, Selection, largest, largest_of_blocks};
use super::simd::vectorized;
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

    #[cfg(target_arch = "x86_64")]
    fn screened(self, k: usize) -> (Vec<f32>, Vec<u32>) {
        let Self { size, x, weight, bias } = self;
        let (x_rounded, w_rounded) = (Rounded::new(x, size.depth), Rounded::new(weight, size.depth));
        let (mut sums, mut maxima) = self.room();
        let half = size.depth.div_ceil(2);
        let target = Scores::new(size.columns, bias, &mut sums, &mut maxima);
        let (left, right) = (Matrix::rows(&x_rounded.pairs, half), Matrix::rows(&w_rounded.pairs, half));
        gemm::product_of_pairs(Size { depth: half, ..size }, &left, &right, &target);
        let most = [magnitude(&w_rounded.norms), magnitude(&w_rounded.errors), magnitude(bias)];
        // Sums in f32 round in each term, here and in the exact ones.
        let rounding = (size.depth + 8) as f32 * f32::EPSILON;
        let possible = Lists::new(size.rows, 2 * k, |row, list| {
            let (norm, error) = (x_rounded.norms[row], x_rounded.errors[row]);
            let margin = |[w, w_error, b]: [f32; 3]| {
                // Products and pieces too small for a normal number count as zero.
                let lost = size.depth as f32 * f32::MIN_POSITIVE * (1.0 + norm + w);
                1.01 * (error * w + (norm + error) * w_error + rounding * (norm * w + b) + lost)
            };
            let of = |column: u32| {
                let column = column as usize;
                margin([w_rounded.norms[column], w_rounded.errors[column], bias[column].abs()])
            };
            Selection::with(|selection| {
                let possible = selection.possible(self.row(row, &sums, &maxima), (of, margin(most)), k);
                list.extend_from_slice(possible);
                if possible.len() > WIDE * k {
                    // Screening tells little here, for example where numbers are infinite.
                    let start = list.len() - possible.len();
                    let exact = list.drain(start..).map(|(_, column)| (self.exact(row, column as usize), column));
                    selection.set(exact);
                    list.extend_from_slice(selection.reduced(k));
                }
            });
        });
        self.largest_of(&possible, k)
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
            for &entry in entries {
                let sum = self.exact(rows[entry as usize] as usize, column);
                // SAFETY: each entry is visited once.
                unsafe { shared.part(entry as usize, 1)[0] = sum };
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

/// The largest absolute value; infinite if one is not a number.
fn magnitude(numbers: &[f32]) -> f32 {
    numbers
        .iter()
        .fold(0.0, |most: f32, number| if number.is_finite() { most.max(number.abs()) } else { f32::INFINITY })
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

/// Rows rounded to bf16 in pairs, their norms and those of what rounding changed.
struct Rounded {
    pairs: Scratch,
    norms: Vec<f32>,
    errors: Vec<f32>,
}

impl Rounded {
    fn new(matrix: &[f32], depth: usize) -> Self {
        let (rows, half) = (matrix.len() / depth, depth.div_ceil(2));
        let mut pairs = Scratch::new(rows * half);
        let (mut norms, mut errors) = (vec![0.0; rows], vec![0.0; rows]);
        let (shared_norms, shared_errors) = (Shared::new(&mut norms), Shared::new(&mut errors));
        for_each_part(&mut pairs, ROWS * half, |first, pairs| {
            for (row, pairs) in (first / half..).zip(pairs.chunks_exact_mut(half)) {
                let (norm, error) = round(&matrix[row * depth..][..depth], pairs);
                // SAFETY: each row is visited once.
                unsafe {
                    shared_norms.part(row, 1)[0] = norm;
                    shared_errors.part(row, 1)[0] = error;
                }
            }
        });
        Self { pairs, norms, errors }
    }
}

/// The upper half of `x` rounded to the nearest bf16, ties to even.
#[inline(always)]
fn nearest(x: f32) -> u32 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000;
    if x.is_nan() { 0x7FC0_0000 } else { rounded }
}

/// Norm below which squares of what rounding changes are no normal numbers any more.
const TINY: f32 = 1e-15;

vectorized! {
    /// Writes pairs of rounded numbers and returns the norm of `row` and that of what rounding changed.
    fn round(row: &[f32], pairs: &mut [f32]) -> (f32, f32) {
        let (mut squares, mut errors, mut largest) = ([0.0; 16], [0.0; 16], [0.0f32; 16]);
        for (line, pairs) in row.chunks(32).zip(pairs.chunks_mut(16)) {
            let mut block = [0.0f32; 32];
            block[..line.len()].copy_from_slice(line);
            for lane in 0..16 {
                let (a, b) = (block[2 * lane], block[2 * lane + 1]);
                let (a_bits, b_bits) = (nearest(a), nearest(b));
                let (a_error, b_error) = (a - f32::from_bits(a_bits), b - f32::from_bits(b_bits));
                squares[lane] += a * a + b * b;
                errors[lane] += a_error * a_error + b_error * b_error;
                largest[lane] = largest[lane].max(a.abs()).max(b.abs());
                block[lane] = f32::from_bits(a_bits >> 16 | b_bits);
            }
            let len = pairs.len();
            pairs.copy_from_slice(&block[..len]);
        }
        let (norm, error) = (squares.iter().sum::<f32>().sqrt(), errors.iter().sum::<f32>().sqrt());
        if norm < TINY {
            // Squares are below the smallest number: bounds from the largest value.
            let norm = largest.iter().copied().fold(0.0, f32::max) * (row.len() as f32).sqrt();
            return (norm, norm / 256.0);
        }
        (norm, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layer whose sums lie close together, so that rounding to bf16 changes their order.
    fn check(change: impl Fn(&mut [f32], &mut [f32], &mut [f32])) {
        let (rows, columns, depth, k) = (9, 700, 131, 11);
        let draw = |name: &str, len: usize| {
            let mut values = vec![0.0; len];
            crate::random::fill_normal(&crate::Key::new(1).named(name), &mut values);
            values
        };
        let (mut x, mut weight, mut bias) = (draw("x", rows * depth), draw("w", columns * depth), draw("b", columns));
        change(&mut x, &mut weight, &mut bias);
        let layer = Layer { size: Size { rows, columns, depth }, x: &x, weight: &weight, bias: &bias };
        let (values, places) = layer.largest(k);
        for row in 0..rows {
            let exact =
                |column: usize| dot(&x[row * depth..][..depth], &weight[column * depth..][..depth]) + bias[column];
            let key =
                |column: u32| if exact(column as usize).is_nan() { f32::INFINITY } else { exact(column as usize) };
            let mut order: Vec<u32> = (0..columns as u32).collect();
            order.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
            order.truncate(k);
            order.sort_unstable();
            // Without bf16 products the sums are rounded in another order.
            if gemm::pairs_available() {
                assert_eq!(places[row * k..][..k], order);
            }
            for (value, &place) in values[row * k..].iter().zip(&places[row * k..][..k]) {
                let exact = exact(place as usize);
                assert!((value - exact).abs() < 1e-4 || value.to_bits() == exact.to_bits(), "{value} is not {exact}");
            }
        }
    }

    #[test]
    fn the_largest_are_those_of_the_exact_layer() {
        check(|_, _, _| {});
    }

    #[test]
    fn sums_that_rounding_swaps_are_told_apart() {
        check(|_, weight, _| {
            let first = weight[..131].to_vec();
            for (column, row) in weight.chunks_exact_mut(131).enumerate() {
                row.iter_mut().zip(&first).for_each(|(w, f)| *w = f + 1e-4 * *w + 1e-5 * column as f32);
            }
        });
    }

    #[test]
    fn columns_of_other_lengths_have_margins_of_their_own() {
        check(|x, weight, bias| {
            let (first, common) = (x[..131].to_vec(), weight[..131].to_vec());
            for row in x.chunks_exact_mut(131) {
                row.iter_mut().zip(&first).for_each(|(x, f)| *x = f + 1e-3 * *x);
            }
            for (column, row) in weight.chunks_exact_mut(131).enumerate() {
                let (near, length) = if column % 2 == 0 { (0.0, 1e-4) } else { (1.0, 1e-2) };
                row.iter_mut().zip(&common).for_each(|(w, c)| *w = near * c + length * *w);
            }
            // The short ones lie where the sixth of the long ones does, so that their margins draw the line.
            let mut sums: Vec<f32> = weight.chunks_exact(131).skip(1).step_by(2).map(|w| dot(&first, w)).collect();
            sums.sort_by(|a, b| b.total_cmp(a));
            bias.fill(0.0);
            bias.iter_mut().step_by(2).for_each(|b| *b = sums[5]);
        });
    }

    #[test]
    fn of_equal_columns_the_first_are_taken() {
        check(|_, weight, bias| {
            let (first, rest) = weight.split_at_mut(100 * 131);
            rest.chunks_exact_mut(first.len()).for_each(|copy| copy.copy_from_slice(first));
            bias.fill(0.5);
        });
    }

    #[test]
    fn sums_of_tiny_numbers_are_told_apart() {
        check(|x, weight, bias| {
            for x in x {
                *x *= 1e-22;
            }
            // Numbers of eight bits: rounding changes only x.
            for w in weight {
                *w = f32::from_bits(w.to_bits() & 0xFFFF_0000);
            }
            bias.fill(0.0);
        });
    }

    #[test]
    fn numbers_beyond_the_range_are_seen() {
        check(|x, weight, _| {
            (x[3], x[140], weight[200]) = (f32::NAN, 1e38, f32::MAX);
            weight[4 * 131] = f32::INFINITY;
        });
    }

    #[test]
    fn sums_that_only_rounding_makes_infinite_are_told_apart() {
        check(|x, weight, _| {
            x.iter_mut().skip(5).step_by(131).for_each(|x| *x = 0.0);
            for column in [2, 30, 31, 300] {
                weight[column * 131 + 5] = f32::MAX;
            }
        });
    }
}
