//! What a product reads: matrices in memory and image patches, packed panel by panel.

use super::pack;

/// A matrix of `rows x depth` numbers, given by how it fills panels.
pub(crate) trait Operand: Sync {
    /// Whether rows are contiguous along the depth; then `copy_rows` is the cheap way, else `fill_depth_major`.
    fn depth_contiguous(&self) -> bool;

    /// The numbers in memory from a row and depth on, and the distance between rows, or between depths if those are not
    /// contiguous; nothing if they are not all there.
    fn memory(&self, _row: usize, _from: usize) -> Option<(&[f32], usize)> {
        None
    }

    /// Whether all depths are of one size by what they are, as neighbouring pixels, so that a product need not look.
    fn alike(&self) -> bool {
        false
    }

    /// Copies the rows from `row` on, each from depth `from` on, into the lines of `into`.
    fn copy_rows(&self, row: usize, from: usize, into: LinesMut<'_>);

    /// Fills `into`, laid out `[depths][width]`, from rows `row..row + rows` and depths `from..`, with zeros in the
    /// columns from `rows` on.
    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]);
}

/// Lines of equal length in a buffer, `stride` apart.
pub(crate) struct LinesMut<'a> {
    rest: &'a mut [f32],
    count: usize,
    len: usize,
    stride: usize,
}

impl<'a> LinesMut<'a> {
    /// The first `len` numbers of each of `count` lines.
    pub(crate) fn new(buffer: &'a mut [f32], count: usize, len: usize, stride: usize) -> Self {
        Self { rest: buffer, count, len, stride }
    }
}

impl<'a> Iterator for LinesMut<'a> {
    type Item = &'a mut [f32];

    fn next(&mut self) -> Option<&'a mut [f32]> {
        self.count = self.count.checked_sub(1)?;
        let rest = std::mem::take(&mut self.rest);
        let (line, rest) = rest.split_at_mut(self.stride.min(rest.len()));
        self.rest = rest;
        Some(&mut line[..self.len])
    }
}

/// Copies short runs in place, without a call for each.
#[inline(always)]
pub(crate) fn copy_run(into: &mut [f32], from: &[f32]) {
    match into.len() {
        4 => into[..4].copy_from_slice(&from[..4]),
        len if len % 16 == 0 && len <= 128 => {
            for (into, from) in into.chunks_exact_mut(16).zip(from.chunks_exact(16)) {
                into.copy_from_slice(from);
            }
        }
        _ => into.copy_from_slice(from),
    }
}

/// Copies lines of `width` numbers, `stride` apart in `from`, one behind the other.
fn copy_lines(from: &[f32], stride: usize, width: usize, into: &mut [f32]) {
    const VECTOR: usize = 16;
    let lines = into.len() / width;
    let whole = |line: usize| line * stride + VECTOR <= from.len() && line * width + VECTOR <= into.len();
    // A short line is copied with what lies behind it, which the next line overwrites.
    let fast = if width <= VECTOR { (0..lines).rev().find(|&line| whole(line)).map_or(0, |last| last + 1) } else { 0 };
    for line in 0..fast {
        into[line * width..][..VECTOR].copy_from_slice(&from[line * stride..][..VECTOR]);
    }
    for line in fast..lines {
        copy_run(&mut into[line * width..][..width], &from[line * stride..][..width]);
    }
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

    fn memory(&self, row: usize, from: usize) -> Option<(&[f32], usize)> {
        let stride = if self.depth == 1 { self.row } else { self.depth };
        Some((&self.data[row * self.row + from * self.depth..], stride))
    }

    fn copy_rows(&self, row: usize, from: usize, into: LinesMut<'_>) {
        for (row, line) in (row..).zip(into) {
            let start = row * self.row + from * self.depth;
            if self.depth == 1 {
                line.copy_from_slice(&self.data[start..start + line.len()]);
            } else {
                for (into, value) in line.iter_mut().zip(self.data[start..].iter().step_by(self.depth)) {
                    *into = *value;
                }
            }
        }
    }

    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]) {
        if self.depth == 1 {
            pack::transpose(&self.data[row * self.row + from..], self.row, rows, width, into);
        } else {
            let start = row + from * self.depth;
            if rows == width {
                copy_lines(&self.data[start..], self.depth, width, into);
            } else {
                for (depth, into) in into.chunks_exact_mut(width).enumerate() {
                    let start = start + depth * self.depth;
                    into[..rows].copy_from_slice(&self.data[start..start + rows]);
                    into[rows..].fill(0.0);
                }
            }
        }
    }
}
