//! Matrices rounded to bf16, in pairs, with what rounding changed.

use crate::kernel::parallel::{Shared, for_each_part};
use crate::kernel::scratch::Scratch;
use crate::kernel::simd::vectorized;

/// Rows that a task rounds.
const ROWS: usize = 8;

/// Rows rounded to bf16 in pairs, their norms and those of what rounding changed.
pub(super) struct Rounded {
    pub(super) pairs: Scratch,
    pub(super) norms: Vec<f32>,
    pub(super) errors: Vec<f32>,
}

impl Rounded {
    pub(super) fn new(matrix: &[f32], depth: usize) -> Self {
        let (rows, half) = (matrix.len() / depth, depth.div_ceil(2));
        let mut pairs = Scratch::new(rows * half);
        let (mut norms, mut errors) = (vec![0.0; rows], vec![0.0; rows]);
        let (shared_norms, shared_errors) = (Shared::new(&mut norms), Shared::new(&mut errors));
        for_each_part(&mut pairs, ROWS * half, |first, pairs| {
            for (row, pairs) in (first / half..).zip(pairs.chunks_exact_mut(half)) {
                let (norm, error) = round(&matrix[row * depth..][..depth], pairs);
                // SAFETY: each row is visited once.
                unsafe {
                    shared_norms.part(row, 1)[0] = norm;
                    shared_errors.part(row, 1)[0] = error;
                }
            }
        });
        Self { pairs, norms, errors }
    }
}

/// The upper half of `x` rounded to the nearest bf16, ties to even.
#[inline(always)]
fn nearest(x: f32) -> u32 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000;
    if x.is_nan() { 0x7FC0_0000 } else { rounded }
}

/// Norm below which squares of what rounding changes are no normal numbers any more.
const TINY: f32 = 1e-15;

vectorized! {
    /// Writes pairs of rounded numbers and returns the norm of `row` and that of what rounding changed.
    fn round(row: &[f32], pairs: &mut [f32]) -> (f32, f32) {
        let (mut squares, mut errors, mut largest) = ([0.0; 16], [0.0; 16], [0.0f32; 16]);
        for (line, pairs) in row.chunks(32).zip(pairs.chunks_mut(16)) {
            let mut block = [0.0f32; 32];
            block[..line.len()].copy_from_slice(line);
            for lane in 0..16 {
                let (a, b) = (block[2 * lane], block[2 * lane + 1]);
                let (a_bits, b_bits) = (nearest(a), nearest(b));
                let (a_error, b_error) = (a - f32::from_bits(a_bits), b - f32::from_bits(b_bits));
                squares[lane] += a * a + b * b;
                errors[lane] += a_error * a_error + b_error * b_error;
                largest[lane] = largest[lane].max(a.abs()).max(b.abs());
                block[lane] = f32::from_bits(a_bits >> 16 | b_bits);
            }
            let len = pairs.len();
            pairs.copy_from_slice(&block[..len]);
        }
        let (norm, error) = (squares.iter().sum::<f32>().sqrt(), errors.iter().sum::<f32>().sqrt());
        if norm < TINY {
            // Squares are below the smallest number: bounds from the largest value.
            let norm = largest.iter().copied().fold(0.0, f32::max) * (row.len() as f32).sqrt();
            return (norm, norm / 256.0);
        }
        (norm, error)
    }
}
