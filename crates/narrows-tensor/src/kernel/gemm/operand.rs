//! What a product reads: matrices in memory and image patches, packed panel by panel.

use super::{COLUMNS, pack};

/// A matrix of `rows x depth` numbers, given by how it fills panels.
pub(crate) trait Operand: Sync {
    /// Whether rows are contiguous along the depth; then `copy_row` is the cheap way, else `copy_depth`.
    fn depth_contiguous(&self) -> bool;

    /// Copies row `row`, depths `from..from + into.len()`.
    fn copy_row(&self, row: usize, from: usize, into: &mut [f32]);

    /// Fills `into`, laid out `[depths][width]`, from rows `row..row + rows` and depths `from..`, with zeros in the
    /// columns from `rows` on.
    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]);
}

/// A matrix in memory, contiguous along its rows or along its columns.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    row: usize,
    depth: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix whose rows are contiguous, `stride` apart.
    pub(crate) fn rows(data: &'a [f32], stride: usize) -> Self {
        Self { data, row: stride, depth: 1 }
    }

    /// The transpose of a matrix whose rows are contiguous, `stride` apart.
    pub(crate) fn columns(data: &'a [f32], stride: usize) -> Self {
        Self { data, row: 1, depth: stride }
    }
}

impl Operand for Matrix<'_> {
    fn depth_contiguous(&self) -> bool {
        self.depth == 1
    }

    fn copy_row(&self, row: usize, from: usize, into: &mut [f32]) {
        if self.depth == 1 {
            let start = row * self.row + from;
            into.copy_from_slice(&self.data[start..start + into.len()]);
        } else {
            for (index, into) in into.iter_mut().enumerate() {
                *into = self.data[row * self.row + (from + index) * self.depth];
            }
        }
    }

    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]) {
        if self.depth == 1 {
            pack::transpose(&self.data[row * self.row + from..], self.row, rows, width, into);
        } else {
            for (depth, into) in into.chunks_exact_mut(width).enumerate() {
                let start = row + (from + depth) * self.depth;
                if let (Some(from), Ok(into)) =
                    (self.data[start..].first_chunk::<COLUMNS>(), <&mut [f32; COLUMNS]>::try_from(&mut *into))
                    && rows == COLUMNS
                {
                    *into = *from;
                    continue;
                }
                into[..rows].copy_from_slice(&self.data[start..start + rows]);
                into[rows..].fill(0.0);
            }
        }
    }
}
