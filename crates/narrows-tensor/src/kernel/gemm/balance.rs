//! Depths of a product brought to one scale, for a kernel that gives the numbers of a row one.
//!
//! Numbers of very different size in a row lose digits of the small ones, which count where the other side is large: columns of
//! a table in their own units, and weights that undo them. So the mean size of the right side's numbers at a depth, as a power of
//! two, is moved to the left. The mean is that of exponents: a large row of the right side tells no more than a small one.
#![cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), allow(dead_code))]

use super::operand::Operand;
use crate::kernel::parallel::for_each_part;
use crate::kernel::scratch::Scratch;
use crate::kernel::simd::vectorized;

/// Depths that one task balances.
const CHUNK: usize = 128;
/// Numbers of a row that are looked at together.
const LANES: usize = 32;
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
                    exponents_of_rows(data, stride, columns, into);
                } else {
                    exponents_in_rows(data, stride, columns, into);
                }
            }
        });
        let top = left.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (left, right) in left.iter_mut().zip(others) {
            // Without any number on the right it does not matter what is on the left.
            let apart = if left.is_finite() { ((*left - top).round() as i32).max(FLOOR) } else { FLOOR };
            // Neither side leaves the range of f32 but for numbers beyond 2^107.
            let power = apart - FLOOR / 2;
            *left = f32::from_bits((127 + power).cast_unsigned() << 23);
            *right = f32::from_bits((127 - power).cast_unsigned() << 23);
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

/// The exponent of a number and one, or zeros if it is zero or not finite.
#[inline(always)]
fn exponent(x: f32) -> (u32, u32) {
    let exponent = x.to_bits() >> 23 & 0xFF;
    // Zero becomes the largest number here, and 255 the one before it.
    let counts = u32::from(exponent.wrapping_sub(1) < 254);
    (exponent * counts, counts)
}

/// The mean of so many exponents.
fn mean(sum: u32, count: u32) -> f32 {
    if count == 0 { f32::NEG_INFINITY } else { sum as f32 / count as f32 }
}

vectorized! {
    /// The mean exponent in each column of so many rows; the columns are at most `CHUNK`.
    fn exponents_of_rows(data: &[f32], stride: usize, rows: usize, into: &mut [f32]) {
        let (mut sums, mut counts) = ([0; CHUNK], [0; CHUNK]);
        let width = into.len();
        let (sums, counts) = (&mut sums[..width], &mut counts[..width]);
        for row in 0..rows {
            let row = &data[row * stride..][..width];
            for column in 0..width {
                let (exponent, counted) = exponent(row[column]);
                sums[column] += exponent;
                counts[column] += counted;
            }
        }
        for column in 0..width {
            into[column] = mean(sums[column], counts[column]);
        }
    }
}

vectorized! {
    /// The mean exponent in each row of so many columns.
    fn exponents_in_rows(data: &[f32], stride: usize, columns: usize, into: &mut [f32]) {
        for (row, into) in into.iter_mut().enumerate() {
            let (whole, rest) = data[row * stride..][..columns].as_chunks::<LANES>();
            let (mut sums, mut counts) = ([0; LANES], [0; LANES]);
            for part in whole {
                for lane in 0..LANES {
                    let (exponent, counted) = exponent(part[lane]);
                    sums[lane] += exponent;
                    counts[lane] += counted;
                }
            }
            let (mut sum, mut count) = (0, 0);
            for lane in 0..LANES {
                sum += sums[lane];
                count += counts[lane];
            }
            for x in rest {
                let (exponent, counted) = exponent(*x);
                sum += exponent;
                count += counted;
            }
            *into = mean(sum, count);
        }
    }
}
