//! Numbers as three signed bytes with one scale for a row: what the matrix unit multiplies in place of f32.
//!
//! `x = s (2¹⁶ d0 + 2⁸ d1 + d2)` with `-128 <= d < 128` and `s` a power of two, so that the largest number of the row takes all
//! 23 bits: an error of `2⁻²³` of that number at most. Bytes multiply exactly, and sums of them are exact in 32 bits. Four bytes
//! that lie in a word are of depths 16 apart, on both sides.

use std::arch::x86_64::{
    __m512, __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_castps_si512, _mm512_castsi512_ps,
    _mm512_cmpge_epi32_mask, _mm512_cvtepi32_ps, _mm512_cvtps_epi32, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_mask_blend_ps, _mm512_maskz_loadu_ps, _mm512_max_epi32, _mm512_mul_ps, _mm512_reduce_max_epi32,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_slli_epi32, _mm512_srli_epi32,
    _mm512_storeu_ps, _mm512_storeu_si512, _mm512_sub_epi32, _mm512_ternarylogic_epi32, _mm512_xor_si512,
};

use super::balance::Side;
use super::operand::{LinesMut, Operand};
use super::pack::transpose16;
use crate::kernel::scratch::Scratch;

/// Rows of a panel and, on the other side, columns: two tiles of 16.
pub(super) const LANES: usize = 32;
/// Depths that one instruction sums over.
const STEP: usize = 64;
/// Depths after which partial sums go to memory, a multiple of the step: panels of so many stay near the first-level cache.
pub(super) const BLOCK: usize = 1024;
/// Numbers (of four bytes) in one tile.
pub(super) const TILE: usize = 256;
/// Digits of a number.
pub(super) const DIGITS: usize = 3;

/// Numbers that a packed panel takes: the tiles of its first 16 lanes, those of the others, and the scales of all, as
/// exponents.
pub(super) fn panel_len(depth: usize) -> usize {
    2 * half_len(depth) + LANES
}

/// Numbers in the tiles of 16 lanes, laid out `[step][digit][TILE]`.
pub(super) fn half_len(depth: usize) -> usize {
    depth.div_ceil(STEP) * DIGITS * TILE
}

/// Packs up to 32 rows of an operand from depth `from` on: as many depths as there are factors, which they are multiplied by.
pub(super) fn pack(
    operand: &impl Operand,
    (row, rows): (usize, usize),
    from: usize,
    factors: &[f32],
    side: Side,
    into: &mut [f32],
) {
    let (by_lane, depth) = (operand.depth_contiguous(), factors.len());
    if let Some((data, stride)) = operand.memory(row, from) {
        return Lines { data, stride, by_lane, lanes: rows, factors }.split(side, into);
    }
    let mut staged = Scratch::new(depth * LANES);
    let stride = if by_lane { depth } else { LANES };
    if by_lane {
        operand.copy_rows(row, from, LinesMut::new(&mut staged, rows, depth, stride));
    } else {
        operand.fill_depth_major(row, rows, from, LANES, &mut staged);
    }
    Lines { data: &staged, stride, by_lane, lanes: rows, factors }.split(side, into);
}

/// Numbers of a panel as they lie in memory: lines `stride` apart, one for each lane if `by_lane`, else one for each depth.
#[derive(Clone, Copy)]
struct Lines<'a> {
    data: &'a [f32],
    stride: usize,
    by_lane: bool,
    lanes: usize,
    /// What the number of each depth is multiplied by.
    factors: &'a [f32],
}

