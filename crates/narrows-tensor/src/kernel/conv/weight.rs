//! The weight's gradient: `[small channels, (tap y, tap x, big channel)]`, summed over all positions.

use super::Geometry;
use super::patches::Transposed;
use crate::Activation;
use crate::kernel::epilogue::Rows;
use crate::kernel::gemm::{self, LinesMut, Matrix, Operand, Size};
use crate::kernel::parallel::{Shared, for_each, for_each_chunk};
use crate::kernel::scratch::Scratch;

/// Weights up to this size are summed part by part, each part's sums in a buffer of its own.
const SMALL: usize = 64 * 1024;
/// Parts that a sum over positions is split into, at most; fixed, so that sums do not depend on the thread count.
const PARTS: usize = 16;
/// Positions that a part should have.
const POSITIONS: usize = 512;

/// An operand from depth `from` on.
struct From<'a, O>(&'a O, usize);

impl<O: Operand> Operand for From<'_, O> {
    fn depth_contiguous(&self) -> bool {
        self.0.depth_contiguous()
    }

    fn alike(&self) -> bool {
        self.0.alike()
    }

    fn copy_rows(&self, row: usize, from: usize, into: LinesMut<'_>) {
        self.0.copy_rows(row, self.1 + from, into);
    }

    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]) {
        self.0.fill_depth_major(row, rows, self.1 + from, width, into);
    }
}

impl Geometry {
    /// Computes the gradient of the weight from both images into `weight`, or adds it.
    pub(crate) fn weight_gradient(&self, big: &[f32], small: &[f32], weight: &mut [f32], add: bool) {
        let size = Size { rows: self.small.channels, columns: self.depth(), depth: self.positions() };
        let left = Matrix::columns(small, self.small.channels);
        let mut room = None;
        let right = Transposed(self.patches(big).padded(&mut room));
        let rows = |out, add| {
            let offset = |row: usize| row * size.columns;
            Rows { out, offset, bias: None, activation: Activation::Identity, add }
        };
        let parts = size.depth.div_ceil(POSITIONS).min(PARTS);
        let len = weight.len();
        if len > SMALL || parts == 1 {
            return gemm::product(size, &left, &right, &rows(Shared::new(weight), add));
        }
        let mut sums = Scratch::new(parts * len);
        let shared = Shared::new(&mut sums);
        for_each(parts, |part| {
            let (from, to) = (part * size.depth / parts, (part + 1) * size.depth / parts);
            // SAFETY: each task has its own sums.
            let sums = unsafe { shared.part(part * len, len) };
            let size = Size { depth: to - from, ..size };
            gemm::product(size, &From(&left, from), &From(&right, from), &rows(Shared::new(sums), false));
        });
        for_each_chunk(weight, |start, weight| {
            for part in 0..parts {
                let sums = &sums[part * len + start..][..weight.len()];
                if part == 0 && !add {
                    weight.copy_from_slice(sums);
                } else {
                    weight.iter_mut().zip(sums).for_each(|(weight, sum)| *weight += sum);
                }
            }
        });
    }
}
