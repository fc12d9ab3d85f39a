//! Matrix products with packed operands and an epilogue: `out = finish(left rightᵀ)`.
//!
//! Both operands are packed into panels in a first parallel loop and multiplied tile by tile in a second. Operands may be
//! image patches that exist nowhere in memory. A tall left operand is packed part by part, in the loop that multiplies it. The
//! order of every sum is fixed by the shapes alone.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod kernel;
mod operand;
mod pack;
mod packed;
mod tile;

use std::ops::Range;

use kernel::{Kernel, Running};
pub(crate) use operand::{LinesMut, Matrix, Operand, copy_run};
pub(crate) use packed::Packed;
pub(crate) use tile::COLUMNS;
use tile::{Left, Right, Tile};

use super::parallel::{Shared, for_each, for_each_part};
use super::scratch::Scratch;

/// Depths after which partial sums go to memory; the packed operands of one block should stay in the caches.
const BLOCK: usize = 2048;
/// Left panels from which on a task packs its own ones.
const TALL: usize = 4 * TASKS;
/// Tasks that balance the load well enough.
const TASKS: usize = 24;
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
    let mut packed = Scratch::new(right_panels * panel);
    let pack_right = |index: usize, into: &mut [f32]| {
        let first = index * COLUMNS;
        kernel.pack_right(right, (first, COLUMNS.min(size.columns - first)), (at.from, at.len), into);
    };
    let pack_left = |panels: &Panels, index: usize, into: &mut [f32]| {
        kernel.pack_left(left, panels.rows(index), (at.from, at.len), into);
    };
    // A column of tiles: the panels of a group, packed in `packed_left`, by one right panel.
    let multiply = |panels: &Panels, group: Range<usize>, packed_left: &[f32], column: usize, packed: &[f32]| {
        let (first, next) = (column * COLUMNS, (column + 1) % right_panels);
        let [data, next] = [column, next].map(|column| &packed[column * panel..(column + 1) * panel]);
        let right = Right { data, columns: COLUMNS.min(size.columns - first), next };
        panels.multiply(group, packed_left, (&kernel.start(), right), &mut Tile::new(), |row, sums| {
            target.put(row, first, right.columns, sums, at.first, at.last);
        });
    };
    let by_row = left.depth_contiguous();
    let all = Panels::new(kernel, size.rows, at.len, by_row);
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
                multiply(&all, group.clone(), &packed_left, column, &packed);
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
    let cached = (CACHED / all.room).max(1);
    let groups = TASKS.div_ceil(right_panels).max(all.count.div_ceil(cached)).min(all.count);
    for_each(groups * right_panels, |task| {
        // One after the other, a thread's tasks find their group in its second-level cache.
        let (group, column) = (all.group(task / right_panels, groups), task % right_panels);
        multiply(&all, group.clone(), &packed_left[group.start * all.room..], column, &packed);
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sums into a matrix.
    struct Plain<'a>(Shared<'a, f32>, usize);

    impl Target for Plain<'_> {
        fn put(&self, row: usize, column: usize, columns: usize, sums: &[[f32; COLUMNS]], first: bool, _: bool) {
            for (i, sums) in sums.iter().enumerate() {
                // SAFETY: tiles do not overlap.
                let into = unsafe { self.0.part((row + i) * self.1 + column, columns) };
                for (into, sum) in into.iter_mut().zip(sums) {
                    *into = if first { *sum } else { *into + sum };
                }
            }
        }
    }

    fn normal(name: &str, len: usize) -> Vec<f32> {
        let mut values = vec![0.0; len];
        crate::random::fill_normal(&crate::Key::new(1).named(name), &mut values);
        values
    }

    fn check(size: Size, left_rows: bool, right_rows: bool) {
        let Size { rows, columns, depth } = size;
        let draw =
            |len: usize, salt: usize| -> Vec<f32> { (0..len).map(|i| ((i * 7919 + salt) % 17) as f32 - 8.0).collect() };
        let (a, b) = (draw(rows * depth, 1), draw(columns * depth, 2));
        let left = if left_rows { Matrix::rows(&a, depth) } else { Matrix::columns(&a, rows) };
        let right = if right_rows { Matrix::rows(&b, depth) } else { Matrix::columns(&b, columns) };
        let mut kernels = vec![Kernel::Vector];
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if amx::available() {
            kernels.push(Kernel::Matrix);
        }
        let outs = kernels.into_iter().filter(|_| depth > 0).map(|kernel| {
            let mut out = vec![f32::NAN; rows * columns];
            run(kernel, size, &left, &right, &Plain(Shared::new(&mut out), columns));
            out
        });
        let mut best = vec![f32::NAN; rows * columns];
        product(size, &left, &right, &Plain(Shared::new(&mut best), columns));
        let outs: Vec<_> = outs.chain([best]).collect();
        for i in 0..rows {
            for j in 0..columns {
                let sum: f32 = (0..depth)
                    .map(|k| {
                        let a = if left_rows { a[i * depth + k] } else { a[k * rows + i] };
                        a * if right_rows { b[j * depth + k] } else { b[k * columns + j] }
                    })
                    .sum();
                for out in &outs {
                    assert_eq!(out[i * columns + j], sum, "{size:?} {left_rows} {right_rows} at {i}, {j}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
        #[test]
        fn products_equal_the_naive_loop(
            rows in 1usize..70, columns in 1usize..80, depth in 0usize..90, left: bool, right: bool,
        ) {
            check(Size { rows, columns, depth }, left, right);
        }
    }

    /// Products of pairs of small whole numbers, on each kernel that there is.
    #[cfg(target_arch = "x86_64")]
    fn check_pairs(size: Size) {
        let Size { rows, columns, depth } = size;
        let draw = |len: usize, salt: usize| -> Vec<[f32; 2]> {
            (0..len).map(|i| [0, 5].map(|shift| ((i * 7919 + salt + shift) % 17) as f32 - 8.0)).collect()
        };
        let pack = |pairs: &[[f32; 2]]| -> Vec<f32> {
            pairs.iter().map(|[a, b]| f32::from_bits(a.to_bits() >> 16 | b.to_bits())).collect()
        };
        let (a, b) = (draw(rows * depth, 1), draw(columns * depth, 2));
        let (left, right) = (pack(&a), pack(&b));
        let mut kernels = vec![];
        kernels.extend(tile::pairs().then_some(Kernel::Pairs));
        #[cfg(target_os = "linux")]
        kernels.extend(amx::available().then_some(Kernel::MatrixPairs));
        for kernel in kernels {
            let mut out = vec![f32::NAN; rows * columns];
            let (left, right) = (Matrix::rows(&left, depth), Matrix::rows(&right, depth));
            run(kernel, size, &left, &right, &Plain(Shared::new(&mut out), columns));
            for (index, out) in out.into_iter().enumerate() {
                let (a, b) = (&a[index / columns * depth..][..depth], &b[index % columns * depth..][..depth]);
                let sum: f32 = a.iter().zip(b).map(|(a, b)| a[0] * b[0] + a[1] * b[1]).sum();
                assert_eq!(out, sum, "{kernel:?} {size:?} at {index}");
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn products_of_pairs_equal_the_naive_loop() {
        // Left-over numbers of an earlier product must not count.
        drop(std::array::from_fn::<_, 4, _>(|_| {
            let mut scratch = Scratch::new(200_000);
            scratch.fill(f32::NAN);
            scratch
        }));
        for (rows, columns, depth) in
            [(1, 1, 1), (3, 33, 16), (32, 32, 17), (45, 70, 67), (17, 40, 530), (200, 70, 100), (3, 5, 2100)]
        {
            check_pairs(Size { rows, columns, depth });
        }
    }

    #[test]
    fn deep_and_tall_products_are_summed_block_by_block() {
        check(Size { rows: 3, columns: 5, depth: 4500 }, true, true);
        check(Size { rows: 3, columns: 33, depth: 4500 }, false, false);
        check(Size { rows: 1500, columns: 35, depth: 1100 }, true, false);
        check(Size { rows: 1500, columns: 3, depth: 2100 }, false, true);
    }

    #[test]
    fn packed_operands_give_the_bits_of_products() {
        for (rows, columns, depth) in [(200, 330, 1300), (20, 70, 1300), (130, 200, 513)] {
            let size = Size { rows, columns, depth };
            let (a, b) = (normal("a", rows * depth), normal("b", columns * depth));
            let right = Matrix::rows(&b, depth);
            let [mut whole, mut shared] = [(); 2].map(|()| vec![f32::NAN; rows * columns]);
            product(size, &Matrix::rows(&a, depth), &right, &Plain(Shared::new(&mut whole), columns));
            let packed = Packed::all(&[(size, right)]);
            for share in [0..rows / 3, rows / 3..rows] {
                let left = &a[share.start * depth..share.end * depth];
                packed[0].multiply(share, left, &Plain(Shared::new(&mut shared), columns));
            }
            assert!(whole == shared, "{size:?}");
        }
    }

    #[test]
    fn every_kernel_is_as_accurate_as_f32() {
        let size = Size { rows: 40, columns: 50, depth: 300 };
        let (a, b) = (normal("a", size.rows * size.depth), normal("b", size.columns * size.depth));
        let mut kernels = vec![Kernel::Vector];
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if amx::available() {
            kernels.push(Kernel::Matrix);
        }
        for kernel in kernels {
            let mut out = vec![0.0; size.rows * size.columns];
            let (left, right) = (Matrix::rows(&a, size.depth), Matrix::rows(&b, size.depth));
            run(kernel, size, &left, &right, &Plain(Shared::new(&mut out), size.columns));
            for (index, out) in out.into_iter().enumerate() {
                let (i, j) = (index / size.columns, index % size.columns);
                let products =
                    (0..size.depth).map(|k| f64::from(a[i * size.depth + k]) * f64::from(b[j * size.depth + k]));
                let (exact, scale) = products.fold((0.0, 0.0), |(sum, scale), p| (sum + p, scale + p.abs()));
                // A sum in order in f32 is within depth * 2^-24 of its terms' size, and typically within its root.
                assert!((f64::from(out) - exact).abs() < 1e-6 * scale, "{kernel:?} at {i}, {j}");
            }
        }
    }
}
