//! Products with rows that have few non-zero entries: `k` (index, value) pairs each.

use super::by_column::ByColumn;
use super::parallel::{Shared, for_each};
use super::picked::{self, BATCH, Matrix, add_scaled_rows};
use super::simd::vectorized;

/// Entries of one task in a loop over entries.
const TASK: usize = 1024;

/// A matrix with `k` entries in each row.
#[derive(Clone, Copy)]
pub(crate) struct Entries<'a> {
    pub(crate) k: usize,
    /// Column of each entry, row by row.
    pub(crate) columns: &'a [u32],
    pub(crate) values: &'a [f32],
}

impl Entries<'_> {
    fn rows(&self) -> usize {
        self.values.len() / self.k
    }

    /// `out[row] = start + Σ value * matrix[column]`, for a matrix with rows of `width`.
    pub(crate) fn multiply(&self, matrix: &[f32], width: usize, start: Option<&[f32]>, out: &mut [f32]) {
        let (rows, each) = (self.rows(), (TASK / self.k).max(1));
        let out = Shared::new(out);
        for_each(rows.div_ceil(each), |task| {
            for row in task * each..rows.min((task + 1) * each) {
                // SAFETY: each row is visited once.
                let out = unsafe { out.part(row * width, width) };
                match start {
                    Some(start) => out.copy_from_slice(start),
                    None => out.fill(0.0),
                }
                let at = row * self.k..(row + 1) * self.k;
                let others = self.values[at.clone()].iter().zip(&self.columns[at]).filter(|(value, _)| **value != 0.0);
                in_batches(others.map(|(value, column)| (*value, *column)), |scales, rows| {
                    add_scaled_rows(out, Matrix { data: matrix, width }, scales, rows);
                });
            }
        });
    }

    /// The entries other than zero, sorted by column.
    fn by_column(&self, columns: usize) -> ByColumn {
        let entries = self.columns.iter().zip(self.values).enumerate();
        let others = entries.filter(|(_, (_, value))| **value != 0.0).map(|(entry, (&column, _))| (entry, column));
        ByColumn::new(columns, others)
    }

    /// `out[entry] = dot(dense[row], matrix[column])`, for matrices with rows of `width`.
    pub(crate) fn dots(&self, dense: &[f32], matrix: &[f32], width: usize, out: &mut [f32]) {
        self.some_dots(dense, matrix, width, Shared::new(out), |_| true);
    }

    /// Both gradients of a product with `matrix`, from that of the result: [`Entries::dots`] and [`Entries::transposed`].
    pub(crate) fn gradients(
        &self,
        columns: usize,
        dense: &[f32],
        matrix: &[f32],
        width: usize,
        dots: &mut [f32],
        (out, add): (&mut [f32], bool),
    ) {
        let dots = Shared::new(dots);
        self.some_dots(dense, matrix, width, dots, |value| value == 0.0);
        let dense = Matrix { data: dense, width };
        // The rows come into a near cache once for both.
        self.for_each_column(columns, width, out, add, |(entries, column), (scales, rows), out| {
            add_scaled_rows(out, dense, scales, rows);
            let mut found = [0.0; BATCH];
            let found = &mut found[..rows.len()];
            picked::dots(&matrix[column * width..][..width], dense, rows, found);
            for (entry, dot) in entries.iter().zip(found) {
                // SAFETY: each entry is visited once.
                unsafe { dots.part(*entry as usize, 1)[0] = *dot };
            }
        });
    }

    /// Those of [`Entries::dots`] whose values are `chosen`.
    fn some_dots(
        &self,
        dense: &[f32],
        matrix: &[f32],
        width: usize,
        out: Shared<'_, f32>,
        chosen: impl Fn(f32) -> bool + Sync,
    ) {
        let (rows, each) = (self.rows(), (TASK / self.k).max(1));
        for_each(rows.div_ceil(each), |task| {
            for entry in task * each * self.k..rows.min((task + 1) * each) * self.k {
                if chosen(self.values[entry]) {
                    let (row, column) = (entry / self.k, self.columns[entry] as usize);
                    let sum = dot(&dense[row * width..][..width], &matrix[column * width..][..width]);
                    // SAFETY: each entry is visited once.
                    unsafe { out.part(entry, 1)[0] = sum };
                }
            }
        });
    }

    /// `out[column] = Σ value * dense[row]` over the entries of each column in the order of rows, or added to it.
    pub(crate) fn transposed(&self, columns: usize, dense: &[f32], width: usize, out: &mut [f32], add: bool) {
        self.for_each_column(columns, width, out, add, |_, (scales, rows), out| {
            add_scaled_rows(out, Matrix { data: dense, width }, scales, rows);
        });
    }

    /// Runs `run((entries, column), (values, rows), out[column])` for entries other than zero, at most [`BATCH`] of a column at
    /// once.
    fn for_each_column(
        &self,
        columns: usize,
        width: usize,
        out: &mut [f32],
        add: bool,
        run: impl Fn((&[u32], usize), (&[f32], &[u32]), &mut [f32]) + Sync,
    ) {
        let out = Shared::new(out);
        self.by_column(columns).for_each(|column, entries| {
            // SAFETY: each column is visited once.
            let out = unsafe { out.part(column * width, width) };
            if !add {
                out.fill(0.0);
            }
            let (mut values, mut rows) = ([0.0; BATCH], [0; BATCH]);
            for entries in entries.chunks(BATCH) {
                for ((entry, value), row) in entries.iter().zip(&mut values).zip(&mut rows) {
                    (*value, *row) = (self.values[*entry as usize], *entry / self.k as u32);
                }
                run((entries, column), (&values[..entries.len()], &rows[..entries.len()]), out);
            }
        });
    }

    /// `out[column] = Σ value`, or added to it.
    pub(crate) fn column_sums(&self, out: &mut [f32], add: bool) {
        if !add {
            out.fill(0.0);
        }
        for (&column, &value) in self.columns.iter().zip(self.values) {
            out[column as usize] += value;
        }
    }
}

