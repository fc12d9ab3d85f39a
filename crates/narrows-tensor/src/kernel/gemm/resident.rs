//! Left operands packed once, for right panels that a caller writes as the vector units read them.

use super::kernel::Kernel;
use super::operand::Operand;
use super::tile::{self, COLUMNS, Left, Right};
use super::{BLOCK, Matrix, Panels, Size, Tile};
use crate::kernel::scratch::Scratch;

/// A packed left operand of at most [`BLOCK`] depths.
pub(crate) struct Resident {
    panels: Panels,
    packed: Scratch,
}

impl Resident {
    /// Whether the product of this size and one with the sides exchanged run on the vector units, in one block.
    pub(crate) fn possible(size: Size) -> bool {
        (1..=BLOCK).contains(&size.depth) && Kernel::best(size) == Kernel::Vector
    }

    /// Packs so many rows of so many depths.
    pub(crate) fn new(left: &Matrix<'_>, rows: usize, depth: usize) -> Self {
        let panels = Panels::new(Kernel::Vector, rows, depth, false);
        let mut packed = Scratch::new(panels.count * panels.room);
        for (index, into) in packed.chunks_exact_mut(panels.room).enumerate() {
            let (row, rows) = panels.rows(index);
            left.fill_depth_major(row, rows, 0, rows, &mut into[..rows * depth]);
        }
        Self { panels, packed }
    }

    /// The product by a panel `[depth][COLUMNS]` whose first `columns` count, on this thread: gives `put` the first row and the
    /// sums of each tile. The sums are the same as those of [`super::product`].
    pub(crate) fn multiply(
        &self,
        panel: &[f32],
        columns: usize,
        tile: &mut Tile,
        mut put: impl FnMut(usize, &[[f32; COLUMNS]]),
    ) {
        let right = Right { data: &panel[..self.panels.depth * COLUMNS], columns, next: &[] };
        for (index, data) in self.packed.chunks_exact(self.panels.room).enumerate() {
            let (row, rows) = self.panels.rows(index);
            tile::multiply(Left { data, rows, by_row: false }, right, tile);
            put(row, &tile.0[..rows]);
        }
    }
}
