//! Products on the matrix unit of Intel processors (AMX): of numbers as three signed bytes, and of pairs of bf16.
//!
//! Of the nine products of digits, six count beside f32's own rounding: `a b = 2³² (a0 b0 + 2⁻⁸ (a0 b1 + a1 b0) +
//! 2⁻¹⁶ (a0 b2 + a1 b1 + a2 b0))` in the scales of both sides (Ootomo, Ozaki & Yokota 2024). A row or column with a number that
//! is not finite gives `NaN` throughout; one whose numbers are all below `2⁻¹⁰⁵`, once balanced, loses digits.

use std::arch::asm;
use std::arch::x86_64::{
    __cpuid_count, _MM_HINT_T1, _mm_prefetch, _mm512_add_ps, _mm512_cvtepi32_ps, _mm512_fmadd_ps, _mm512_load_si512,
    _mm512_loadu_ps, _mm512_scalef_ps, _mm512_set1_ps, _mm512_storeu_ps,
};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use super::digits::{DIGITS, LANES, TILE, half_len, panel_len};
use super::tile::{COLUMNS, DEPTH, Left, Right, STRIDE, Tile};

/// Left panels that fetch the next right one between them.
pub(super) const SHARES: usize = 4;
/// Cache lines of the next right panel that one step fetches, for half of the columns.
const AHEAD: usize = DIGITS * TILE / 16 / SHARES;
/// Pairs of bf16 that one instruction sums over.
pub(super) const PAIRS: usize = 16;
/// Cache lines of the next right panel of pairs that one step fetches.
const PAIRS_AHEAD: usize = PAIRS * COLUMNS / 16 / SHARES;

/// Whether the matrix unit is there and this process may use it.
pub(super) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        const TILES_INT8_AND_BF16: u32 = 1 << 25 | 1 << 24 | 1 << 22;
        let features = __cpuid_count(7, 0).edx;
        crate::kernel::simd::avx512() && features & TILES_INT8_AND_BF16 == TILES_INT8_AND_BF16 && permitted()
    })
}

/// Asks Linux for the tile registers, once for the process: they enlarge what a context switch saves.
fn permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const REQUEST_PERMISSION: i64 = 0x1023;
    const TILE_DATA: i64 = 18;
    let result: i64;
    // SAFETY: a system call without memory arguments.
    unsafe {
        asm!(
            "syscall", inlateout("rax") ARCH_PRCTL => result, in("rdi") REQUEST_PERMISSION, in("rsi") TILE_DATA,
            lateout("rcx") _, lateout("r11") _, options(nostack),
        );
    }
    result == 0
}

/// Numbers that a left panel of pairs takes.
pub(super) fn pairs_len(depth: usize) -> usize {
    depth.div_ceil(DEPTH) * LANES * STRIDE
}

/// The registers' shapes: eight tiles of 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Shapes([u8; 64]);

static SHAPES: Shapes = {
    let mut bytes = [0; 64];
    bytes[0] = 1;
    let mut tile = 0;
    while tile < 8 {
        bytes[16 + 2 * tile] = 64;
        bytes[48 + tile] = 16;
        tile += 1;
    }
    Shapes(bytes)
};

/// The tile registers of this thread, in use until dropped.
pub(super) struct Registers(PhantomData<*mut ()>);

impl Registers {
    pub(super) fn new() -> Self {
        assert!(available());
        // SAFETY: the unit is there, and the configuration is a valid one.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, readonly)) };
        Self(PhantomData)
    }

