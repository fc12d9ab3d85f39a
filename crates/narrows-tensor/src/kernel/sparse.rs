//! Products with rows that have few non-zero entries: `k` (index, value) pairs each.

use super::parallel::{Shared, for_each};
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
                for (&column, &value) in self.columns[at.clone()].iter().zip(&self.values[at]) {
                    if value != 0.0 {
                        add_scaled(out, value, &matrix[column as usize * width..][..width]);
                    }
                }
            }
        });
    }

    /// `out[entry] = dot(dense[row], matrix[column])`, for matrices with rows of `width`.
    pub(crate) fn dots(&self, dense: &[f32], matrix: &[f32], width: usize, out: &mut [f32]) {
        let (rows, each) = (self.rows(), (TASK / self.k).max(1));
        let out = Shared::new(out);
        for_each(rows.div_ceil(each), |task| {
            for row in task * each..rows.min((task + 1) * each) {
                // SAFETY: each row is visited once.
                let out = unsafe { out.part(row * self.k, self.k) };
                let dense = &dense[row * width..][..width];
                for (out, &column) in out.iter_mut().zip(&self.columns[row * self.k..]) {
                    *out = dot(dense, &matrix[column as usize * width..][..width]);
                }
            }
        });
    }

    /// `out[column] = Σ value * dense[row]` over the entries of each column in the order of rows, or added to it.
    pub(crate) fn transposed(&self, columns: usize, dense: &[f32], width: usize, out: &mut [f32], add: bool) {
        let sorted = self.by_column(columns);
        let out = Shared::new(out);
        let each = columns.div_ceil(128);
        for_each(columns.div_ceil(each), |task| {
            for column in task * each..columns.min((task + 1) * each) {
                // SAFETY: each column is visited once.
                let out = unsafe { out.part(column * width, width) };
                if !add {
                    out.fill(0.0);
                }
                for &entry in sorted.column(column) {
                    let entry = entry as usize;
                    add_scaled(out, self.values[entry], &dense[entry / self.k * width..][..width]);
                }
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

    /// The entries other than zero, sorted by column and, in each column, by row (counting sort).
    fn by_column(&self, columns: usize) -> Sorted {
        let mut starts = vec![0u32; columns + 1];
        let entries = || self.columns.iter().zip(self.values).enumerate().filter(|(_, (_, value))| **value != 0.0);
        for (_, (&column, _)) in entries() {
            starts[column as usize + 1] += 1;
        }
        for column in 0..columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut order = vec![0; starts[columns] as usize];
        for (entry, (&column, _)) in entries() {
            order[next[column as usize] as usize] = entry as u32;
            next[column as usize] += 1;
        }
        Sorted { starts, entries: order }
    }
}

/// Entries by column.
struct Sorted {
    starts: Vec<u32>,
    entries: Vec<u32>,
}

impl Sorted {
    fn column(&self, column: usize) -> &[u32] {
        &self.entries[self.starts[column] as usize..self.starts[column + 1] as usize]
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
        let mut lanes = [0.0; 32];
        let (a_blocks, b_blocks) = (a.chunks_exact(32), b.chunks_exact(32));
        let rest = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(a, b)| a * b).sum::<f32>();
        for (a, b) in a_blocks.zip(b_blocks) {
            for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                *lane += a * b;
            }
        }
        lanes.iter().sum::<f32>() + rest
    }
}
