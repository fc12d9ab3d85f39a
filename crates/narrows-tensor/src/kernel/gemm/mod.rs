//! Matrix products with packed operands and an epilogue: `out = finish(left rightᵀ)`.
//!
//! Both operands are packed into panels in a first parallel loop and multiplied tile by tile in a second. Operands may be
//! image patches that exist nowhere in memory. A tall left operand and a wide right one are packed part by part, in the loop that
//! multiplies them. The order of every sum is fixed by the shapes alone.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod balance;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod digits;
mod kernel;
mod operand;
mod pack;
mod packed;
mod resident;
mod tile;

use std::ops::Range;

use kernel::{Kernel, Running};
pub(crate) use operand::{LinesMut, Matrix, Operand, copy_run};
pub(crate) use packed::Packed;
pub(crate) use resident::Resident;
pub(crate) use tile::{COLUMNS, Tile};
use tile::{Left, Right};

use super::parallel::{Shared, for_each, for_each_part, threads};
use super::scratch::Scratch;

/// Depths after which partial sums go to memory; the packed operands of one block should stay in the caches.
const BLOCK: usize = 2048;
/// Left panels from which on a task packs its own ones.
const TALL: usize = 4 * TASKS;
/// Tasks that balance the load well enough.
const TASKS: usize = 24;
/// Right panels for each thread from which on each is one task.
const ENOUGH: usize = 6;
/// Numbers of packed left panels that one task goes over again and again, from the second-level cache.
const CACHED: usize = 160 * 1024;

/// Rows, columns and depth of a product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) depth: usize,
}

/// Where sums go. Called once for each tile and block of depths, in the order of blocks.
pub(crate) trait Target: Sync {
    /// Takes the first `columns` numbers of each of `sums`: rows from `row` on, columns from `column` on. `first` and
    /// `last` say whether this is the first and the last block of depths: sums of a later block are added to what the
    /// earlier ones left.
    fn put(&self, row: usize, column: usize, columns: usize, sums: &[[f32; COLUMNS]], first: bool, last: bool);
}

/// Computes `left rightᵀ` for `left: [rows, depth]` and `right: [columns, depth]`.
pub(crate) fn product(size: Size, left: &impl Operand, right: &impl Operand, target: &impl Target) {
    if size.depth == 0 {
        for_each(size.rows, |row| {
            for column in (0..size.columns).step_by(COLUMNS) {
                target.put(row, column, COLUMNS.min(size.columns - column), &[[0.0; COLUMNS]], true, true);
            }
        });
        return;
    }
    run(Kernel::best(size), size, left, right, target);
}

/// Whether [`product_of_pairs`] can run here.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(crate) fn pairs_available() -> bool {
    tile::pairs()
}

/// As [`product`] for matrices with contiguous rows whose numbers are pairs of bf16.
///
/// # Panics
/// There are no [`pairs_available`].
#[cfg(target_arch = "x86_64")]
pub(crate) fn product_of_pairs(size: Size, left: &Matrix<'_>, right: &Matrix<'_>, target: &impl Target) {
    run(Kernel::best_of_pairs(), size, left, right, target);
}

fn run(kernel: Kernel, size: Size, left: &impl Operand, right: &impl Operand, target: &impl Target) {
    for at in blocks(kernel, size.depth) {
        add_block(kernel, size, at, left, right, target);
    }
}

/// One block of depths.
#[derive(Clone, Copy)]
struct Depths {
    from: usize,
    len: usize,
    first: bool,
    last: bool,
}

/// The blocks that a kernel sums one after the other.
fn blocks(kernel: Kernel, depth: usize) -> impl Iterator<Item = Depths> {
    let block = kernel.block();
    (0..depth).step_by(block).map(move |from| {
        let len = block.min(depth - from);
        Depths { from, len, first: from == 0, last: from + len == depth }
    })
}

