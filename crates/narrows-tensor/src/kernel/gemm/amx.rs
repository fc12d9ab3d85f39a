//! Products on the matrix unit of Intel processors (AMX), with the accuracy of f32.
//!
//! The unit multiplies bf16 numbers and adds in f32. Each f32 number is the exact sum of three bf16 numbers (24 bits of
//! mantissa = 3 x 8), `x = x0 + x1 + x2` with `|x1| <= 2⁻⁸ |x|` and `|x2| <= 2⁻¹⁶ |x|`, so that
//! `a b = a0 b0 + (a0 b1 + a1 b0) + (a0 b2 + a1 b1 + a2 b0)` up to `2⁻²³ |a b|` (Henry, Tang & Heinecke 2019): six products
//! on a unit sixteen times as fast as the vector units. Infinite numbers, and those that round to infinity in bf16 (from
//! `3.39e38` on), give `NaN`; the unit takes pieces below `2⁻¹²⁶` as zero, so numbers below `2⁻¹¹⁰` lose digits.

use std::arch::asm;
use std::arch::x86_64::{
    __cpuid_count, __m512i, _MM_HINT_T1, _mm_prefetch, _mm512_add_epi32, _mm512_and_si512, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_load_si512, _mm512_maskz_loadu_ps, _mm512_or_si512, _mm512_permutex2var_epi16,
    _mm512_set1_epi32, _mm512_srli_epi32, _mm512_storeu_si512, _mm512_sub_ps,
};
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::operand::{LinesMut, Operand};
use super::pack::transpose16;
use super::tile::{COLUMNS, DEPTH, Left, Right, STRIDE, Tile};
use crate::kernel::scratch::Scratch;

/// Rows of a panel and, on the other side, columns: two tiles of 16.
pub(super) const LANES: usize = 32;
/// Depths that one instruction sums over.
const STEP: usize = 32;
/// Depths after which partial sums go to memory: a few packed panels fit into the second-level cache.
pub(super) const BLOCK: usize = 512;
/// Numbers (of four bytes) in one tile.
const TILE: usize = 256;
/// Numbers in one step of a panel: three pieces of two tiles.
const PANEL: usize = 3 * 2 * TILE;
/// Left panels that fetch the next right one between them.
pub(super) const SHARES: usize = 4;
/// Cache lines of the next right panel that one step fetches.
const AHEAD: usize = PANEL / 16 / SHARES;
/// Pairs of bf16 that one instruction sums over.
pub(super) const PAIRS: usize = 16;
/// Cache lines of the next right panel of pairs that one step fetches.
const PAIRS_AHEAD: usize = PAIRS * COLUMNS / 16 / SHARES;
/// Depths that are staged as f32 before they are split, a multiple of the step.
const STAGE: usize = 256;

/// Whether the matrix unit is there and this process may use it.
pub(super) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        const TILES_AND_BF16: u32 = 1 << 24 | 1 << 22;
        let features = __cpuid_count(7, 0).edx;
        crate::kernel::simd::avx512() && features & TILES_AND_BF16 == TILES_AND_BF16 && permitted()
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