impl Lines<'_> {
    /// Splits the numbers into digits and lays them out as tiles, with zeros where there are no numbers; scales come last.
    fn split(self, side: Side, into: &mut [f32]) {
        let depth = self.factors.len();
        let (lines, width) = if self.by_lane { (self.lanes, depth) } else { (depth, self.lanes) };
        assert!(lines == 0 || self.data.len() >= (lines - 1) * self.stride + width, "lines lie outside their operand");
        assert!(super::amx::available() && self.lanes <= LANES && into.len() == panel_len(depth));
        // SAFETY: AVX-512 is there, and so are the numbers.
        unsafe {
            match (self.by_lane, side) {
                (true, Side::Left) => self.split_as::<true, true>(into),
                (true, Side::Right) => self.split_as::<true, false>(into),
                (false, Side::Left) => self.split_as::<false, false>(into),
                (false, Side::Right) => self.split_as::<false, true>(into),
            }
        }
    }

    /// Which of the numbers `from..from + 16` of a line there are.
    fn mask<const BY_LANE: bool>(self, from: usize) -> u16 {
        let width = if BY_LANE { self.factors.len() } else { self.lanes };
        ((1_u32 << width.saturating_sub(from).min(16)) - 1) as u16
    }

    /// The balanced numbers `from..from + 16` of a line, those that a mask names; zeros where there are none.
    ///
    /// # Safety
    /// AVX-512 is there, `data` holds all lines, and the mask is that of `from`.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    unsafe fn load<const BY_LANE: bool>(self, line: usize, from: usize, mask: u16) -> __m512 {
        if line >= if BY_LANE { self.lanes } else { self.factors.len() } {
            return _mm512_setzero_ps();
        }
        // SAFETY: the line is there, and the mask leaves out what lies beyond it.
        unsafe {
            let numbers = _mm512_maskz_loadu_ps(mask, self.data.as_ptr().wrapping_add(line * self.stride + from));
            let factors = if BY_LANE {
                _mm512_maskz_loadu_ps(mask, self.factors.as_ptr().wrapping_add(from))
            } else {
                _mm512_set1_ps(self.factors[line])
            };
            _mm512_mul_ps(numbers, factors)
        }
    }

    /// What turns the numbers of each lane into whole ones; writes the powers of two that turn sums of digits back, `NaN` where a
    /// number is not finite.
    ///
    /// # Safety
    /// As for [`Lines::split_as`], with room for the scales in `back`.
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn scales<const BY_LANE: bool>(self, back: &mut [f32]) -> Scales {
        let magnitude = |x| _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7FFF_FFFF));
        let mut largest = [0_i32; LANES];
        // SAFETY: by this function's contract.
        unsafe {
            if BY_LANE {
                for (lane, largest) in largest.iter_mut().enumerate().take(self.lanes) {
                    let mut most = _mm512_setzero_si512();
                    for from in (0..self.factors.len()).step_by(16) {
                        most =
                            _mm512_max_epi32(most, magnitude(self.load::<true>(lane, from, self.mask::<true>(from))));
                    }
                    *largest = _mm512_reduce_max_epi32(most);
                }
            } else {
                let mut most = [_mm512_setzero_si512(); 2];
                let masks = [self.mask::<false>(0), self.mask::<false>(16)];
                for depth in 0..self.factors.len() {
                    for (half, most) in most.iter_mut().enumerate() {
                        *most = _mm512_max_epi32(*most, magnitude(self.load::<false>(depth, half * 16, masks[half])));
                    }
                }
                for (half, most) in most.into_iter().enumerate() {
                    _mm512_storeu_si512(largest.as_mut_ptr().add(half * 16).cast(), most);
                }
            }
            let mut scales = Scales([0.0; LANES]);
            for half in 0..2 {
                let largest = _mm512_loadu_si512(largest.as_ptr().add(half * 16).cast());
                let exponent = _mm512_srli_epi32::<23>(_mm512_add_epi32(largest, _mm512_set1_epi32(CARRY)));
                let exponent = _mm512_max_epi32(exponent, _mm512_set1_epi32(LEAST));
                let power = |bits| _mm512_castsi512_ps(_mm512_slli_epi32::<23>(bits));
                let forth = power(_mm512_sub_epi32(_mm512_set1_epi32(2 * 127 + 22), exponent));
                // Half of the first digits' weight of `2^32`, and `2^-22`.
                let weight = _mm512_cvtepi32_ps(_mm512_add_epi32(exponent, _mm512_set1_epi32(16 - 22 - 127)));
                let lost = _mm512_cmpge_epi32_mask(largest, _mm512_set1_epi32(f32::INFINITY.to_bits().cast_signed()));
                let forth = _mm512_mask_blend_ps(lost, forth, _mm512_setzero_ps());
                let weight = _mm512_mask_blend_ps(lost, weight, _mm512_set1_ps(f32::NAN));
                _mm512_storeu_ps(scales.0.as_mut_ptr().add(half * 16), forth);
                _mm512_storeu_ps(back.as_mut_ptr().add(half * 16), weight);
            }
            scales
        }
    }

    /// As [`Lines::split`]; `DIRECT` if a line of a tile is made of lines of memory, else tiles are transposed.
    ///
    /// # Safety
    /// AVX-512 is there, `data` holds all lines, and `into` has room for their panel.
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn split_as<const BY_LANE: bool, const DIRECT: bool>(self, into: &mut [f32]) {
        let (tiles, back) = into.split_at_mut(into.len() - LANES);
        let mut staged = Tiles([0.0; DIGITS * TILE]);
        // SAFETY: by this function's contract; the places of tiles lie in `tiles`, whose length is a multiple of theirs, or in
        // `staged`.
        unsafe {
            let scales = self.scales::<BY_LANE>(back);
            for (half, tiles) in tiles.chunks_exact_mut(tiles.len() / 2).enumerate() {
                for (step, into) in tiles.chunks_exact_mut(DIGITS * TILE).enumerate() {
                    let place = if DIRECT { into.as_mut_ptr() } else { staged.0.as_mut_ptr() };
                    let first = step * STEP;
                    let masks: [u16; 4] = if BY_LANE {
                        std::array::from_fn(|part| self.mask::<true>(first + part * 16))
                    } else {
                        [self.mask::<false>(half * 16); 4]
                    };
                    for line in 0..16 {
                        let scale = if BY_LANE {
                            _mm512_set1_ps(scales.0[half * 16 + line])
                        } else {
                            _mm512_loadu_ps(scales.0.as_ptr().add(half * 16))
                        };
                        let numbers = std::array::from_fn(|part| {
                            let depth = first + part * 16;
                            let (line, from) =
                                if BY_LANE { (half * 16 + line, depth) } else { (depth + line, half * 16) };
                            signed_bytes(_mm512_mul_ps(self.load::<BY_LANE>(line, from, masks[part]), scale))
                        });
                        for (digit, word) in words(numbers).into_iter().enumerate() {
                            _mm512_storeu_si512(place.add(digit * TILE + line * 16).cast(), word);
                        }
                    }
                    if !DIRECT {
                        for digit in 0..DIGITS {
                            transpose16(
                                staged.0.as_ptr().add(digit * TILE),
                                16,
                                into.as_mut_ptr().add(digit * TILE),
                                16,
                            );
                        }
                    }
                }
            }
        }
    }
}

