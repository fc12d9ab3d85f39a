//! Right operands packed once, for products that each task does for rows of its own.

use std::ops::Range;

use super::kernel::Kernel;
use super::tile::{Right, Tile};
use super::{BLOCK, COLUMNS, Matrix, Panels, Size, Target, blocks};
use crate::kernel::parallel::{Shared, for_each};
use crate::kernel::scratch::Scratch;

/// A packed right operand of at most [`BLOCK`] depths.
pub(crate) struct Packed {
    kernel: Kernel,
    columns: usize,
    depth: usize,
    panels: Scratch,
}

impl Packed {
    /// Whether an operand of so many depths can be packed whole.
    pub(crate) fn possible(depth: usize) -> bool {
        (1..=BLOCK).contains(&depth)
    }

    /// Rows that a task should bring, so that each packed panel serves several of its own: four panels of the matrix unit's,
    /// or six of the vector units'.
    pub(crate) fn rows() -> usize {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if super::amx::available() {
            return 4 * super::amx::LANES;
        }
        84
    }

    /// Packs several operands in one parallel loop: sizes of the products, and what is on their right.
    pub(crate) fn all(operands: &[(Size, Matrix<'_>)]) -> Vec<Self> {
        let mut packed: Vec<Self> = operands.iter().map(|(size, _)| Self::room(*size)).collect();
        let counts: Vec<usize> = packed.iter().map(Self::count).collect();
        {
            let parts: Vec<_> = packed
                .iter_mut()
                .map(|packed| (packed.kernel, packed.len(), Shared::new(&mut packed.panels[..])))
                .collect();
            for_each(counts.iter().sum(), |task| {
                let (mut index, mut panel) = (0, task);
                while panel >= counts[index] {
                    panel -= counts[index];
                    index += 1;
                }
                let ((kernel, len, shared), (size, right)) = (parts[index], &operands[index]);
                let first = panel * COLUMNS;
                // SAFETY: each task packs its own panel.
                let into = unsafe { shared.part(panel * len, len) };
                kernel.pack_right(right, (first, COLUMNS.min(size.columns - first)), (0, size.depth), into);
            });
        }
        packed
    }

    fn room(size: Size) -> Self {
        let kernel = Kernel::best(size);
        let len = kernel.right_len(size.depth);
        let panels = Scratch::new(size.columns.div_ceil(COLUMNS) * len);
        Self { kernel, columns: size.columns, depth: size.depth, panels }
    }

    fn count(&self) -> usize {
        self.columns.div_ceil(COLUMNS)
    }

    /// Numbers in a panel.
    fn len(&self) -> usize {
        self.kernel.right_len(self.depth)
    }

    /// The product of `rows` of the left operand by this, on this thread: `left` holds just those rows, one behind the
    /// other. The sums are the same as those of [`super::product`].
    pub(crate) fn multiply(&self, rows: Range<usize>, left: &[f32], target: &impl Target) {
        let left = Matrix::rows(left, self.depth);
        let (mut tile, running) = (Tile::new(), self.kernel.start());
        for at in blocks(self.kernel, self.depth) {
            let panels = Panels::new(self.kernel, rows.len(), at.len, true);
            let mut packed_left = Scratch::new(panels.count * panels.room);
            for (index, into) in packed_left.chunks_exact_mut(panels.room).enumerate() {
                self.kernel.pack_left(&left, panels.rows(index), (at.from, at.len), &mut into[..panels.len(index)]);
            }
            let block = self.kernel.right_len(at.from)..self.kernel.right_len(at.from + at.len);
            for column in 0..self.count() {
                let (first, next) = (column * COLUMNS, (column + 1) % self.count());
                let [data, next] = [column, next].map(|column| &self.panels[column * self.len()..][block.clone()]);
                let right = Right { data, columns: COLUMNS.min(self.columns - first), next };
                panels.multiply(0..panels.count, &packed_left, (&running, right), &mut tile, |row, sums| {
                    target.put(rows.start + row, first, right.columns, sums, at.first, at.last);
                });
            }
        }
    }
}