/// Numbers that a packed panel takes.
pub(super) fn panel_len(depth: usize) -> usize {
    depth.div_ceil(STEP) * PANEL
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

    /// `tile = left right` for packed panels of equal depth. Taking `self` proves that the registers are configured.
    #[allow(clippy::unused_self)]
    pub(super) fn multiply(&self, left: &[f32], right: Right<'_>, tile: &mut Tile) {
        assert_eq!(left.len(), right.data.len());
        let steps = left.len() / PANEL;
        // SAFETY: the registers are configured; each step reads `PANEL` numbers of either panel; the tile's four quarters
        // are stored with its row length as the stride. Tile registers are named nowhere else.
        unsafe {
            asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem));
            let (mut a, mut b) = (left.as_ptr(), right.data.as_ptr());
            let mut ahead = right.next.as_ptr();
            // Each piece is replaced as soon as its last product is under way, while the others run on.
            for _ in 0..steps {
                if !right.next.is_empty() {
                    for line in 0..AHEAD {
                        _mm_prefetch::<_MM_HINT_T1>(ahead.wrapping_add(line * 16).cast());
                    }
                    ahead = ahead.wrapping_add(AHEAD * 16);
                }
                asm!(
                    // a2 b0
                    "tileloadd tmm4, [{a} + {s} + 4096]", "tileloadd tmm6, [{b} + {s}]",
                    "tileloadd tmm5, [{a} + {s} + 5120]", "tileloadd tmm7, [{b} + {s} + 1024]",
                    "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm1, tmm4, tmm7", "tileloadd tmm4, [{a} + {s} + 2048]",
                    "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7", "tileloadd tmm5, [{a} + {s} + 3072]",
                    // a1 b0
                    "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm2, tmm5, tmm6", "tileloadd tmm6, [{b} + {s} + 2048]",
                    "tdpbf16ps tmm1, tmm4, tmm7", "tdpbf16ps tmm3, tmm5, tmm7", "tileloadd tmm7, [{b} + {s} + 3072]",
                    // a1 b1
                    "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm1, tmm4, tmm7", "tileloadd tmm4, [{a} + {s}]",
                    "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7", "tileloadd tmm5, [{a} + {s} + 1024]",
                    // a0 b1
                    "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm2, tmm5, tmm6", "tileloadd tmm6, [{b} + {s}]",
                    "tdpbf16ps tmm1, tmm4, tmm7", "tdpbf16ps tmm3, tmm5, tmm7", "tileloadd tmm7, [{b} + {s} + 1024]",
                    // a0 b0
                    "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm2, tmm5, tmm6", "tileloadd tmm6, [{b} + {s} + 4096]",
                    "tdpbf16ps tmm1, tmm4, tmm7", "tdpbf16ps tmm3, tmm5, tmm7", "tileloadd tmm7, [{b} + {s} + 5120]",
                    // a0 b2
                    "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7", "tdpbf16ps tmm3, tmm5, tmm7",
                    a = in(reg) a, b = in(reg) b, s = in(reg) 64usize, options(nostack, readonly),
                );
                a = a.add(PANEL);
                b = b.add(PANEL);
            }
            Self::store(tile);
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

/// Which side of a product a panel is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// A tile holds 16 rows of 32 depths.
    Left,
    /// A tile holds 16 pairs of depths, of 16 columns each.
    Right,
}

/// Packs up to 32 rows of an operand, `depth` depths from `from` on.
pub(super) fn pack(
    operand: &impl Operand,
    (row, rows): (usize, usize),
    (from, depth): (usize, usize),
    side: Side,
    into: &mut [f32],
) {
    assert!(into.len() == panel_len(depth));
    let by_lane = operand.depth_contiguous();
    if let Some((data, stride)) = operand.memory(row, from) {
        return Lines { data, stride, by_lane, lanes: rows, depth }.split(side, into);
    }
    let mut staged = Scratch::new(STAGE * LANES);
    let stride = if by_lane { STAGE } else { LANES };
    for (start, into) in (0..depth).step_by(STAGE).zip(into.chunks_mut(panel_len(STAGE))) {
        let depth = STAGE.min(depth - start);
        if by_lane {
            operand.copy_rows(row, from + start, LinesMut::new(&mut staged, rows, depth, STAGE));
        } else {
            operand.fill_depth_major(row, rows, from + start, LANES, &mut staged[..depth * LANES]);
        }
        Lines { data: &staged, stride, by_lane, lanes: rows, depth }.split(side, into);
    }
}

/// Numbers of a panel as they lie in memory: lines `stride` apart, one for each lane if `by_lane`, else one for each depth.
#[derive(Clone, Copy)]
struct Lines<'a> {
    data: &'a [f32],
    stride: usize,
    by_lane: bool,
    lanes: usize,
    depth: usize,
}

