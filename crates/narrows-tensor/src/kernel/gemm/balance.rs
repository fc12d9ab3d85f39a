//! Depths of a product brought to one scale, for a kernel that gives the numbers of a row one.
//!
//! Numbers of very different size in a row lose digits of the small ones, which count where the other side is large: columns of
//! a table in their own units, and weights that undo them. So the right side's largest number at a depth, as a power of two, is
//! moved to the left.
#![cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), allow(dead_code))]

use super::operand::Operand;
use crate::kernel::parallel::for_each_part;
use crate::kernel::scratch::Scratch;
use crate::kernel::simd::vectorized;

/// Depths that one task balances.
const CHUNK: usize = 128;
/// Numbers of a row that are looked at together.
const LANES: usize = 64;
/// The least exponent of a depth beside the largest one's.
const FLOOR: i32 = -40;

/// A side of a product.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Powers of two that the depths of either side are multiplied by; at each depth their product is one.
pub(super) struct Balance {
    /// The left side's, then the right one's.
    factors: Scratch,
}

impl Balance {
    /// Depths `from..from + depth` of a right operand with so many columns; factors of one if it is not in memory.
    pub(super) fn new(right: &impl Operand, columns: usize, (from, depth): (usize, usize)) -> Self {
        let mut factors = Scratch::new(2 * depth);
        let (left, others) = factors.split_at_mut(depth);
        if right.memory(0, from).is_none() {
            left.fill(1.0);
            others.fill(1.0);
            return Self { factors };
        }
        for_each_part(left, CHUNK, |start, into| {
            if let Some((data, stride)) = right.memory(0, from + start) {
                if right.depth_contiguous() {
                    into.fill(0.0);
                    largest_of_rows(data, stride, columns, into);
                } else {
                    largest_in_rows(data, stride, columns, into);
                }
            }
        });
        let exponent = |x: f32| (x.to_bits() >> 23).cast_signed();
        let top = left.iter().copied().map(exponent).max().unwrap_or(0);
        for (left, right) in left.iter_mut().zip(others) {
            let apart = (exponent(*left) - top).max(FLOOR);
            *left = f32::from_bits((127 + apart).cast_unsigned() << 23);
            *right = f32::from_bits((127 - apart).cast_unsigned() << 23);
        }
        Self { factors }
    }

    /// For kernels that need none.
    pub(super) fn none() -> Self {
        Self { factors: Scratch::new(0) }
    }

    /// One side's, for each depth.
    pub(super) fn of(&self, side: Side) -> &[f32] {
        let (left, right) = self.factors.split_at(self.factors.len() / 2);
        match side {
            Side::Left => left,
            Side::Right => right,
        }
    }
}

/// `|x|` as bits, which are in the order of numbers; zero if it is not finite.
#[inline(always)]
fn size(x: f32) -> u32 {
    let bits = x.to_bits() & 0x7FFF_FFFF;
    if bits < f32::INFINITY.to_bits() { bits } else { 0 }
}

vectorized! {
    /// The largest size in each column of so many rows, as a number; `into` starts with zeros.
    fn largest_of_rows(data: &[f32], stride: usize, rows: usize, into: &mut [f32]) {
        for row in 0..rows {
            for (largest, x) in into.iter_mut().zip(&data[row * stride..]) {
                *largest = f32::from_bits(largest.to_bits().max(size(*x)));
            }
        }
    }
}

vectorized! {
    /// The largest size in each row of so many columns, as a number.
    fn largest_in_rows(data: &[f32], stride: usize, columns: usize, into: &mut [f32]) {
        for (row, largest) in into.iter_mut().enumerate() {
            let (whole, rest) = data[row * stride..][..columns].as_chunks::<LANES>();
            let mut lanes = [0; LANES];
            for part in whole {
                for (most, x) in lanes.iter_mut().zip(part) {
                    *most = size(*x).max(*most);
                }
            }
            let mut most = 0;
            for lane in lanes {
                most = lane.max(most);
            }
            for x in rest {
                most = size(*x).max(most);
            }
            *largest = f32::from_bits(most);
        }
    }
}