fn add_block(kernel: Kernel, size: Size, at: Depths, left: &impl Operand, right: &impl Operand, target: &impl Target) {
    let right_panels = size.columns.div_ceil(COLUMNS);
    let panel = kernel.right_len(at.len);
    let mut balance = kernel.balance(at.len);
    balance.fill(right, size.columns, at.from);
    let pack_right = |index: usize, into: &mut [f32]| {
        let first = index * COLUMNS;
        kernel.pack_right(right, (first, COLUMNS.min(size.columns - first)), (at, &balance), into);
    };
    let pack_left = |panels: &Panels, index: usize, into: &mut [f32]| {
        kernel.pack_left(left, panels.rows(index), (at, &balance), into);
    };
    // A column of tiles: the panels of a group, packed in `packed_left`, by one right panel.
    let multiply =
        |panels: &Panels, group: Range<usize>, packed_left: &[f32], column: usize, data: &[f32], next: &[f32]| {
            let first = column * COLUMNS;
            let right = Right { data, columns: COLUMNS.min(size.columns - first), next };
            panels.multiply(group, packed_left, (&kernel.start(), right), &mut Tile::new(), |row, sums| {
                target.put(row, first, right.columns, sums, at.first, at.last);
            });
        };
    let by_row = left.depth_contiguous();
    let all = Panels::new(kernel, size.rows, at.len, by_row);
    let cached = (CACHED / all.room).max(1);
    if all.count <= cached && right_panels >= ENOUGH * threads() {
        // The whole left operand stays in every second-level cache: each task packs its columns and multiplies them.
        let mut packed_left = Scratch::new(all.count * all.room);
        for_each_part(&mut packed_left, all.room, |start, into| {
            let index = start / all.room;
            pack_left(&all, index, &mut into[..all.len(index)]);
        });
        return for_each(right_panels, |column| {
            let mut packed = Scratch::new(panel);
            pack_right(column, &mut packed);
            multiply(&all, 0..all.count, &packed_left, column, &packed, &[]);
        });
    }
    let mut packed = Scratch::new(right_panels * panel);
    let pair = |column: usize| [column, (column + 1) % right_panels].map(|column| column * panel..(column + 1) * panel);
    if all.count >= TALL {
        // Each task packs its rows and multiplies them while they are in the second-level cache.
        for_each_part(&mut packed, panel, |start, into| pack_right(start / panel, into));
        let groups = all.count.div_ceil((CACHED / 2 / all.room).max(1)).max(TASKS);
        return for_each(groups, |group| {
            let group = all.group(group, groups);
            let mut packed_left = Scratch::new(group.len() * all.room);
            for (index, into) in group.clone().zip(packed_left.chunks_exact_mut(all.room)) {
                pack_left(&all, index, &mut into[..all.len(index)]);
            }
            for column in 0..right_panels {
                let [this, next] = pair(column);
                multiply(&all, group.clone(), &packed_left, column, &packed[this], &packed[next]);
            }
        });
    }
    let mut packed_left = Scratch::new(all.count * all.room);
    let (shared_left, shared_right) = (Shared::new(&mut packed_left), Shared::new(&mut packed));
    for_each(right_panels + all.count, |task| {
        if task < right_panels {
            // SAFETY: each task packs its own panel.
            pack_right(task, unsafe { shared_right.part(task * panel, panel) });
        } else {
            let index = task - right_panels;
            // SAFETY: each task packs its own panel.
            pack_left(&all, index, unsafe { shared_left.part(index * all.room, all.len(index)) });
        }
    });
    let groups = TASKS.div_ceil(right_panels).max(all.count.div_ceil(cached)).min(all.count);
    for_each(groups * right_panels, |task| {
        // One after the other, a thread's tasks find their group in its second-level cache.
        let (group, column) = (all.group(task / right_panels, groups), task % right_panels);
        let [this, next] = pair(column);
        multiply(&all, group.clone(), &packed_left[group.start * all.room..], column, &packed[this], &packed[next]);
    });
}

/// How rows are shared out among left panels: as evenly as possible.
#[derive(Clone, Copy)]
struct Panels {
    kernel: Kernel,
    rows: usize,
    count: usize,
    depth: usize,
    by_row: bool,
    /// Numbers from one packed panel to the next.
    room: usize,
}

impl Panels {
    fn new(kernel: Kernel, rows: usize, depth: usize, by_row: bool) -> Self {
        let count = rows.div_ceil(kernel.rows());
        let room = kernel.left_len(rows.div_ceil(count), depth, by_row);
        Self { kernel, rows, count, depth, by_row, room }
    }

    /// First row and number of rows of a panel.
    fn rows(&self, index: usize) -> (usize, usize) {
        let edge = |index: usize| index * self.rows / self.count;
        (edge(index), edge(index + 1) - edge(index))
    }

    /// Numbers in a packed panel.
    fn len(&self, index: usize) -> usize {
        self.kernel.left_len(self.rows(index).1, self.depth, self.by_row)
    }

    /// Multiplies the panels of a group, packed one behind the other in `packed`, by one right panel: gives `put` the first row
    /// and the sums of each tile.
    fn multiply(
        &self,
        group: Range<usize>,
        packed: &[f32],
        (running, right): (&Running, Right<'_>),
        tile: &mut Tile,
        put: impl Fn(usize, &[[f32; COLUMNS]]),
    ) {
        for (place, (index, data)) in group.zip(packed.chunks(self.room)).enumerate() {
            let (row, rows) = self.rows(index);
            let left = Left { data: &data[..self.len(index)], rows, by_row: self.by_row };
            running.multiply(left, right, place, tile);
            put(row, &tile.0[..rows]);
        }
    }

    /// The panels of one of so many groups.
    fn group(&self, index: usize, groups: usize) -> Range<usize> {
        index * self.count / groups..(index + 1) * self.count / groups
    }
}

#[cfg(test)]
mod tests;
