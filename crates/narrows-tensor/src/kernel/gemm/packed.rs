//! Right operands packed once, for products that each task does for rows of its own.

use std::ops::Range;

use super::balance::Balance;
use super::kernel::Kernel;
use super::tile::{Right, Tile};
use super::{BLOCK, COLUMNS, Depths, Matrix, Panels, Size, Target, blocks};
use crate::kernel::parallel::for_each_part;
use crate::kernel::scratch::Scratch;

/// A packed right operand, for [`Packed::possible`] depths.
pub(crate) struct Packed {
    kernel: Kernel,
    columns: usize,
    depth: usize,
    blocks: Vec<Block>,
}

/// The panels of one block of depths.
struct Block {
    at: Depths,
    balance: Balance,
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
            return 4 * super::digits::LANES;
        }
        84
    }

    /// Packs several operands at once: sizes of the products, and what is on their right.
    pub(crate) fn all(operands: &[(Size, Matrix<'_>)]) -> Vec<Self> {
        let mut packed: Vec<Self> = operands.iter().map(|(size, _)| Self::room(*size)).collect();
        for_each_part(&mut packed, 1, |index, packed| {
            let right = &operands[index].1;
            for packed in packed {
                for block in &mut packed.blocks {
                    block.balance.fill(right, packed.columns, block.at.from);
                }
            }
        });
        let mut panels = Vec::new();
        for (packed, (_, right)) in packed.iter_mut().zip(operands) {
            let (kernel, columns) = (packed.kernel, packed.columns);
            for Block { at, balance, panels: into } in &mut packed.blocks {
                let len = kernel.right_len(at.len);
                panels.extend(into.chunks_exact_mut(len).enumerate().map(|(index, into)| {
                    let first = index * COLUMNS;
                    (kernel, right, (first, COLUMNS.min(columns - first)), (*at, &*balance), into)
                }));
            }
        }
        for_each_part(&mut panels, 1, |_, panels| {
            for (kernel, right, columns, block, into) in panels {
                kernel.pack_right(*right, *columns, *block, into);
            }
        });
        packed
    }

    fn room(size: Size) -> Self {
        let kernel = Kernel::best(size);
        let block = |at: Depths| {
            let panels = Scratch::new(size.columns.div_ceil(COLUMNS) * kernel.right_len(at.len));
            Block { at, balance: kernel.balance(at.len), panels }
        };
        let blocks = blocks(kernel, size.depth).map(block).collect();
        Self { kernel, columns: size.columns, depth: size.depth, blocks }
    }

    /// The product of `rows` of the left operand by this, on this thread: `left` holds just those rows, one behind the
    /// other. The sums are the same as those of [`super::product`].
    pub(crate) fn multiply(&self, rows: Range<usize>, left: &[f32], target: &impl Target) {
        let left = Matrix::rows(left, self.depth);
        let (mut tile, running) = (Tile::new(), self.kernel.start());
        for Block { at, balance, panels: right } in &self.blocks {
            let panels = Panels::new(self.kernel, rows.len(), at.len, true);
            let mut packed_left = Scratch::new(panels.count * panels.room);
            for (index, into) in packed_left.chunks_exact_mut(panels.room).enumerate() {
                self.kernel.pack_left(&left, panels.rows(index), (*at, balance), &mut into[..panels.len(index)]);
            }
            let len = self.kernel.right_len(at.len);
            let count = right.len() / len;
            for column in 0..count {
                let (first, next) = (column * COLUMNS, (column + 1) % count);
                let [data, next] = [column, next].map(|column| &right[column * len..(column + 1) * len]);
                let right = Right { data, columns: COLUMNS.min(self.columns - first), next };
                panels.multiply(0..panels.count, &packed_left, (&running, right), &mut tile, |row, sums| {
                    target.put(rows.start + row, first, right.columns, sums, at.first, at.last);
                });
            }
        }
    }
}
