//! Depths of a product brought to one scale, for a kernel that gives the numbers of a row one.
//!
//! Numbers of very different size in a row lose digits of the small ones, which count where the other side is large: columns of
//! a table in their own units, and weights that undo them. So a depth at which every column of the right side stays below its
//! own largest number is raised there and lowered on the left, by a power of two. No column's largest number and no row's grows:
//! nothing is worse than without. A column whose numbers are all of one size leaves everything as it is.
#![cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), allow(dead_code))]

use super::operand::Operand;
use crate::kernel::parallel::for_each_part;
use crate::kernel::scratch::Scratch;
use crate::kernel::simd::vectorized;

/// Numbers of each line that one task looks at, where it looks down many lines.
const ACROSS: usize = 64;
/// Lines that one task looks along.
const LINES: usize = 32;
/// Numbers of a line that are looked at together.
const LANES: usize = 32;
/// The least power of two that a depth is brought up from: eighteen decades.
const FLOOR: i32 = -60;

/// A side of a product.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Powers of two that the depths of either side are multiplied by: at each depth their product is one, or the left one is zero
/// where the right side has nothing.
pub(super) struct Balance {
    /// The left side's, then the right one's.
    factors: Scratch,
}

impl Balance {
    /// Room for so many depths.
    pub(super) fn new(depth: usize) -> Self {
        Self { factors: Scratch::new(2 * depth) }
    }

    /// Finds the factors of the depths from `from` on, for a right operand with so many columns.
    pub(super) fn fill(&mut self, right: &impl Operand, columns: usize, from: usize) {
        if right.alike() || self.factors.is_empty() {
            self.factors.fill(1.0);
            return;
        }
        let depth = self.factors.len() / 2;
        let (left, others) = self.factors.split_at_mut(depth);
        let mut largest = Scratch::new(columns);
        match right.memory(0, from) {
            Some((data, stride)) if right.depth_contiguous() => {
                left.fill(0.0);
                for_each_part(&mut largest, LINES, |start, into| {
                    most_along(&data[start * stride..], stride, left, into);
                });
                for_each_part(left, ACROSS, |start, into| most_down(&data[start..], stride, &largest, into));
            }
            Some((data, stride)) => most_in_lines(data, stride, &mut largest, left),
            None => {
                let mut lines = Scratch::new(depth * columns);
                for_each_part(&mut lines, LINES * columns, |start, into| {
                    right.fill_depth_major(0, columns, from + start / columns, columns, into);
                });
                most_in_lines(&lines, columns, &mut largest, left);
            }
        }
        for (left, right) in left.iter_mut().zip(others) {
            let most = left.to_bits().cast_signed();
            let power = (most >> MANTISSA).clamp(FLOOR, 0);
            *right = exp2(-power);
            *left = if most == NONE { 0.0 } else { exp2(power) };
        }
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

/// Bits below a number's exponent.
const MANTISSA: i32 = 23;
/// The bits of an infinite number, and those of an exponent.
const EXPONENT: u32 = f32::INFINITY.to_bits();
/// Stands for the exponent where there are no numbers.
const NONE: i32 = i32::MIN;

fn exp2(power: i32) -> f32 {
    f32::from_bits((127 + power).cast_unsigned() << MANTISSA)
}

/// How far the exponent of a number lies above that of a power of two, shifted like the exponent itself; `NONE` for numbers
/// below `2⁻¹²⁶`.
#[inline(always)]
fn above(x: f32, power: i32) -> i32 {
    let exponent = (x.to_bits() & EXPONENT).cast_signed();
    let apart = exponent.wrapping_sub(power);
    if exponent == 0 { NONE } else { apart }
}

/// For lines of one depth each: how far each depth stays, at its best, above the largest power of two of a column.
fn most_in_lines(lines: &[f32], stride: usize, largest: &mut [f32], depths: &mut [f32]) {
    depths.fill(0.0);
    for_each_part(largest, ACROSS, |start, into| most_down(&lines[start..], stride, depths, into));
    for_each_part(depths, LINES, |start, into| most_along(&lines[start * stride..], stride, largest, into));
}

vectorized! {
    /// The most that any number of each line lies above the power of its column, as bits.
    fn most_along(data: &[f32], stride: usize, powers: &[f32], into: &mut [f32]) {
        for (line, into) in into.iter_mut().enumerate() {
            let (whole, rest) = data[line * stride..][..powers.len()].as_chunks::<LANES>();
            let (powers, powers_of_rest) = powers.as_chunks::<LANES>();
            let mut lanes = [NONE; LANES];
            for (part, powers) in whole.iter().zip(powers) {
                for lane in 0..LANES {
                    lanes[lane] = lanes[lane].max(above(part[lane], powers[lane].to_bits().cast_signed()));
                }
            }
            let mut most = NONE;
            for lane in lanes {
                most = most.max(lane);
            }
            for (x, power) in rest.iter().zip(powers_of_rest) {
                most = most.max(above(*x, power.to_bits().cast_signed()));
            }
            *into = f32::from_bits(most.cast_unsigned());
        }
    }
}

vectorized! {
    /// The most that any number of each column lies above the power of its line, as bits; the columns are at most `ACROSS`.
    fn most_down(data: &[f32], stride: usize, powers: &[f32], into: &mut [f32]) {
        let mut most = [NONE; ACROSS];
        if into.len() == ACROSS {
            for (line, power) in powers.iter().enumerate() {
                let power = power.to_bits().cast_signed();
                let Some(line) = data[line * stride..].first_chunk::<ACROSS>() else { break };
                for column in 0..ACROSS {
                    most[column] = most[column].max(above(line[column], power));
                }
            }
        } else {
            for (line, power) in powers.iter().enumerate() {
                let power = power.to_bits().cast_signed();
                for (most, x) in most.iter_mut().zip(&data[line * stride..][..into.len()]) {
                    *most = (*most).max(above(*x, power));
                }
            }
        }
        for (into, most) in into.iter_mut().zip(most) {
            *into = f32::from_bits(most.cast_unsigned());
        }
    }
}