/// What carries into the exponent of a number that three digits cannot hold at its own: the largest is `0x7F7F7F`.
const CARRY: i32 = 2 * (0x80_0000 - 0x7F_7F7F);
/// The least exponent of a row, with its offset of 127: what turns its numbers into whole ones stays finite.
const LEAST: i32 = 22;

/// Factors of all lanes.
struct Scales([f32; LANES]);

/// The tiles of three digits.
#[repr(C, align(64))]
struct Tiles([f32; DIGITS * TILE]);

/// Whole numbers as bytes: the first digit is the third lowest byte, and the last one the lowest.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn signed_bytes(x: __m512) -> __m512i {
    let middle = _mm512_set1_epi32(0x80_8080);
    // A byte with 128 added, and its highest bit flipped, is the byte as a signed number; carries are taken care of.
    _mm512_xor_si512(_mm512_add_epi32(_mm512_cvtps_epi32(x), middle), middle)
}

/// First to last digits of four vectors: each word holds one digit of the numbers at its place in all four.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn words([a, b, c, d]: [__m512i; 4]) -> [__m512i; DIGITS] {
    /// Bits of the second where the first is set, else of the third.
    const SELECT: i32 = 0xCA;
    let (bytes, halves) = (_mm512_set1_epi32(0x00FF_00FF), _mm512_set1_epi32(0xFFFF));
    let even = |low, high| _mm512_ternarylogic_epi32::<SELECT>(bytes, low, _mm512_slli_epi32::<8>(high));
    let odd = |low, high| _mm512_ternarylogic_epi32::<SELECT>(bytes, _mm512_srli_epi32::<8>(low), high);
    let low = |low, high| _mm512_ternarylogic_epi32::<SELECT>(halves, low, _mm512_slli_epi32::<16>(high));
    let high = |low, high| _mm512_ternarylogic_epi32::<SELECT>(halves, _mm512_srli_epi32::<16>(low), high);
    let (ab, cd) = (even(a, b), even(c, d));
    [high(ab, cd), low(odd(a, b), odd(c, d)), low(ab, cd)]
}