impl Lines<'_> {
    /// Splits the numbers into pieces and lays them out as tiles, with zeros where there are no numbers.
    fn split(self, side: Side, into: &mut [f32]) {
        let (lines, width) = if self.by_lane { (self.lanes, self.depth) } else { (self.depth, self.lanes) };
        assert!(lines == 0 || self.data.len() >= (lines - 1) * self.stride + width, "lines lie outside their operand");
        assert!(available() && self.lanes <= LANES && into.len() == panel_len(self.depth));
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

    /// As [`Lines::split`]; `DIRECT` if a line of a tile is a line of memory or a pair of them, else tiles are transposed.
    ///
    /// # Safety
    /// AVX-512 is there, `data` holds all lines, and `into` has room for their panel.
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn split_as<const BY_LANE: bool, const DIRECT: bool>(self, into: &mut [f32]) {
        let mut tiles = Pieces([0.0; 3 * TILE]);
        // SAFETY: by this function's contract; masks leave out what lies beyond the lines, and the places of tiles lie in
        // `into`, whose length is a multiple of `PANEL`, or in `tiles`.
        unsafe {
            let high_halves = _mm512_load_si512((&raw const HIGH_HALVES).cast());
            let load = |line: usize, from: usize| {
                let (lines, width) = if BY_LANE { (self.lanes, self.depth) } else { (self.depth, self.lanes) };
                let count = if line < lines { width.saturating_sub(from).min(16) } else { 0 };
                let place = self.data.as_ptr().wrapping_add(line * self.stride + from);
                pieces(_mm512_maskz_loadu_ps(((1_u32 << count) - 1) as u16, place))
            };
            for (step, into) in into.chunks_exact_mut(PANEL).enumerate() {
                for half in 0..2 {
                    let into = into.as_mut_ptr().add(half * TILE);
                    let (place, apart) = if DIRECT { (into, 2 * TILE) } else { (tiles.0.as_mut_ptr(), TILE) };
                    for line in 0..16 {
                        let pieces: [__m512i; 3] = if BY_LANE {
                            let lane = half * 16 + line;
                            let (even, odd) = (load(lane, step * STEP), load(lane, step * STEP + 16));
                            std::array::from_fn(|i| _mm512_permutex2var_epi16(even[i], high_halves, odd[i]))
                        } else {
                            let depth = step * STEP + 2 * line;
                            let (even, odd) = (load(depth, half * 16), load(depth + 1, half * 16));
                            std::array::from_fn(|i| _mm512_or_si512(_mm512_srli_epi32::<16>(even[i]), odd[i]))
                        };
                        for (piece, value) in pieces.into_iter().enumerate() {
                            _mm512_storeu_si512(place.add(piece * apart + line * 16).cast(), value);
                        }
                    }
                    if !DIRECT {
                        for piece in 0..3 {
                            transpose16(tiles.0.as_ptr().add(piece * TILE), 16, into.add(piece * 2 * TILE), 16);
                        }
                    }
                }
            }
        }
    }
}

/// Three tiles.
#[repr(C, align(64))]
struct Pieces([f32; 3 * TILE]);

/// The upper halves of 32 numbers, in order.
static HIGH_HALVES: HighHalves = {
    let mut index = [0; 32];
    let mut i = 0;
    while i < 32 {
        index[i] = 2 * i as u16 + 1;
        i += 1;
    }
    HighHalves(index)
};

#[repr(C, align(64))]
struct HighHalves([u16; 32]);

/// Three bf16 numbers, in the upper halves, whose sum is `x`.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn pieces(x: std::arch::x86_64::__m512) -> [__m512i; 3] {
    let (half, upper) = (_mm512_set1_epi32(0x8000), _mm512_set1_epi32(0xFFFF_0000_u32 as i32));
    let round = |x| _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), half), upper);
    let first = round(x);
    let rest = _mm512_sub_ps(x, _mm512_castsi512_ps(first));
    let second = round(rest);
    let third = _mm512_castps_si512(_mm512_sub_ps(rest, _mm512_castsi512_ps(second)));
    [first, second, _mm512_and_si512(third, upper)]
}