/// Runs `run` on at most [`BATCH`] numbers and rows at once.
fn in_batches(mut entries: impl Iterator<Item = (f32, u32)>, mut run: impl FnMut(&[f32], &[u32])) {
    let (mut scales, mut rows) = ([0.0; BATCH], [0; BATCH]);
    loop {
        let mut count = 0;
        for (scale, row) in entries.by_ref().take(BATCH) {
            (scales[count], rows[count]) = (scale, row);
            count += 1;
        }
        if count == 0 {
            return;
        }
        run(&scales[..count], &rows[..count]);
    }
}

vectorized! {
    pub(crate) fn add_scaled(out: &mut [f32], scale: f32, x: &[f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out += scale * x;
        }
    }
}

vectorized! {
    pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut lanes = [0.0; LANES];
        let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        let (a_parts, b_parts) = (a_blocks.remainder().chunks_exact(16), b_blocks.remainder().chunks_exact(16));
        let rest = a_parts.remainder().iter().zip(b_parts.remainder()).map(|(a, b)| a * b).sum::<f32>();
        for (a, b) in a_blocks.zip(b_blocks) {
            for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                *lane += a * b;
            }
        }
        for (a, b) in a_parts.zip(b_parts) {
            for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                *lane += a * b;
            }
        }
        sum(&lanes) + rest
    }
}

const LANES: usize = 64;

/// The sum of all lanes, halves on halves. Inlined, it would have the compiler take the loop in front of it apart.
#[inline(never)]
fn sum(lanes: &[f32; LANES]) -> f32 {
    let mut lanes = *lanes;
    let mut half = LANES / 2;
    while half > 0 {
        let (low, high) = lanes.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
        half /= 2;
    }
    lanes[0]
}