    /// `tile = left right` for panels of digits, in the rows and columns that count. Taking `self` proves that the registers are
    /// configured.
    #[allow(clippy::unused_self)]
    pub(super) fn multiply(&self, left: Left<'_>, right: Right<'_>, tile: &mut Tile) {
        assert!(left.data.len() == right.data.len() && left.data.len() >= panel_len(0));
        assert!(left.rows <= LANES && right.columns <= LANES);
        let (left_tiles, left_scales) = left.data.split_at(left.data.len() - LANES);
        let (right_tiles, right_scales) = right.data.split_at(right.data.len() - LANES);
        let half = left_tiles.len() / 2;
        let steps = half / half_len(1);
        let mut sums = Sums(MaybeUninit::uninit());
        let mut ahead = right.next.as_ptr();
        for column in (0..right.columns).step_by(16) {
            let mut b = right_tiles[column / 16 * half..].as_ptr();
            let (mut a, mut c) = (left_tiles.as_ptr(), left_tiles[half..].as_ptr());
            // SAFETY: the registers are configured; each step reads three tiles of either half on the left and of one on the
            // right; the six sums fill `sums`. Tile registers are named nowhere else.
            unsafe {
                asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "tilezero tmm4",
                    "tilezero tmm5",
                    options(nostack, nomem),
                );
                // Sums of digits of weight 1, 2^-8 and 2^-16: tmm0, 2, 4 for the first 16 rows, tmm1, 3, 5 for the others.
                for _ in 0..steps {
                    if !right.next.is_empty() {
                        for line in 0..AHEAD {
                            _mm_prefetch::<_MM_HINT_T1>(ahead.wrapping_add(line * 16).cast());
                        }
                        ahead = ahead.wrapping_add(AHEAD * 16);
                    }
                    asm!(
                        "tileloadd tmm7, [{b} + {s}]",
                        "tileloadd tmm6, [{a} + {s}]", "tdpbssd tmm0, tmm6, tmm7",
                        "tileloadd tmm6, [{a} + {s} + 1024]", "tdpbssd tmm2, tmm6, tmm7",
                        "tileloadd tmm6, [{a} + {s} + 2048]", "tdpbssd tmm4, tmm6, tmm7",
                        "tileloadd tmm6, [{c} + {s} + 2048]", "tdpbssd tmm5, tmm6, tmm7",
                        "tileloadd tmm6, [{c} + {s} + 1024]", "tdpbssd tmm3, tmm6, tmm7",
                        "tileloadd tmm6, [{c} + {s}]", "tdpbssd tmm1, tmm6, tmm7",
                        "tileloadd tmm7, [{b} + {s} + 1024]", "tdpbssd tmm3, tmm6, tmm7",
                        "tileloadd tmm6, [{c} + {s} + 1024]", "tdpbssd tmm5, tmm6, tmm7",
                        "tileloadd tmm6, [{a} + {s} + 1024]", "tdpbssd tmm4, tmm6, tmm7",
                        "tileloadd tmm6, [{a} + {s}]", "tdpbssd tmm2, tmm6, tmm7",
                        "tileloadd tmm7, [{b} + {s} + 2048]", "tdpbssd tmm4, tmm6, tmm7",
                        "tileloadd tmm6, [{c} + {s}]", "tdpbssd tmm5, tmm6, tmm7",
                        a = in(reg) a, b = in(reg) b, c = in(reg) c, s = in(reg) 64usize, options(nostack, readonly),
                    );
                    a = a.wrapping_add(DIGITS * TILE);
                    b = b.wrapping_add(DIGITS * TILE);
                    c = c.wrapping_add(DIGITS * TILE);
                }
                asm!(
                    "tilestored [{c} + {s}], tmm0", "tilestored [{c} + {s} + 1024], tmm1",
                    "tilestored [{c} + {s} + 2048], tmm2", "tilestored [{c} + {s} + 3072], tmm3",
                    "tilestored [{c} + {s} + 4096], tmm4", "tilestored [{c} + {s} + 5120], tmm5",
                    c = in(reg) sums.0.as_mut_ptr(), s = in(reg) 64usize, options(nostack),
                );
                sums.weigh(&left_scales[..left.rows], &right_scales[column..column + 16], tile, column);
            }
        }
    }

    /// As [`Registers::multiply`] for numbers that are pairs of bf16: `left` is laid out `[block][LANES][STRIDE]` and `right`
    /// `[depth][COLUMNS]`, both with zeros up to a multiple of [`PAIRS`].
    #[allow(clippy::unused_self)]
    pub(super) fn multiply_pairs(&self, left: Left<'_>, right: Right<'_>, tile: &mut Tile) {
        let depth = right.data.len() / COLUMNS;
        assert!(left.by_row && depth.is_multiple_of(PAIRS) && left.data.len() >= pairs_len(depth));
        // SAFETY: the registers are configured; the tiles of each step lie in their panels, whose lengths are checked; the tile's
        // four quarters are stored with its row length as the stride. Tile registers are named nowhere else.
        unsafe {
            asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem));
            let (mut a, mut b) = (left.data.as_ptr(), right.data.as_ptr());
            let mut ahead = right.next.as_ptr();
            for from in (0..depth).step_by(DEPTH) {
                for step in (0..DEPTH.min(depth - from)).step_by(PAIRS) {
                    if !right.next.is_empty() {
                        for line in 0..PAIRS_AHEAD {
                            _mm_prefetch::<_MM_HINT_T1>(ahead.wrapping_add(line * 16).cast());
                        }
                        ahead = ahead.wrapping_add(PAIRS_AHEAD * 16);
                    }
                    asm!(
                        "tileloadd tmm4, [{a} + {row}]", "tileloadd tmm6, [{b} + {columns}]",
                        "tileloadd tmm5, [{c} + {row}]", "tileloadd tmm7, [{b} + {columns} + 64]",
                        "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm1, tmm4, tmm7",
                        "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7",
                        a = in(reg) a.add(step), c = in(reg) a.add(16 * STRIDE + step), b = in(reg) b,
                        row = in(reg) STRIDE * 4, columns = in(reg) COLUMNS * 4, options(nostack, readonly),
                    );
                    b = b.add(PAIRS * COLUMNS);
                }
                a = a.wrapping_add(LANES * STRIDE);
            }
            Self::store(tile);
        }
    }

    /// Writes the four sums.
    ///
    /// # Safety
    /// The registers are configured.
    unsafe fn store(tile: &mut Tile) {
        // SAFETY: by this function's contract; the four quarters lie in the tile.
        unsafe {
            asm!(
                "tilestored [{c} + {s}], tmm0", "tilestored [{c} + {s} + 64], tmm1",
                "tilestored [{d} + {s}], tmm2", "tilestored [{d} + {s} + 64], tmm3",
                c = in(reg) tile.0.as_mut_ptr(), d = in(reg) tile.0.as_mut_ptr().add(16), s = in(reg) COLUMNS * 4,
                options(nostack),
            );
        }
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        // SAFETY: the registers were configured by `new`; nothing is left in them.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Sums of digits in 32 rows and 16 columns, by weight.
#[repr(C, align(64))]
struct Sums(MaybeUninit<[i32; DIGITS * 2 * TILE]>);

impl Sums {
    /// Adds up the sums of all weights and brings them to the scales of their rows and columns.
    ///
    /// # Safety
    /// AVX-512 is there, the sums are written, and there are 16 scales of columns, from `column` on, in the tile.
    #[target_feature(enable = "avx512f")]
    unsafe fn weigh(&self, rows: &[f32], columns: &[f32], tile: &mut Tile, column: usize) {
        let byte = _mm512_set1_ps(1.0 / 256.0);
        // SAFETY: by this function's contract; there are at most `LANES` rows.
        unsafe {
            let columns = _mm512_loadu_ps(columns.as_ptr());
            for (row, (scale, into)) in rows.iter().zip(&mut tile.0).enumerate() {
                let sum = |weight: usize| {
                    let place = self.0.as_ptr().cast::<i32>().add(weight * 2 * TILE + row * 16);
                    _mm512_cvtepi32_ps(_mm512_load_si512(place.cast()))
                };
                let small = _mm512_fmadd_ps(sum(2), byte, sum(1));
                let (whole, power) =
                    (_mm512_fmadd_ps(small, byte, sum(0)), _mm512_add_ps(_mm512_set1_ps(*scale), columns));
                _mm512_storeu_ps(into.as_mut_ptr().add(column), _mm512_scalef_ps(whole, power));
            }
        }
    }
}
