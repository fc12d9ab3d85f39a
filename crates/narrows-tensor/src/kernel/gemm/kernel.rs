//! The kernels that a product can run on: the vector units everywhere, the matrix unit where there is one.
#![cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), allow(unused_imports, unused_variables))]

use super::Depths;
use super::balance::{Balance, Side};
use super::operand::{LinesMut, Operand};
use super::tile::{self, COLUMNS, DEPTH, Left, Right, STRIDE, Tile};

/// Where a product runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    /// Fused multiply-add on vectors.
    Vector,
    /// Pairs of bf16 on vectors; each number of an operand is such a pair.
    #[cfg(target_arch = "x86_64")]
    Pairs,
    /// Six products of signed bytes on the matrix unit.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Matrix,
    /// Pairs of bf16 on the matrix unit.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    MatrixPairs,
}

/// A thread's use of a kernel.
pub(super) enum Running {
    Vector,
    #[cfg(target_arch = "x86_64")]
    Pairs,
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Matrix(super::amx::Registers),
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    MatrixPairs(super::amx::Registers),
}

/// A third of the harmonic mean of rows, columns and depths from which on the matrix unit gains more than it costs: a number
/// is split once for each row and column, a sum comes out of the unit once for each depth. Measured with `cargo xtask bench`.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
const WORTH: f64 = 50.0;

impl Kernel {
    /// The fastest kernel for a product.
    pub(super) fn best(size: super::Size) -> Self {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        {
            let overhead: f64 = [size.rows, size.columns, size.depth].map(|n| 1.0 / n as f64).iter().sum();
            if WORTH * overhead < 1.0 && super::amx::available() {
                return Self::Matrix;
            }
        }
        let _ = size;
        Self::Vector
    }

    /// The fastest kernel for pairs of bf16.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn best_of_pairs() -> Self {
        #[cfg(target_os = "linux")]
        if super::amx::available() {
            return Self::MatrixPairs;
        }
        Self::Pairs
    }

    /// Depths after which partial sums go to memory.
    pub(super) fn block(self) -> usize {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Matrix => super::digits::BLOCK,
            // Those who ask for products of pairs want whole sums.
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => usize::MAX,
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::MatrixPairs => usize::MAX,
            Self::Vector => super::BLOCK,
        }
    }

    /// Depths that are summed at once: panels end with zeros up to a multiple of them.
    fn step(self) -> usize {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::MatrixPairs => super::amx::PAIRS,
            _ => 1,
        }
    }

    /// The most rows of a left panel.
    pub(super) fn rows(self) -> usize {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Matrix | Self::MatrixPairs => super::digits::LANES,
            _ => tile::rows(),
        }
    }

    /// Numbers in a packed left panel of `rows` rows.
    pub(super) fn left_len(self, rows: usize, depth: usize, by_row: bool) -> usize {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Matrix => super::digits::panel_len(depth),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::MatrixPairs => super::amx::pairs_len(depth),
            _ => tile::left_len(rows, depth, by_row),
        }
    }

    /// Numbers in a packed right panel of 32 columns.
    pub(super) fn right_len(self, depth: usize) -> usize {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Matrix => super::digits::panel_len(depth),
            _ => depth.next_multiple_of(self.step()) * COLUMNS,
        }
    }

    /// Room for the factors that balance so many depths, if the kernel needs any.
    pub(super) fn balance(self, depth: usize) -> Balance {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Matrix => Balance::new(depth),
            _ => Balance::new(0),
        }
    }

    pub(super) fn pack_left(
        self,
        left: &impl Operand,
        (row, rows): (usize, usize),
        (at, balance): (Depths, &Balance),
        into: &mut [f32],
    ) {
        let Depths { from, len: depth, .. } = at;
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Matrix => super::digits::pack(left, (row, rows), from, balance.of(Side::Left), Side::Left, into),
            _ if left.depth_contiguous() => {
                let room = into.len() / depth.div_ceil(DEPTH);
                for (block, into) in into.chunks_exact_mut(room).enumerate() {
                    let start = block * DEPTH;
                    let depths = DEPTH.min(depth - start);
                    left.copy_rows(row, from + start, LinesMut::new(into, rows, depths, STRIDE));
                    for line in into.chunks_exact_mut(STRIDE).take(rows) {
                        line[depths..depths.next_multiple_of(self.step())].fill(0.0);
                    }
                }
            }
            _ => left.fill_depth_major(row, rows, from, rows, &mut into[..rows * depth]),
        }
    }

    pub(super) fn pack_right(
        self,
        right: &impl Operand,
        (column, columns): (usize, usize),
        (at, balance): (Depths, &Balance),
        into: &mut [f32],
    ) {
        let Depths { from, len: depth, .. } = at;
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Matrix => {
                super::digits::pack(right, (column, columns), from, balance.of(Side::Right), Side::Right, into);
            }
            _ => {
                let (numbers, beyond) = into.split_at_mut(depth * COLUMNS);
                right.fill_depth_major(column, columns, from, COLUMNS, numbers);
                beyond.fill(0.0);
            }
        }
    }

    /// Makes the kernel ready on this thread.
    pub(super) fn start(self) -> Running {
        match self {
            Self::Vector => Running::Vector,
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => Running::Pairs,
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Matrix => Running::Matrix(super::amx::Registers::new()),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::MatrixPairs => Running::MatrixPairs(super::amx::Registers::new()),
        }
    }
}

impl Running {
    /// `tile = left right`, in the columns that count at least. `place` is the left panel's among those that are multiplied by
    /// this right one, one after the other: each fetches a share of what comes next.
    pub(super) fn multiply(&self, left: Left<'_>, right: Right<'_>, place: usize, tile: &mut Tile) {
        match self {
            Self::Vector => tile::multiply(left, right.with_share(place, tile::SHARES), tile),
            #[cfg(target_arch = "x86_64")]
            Self::Pairs => tile::multiply_pairs(left, right.with_share(place, tile::SHARES), tile),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Matrix(registers) => {
                registers.multiply(left, right.with_share(place, super::amx::SHARES), tile);
            }
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::MatrixPairs(registers) => {
                registers.multiply_pairs(left, right.with_share(place, super::amx::SHARES), tile);
            }
        }
    }
}
