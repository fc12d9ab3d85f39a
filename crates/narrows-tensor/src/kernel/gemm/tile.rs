//! The innermost product: a tile of a few rows by 32 columns, summed over the depth in order.

/// Columns of a tile.
pub(crate) const COLUMNS: usize = 32;
/// The most rows of a tile: 28 accumulators, two columns and a broadcast fill the 32 registers of AVX-512.
const ROWS: usize = 14;
/// The most rows where there are sixteen registers: twice as many as they hold sums of.
const FEWER: usize = 12;
/// Left panels that fetch the next right one between them: a depth of it takes two cache lines, and each fetches one in a depth.
pub(super) const SHARES: usize = 2;
/// Depths between two rows of a packed left panel; not a power of two, so that rows fall into different cache sets.
pub(super) const STRIDE: usize = DEPTH + 16;
/// Depths in one block of a packed left panel.
pub(super) const DEPTH: usize = 512;

/// The sums of one tile; a kernel may fill fewer rows and columns.
#[repr(C, align(64))]
pub(crate) struct Tile(pub(super) [[f32; COLUMNS]; COLUMNS]);

impl Tile {
    pub(crate) fn new() -> Self {
        Self([[0.0; COLUMNS]; COLUMNS])
    }
}

/// A packed left panel.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    /// `[block][rows][STRIDE]` with `DEPTH` depths in a block if `by_row`, else `[depth][rows]`, or as the matrix unit has it.
    pub(super) data: &'a [f32],
    pub(super) rows: usize,
    pub(super) by_row: bool,
}

/// A packed right panel.
#[derive(Clone, Copy)]
pub(super) struct Right<'a> {
    /// `[depth][COLUMNS]`, or as the matrix unit has it.
    pub(super) data: &'a [f32],
    /// Columns that count.
    pub(super) columns: usize,
    /// Numbers that will be wanted next: they are fetched into the second-level cache in passing.
    pub(super) next: &'a [f32],
}

impl Right<'_> {
    /// This panel, with only share `index` of `count` of what comes next.
    pub(super) fn with_share(self, index: usize, count: usize) -> Self {
        let share = self.next.len() / count;
        Self { next: if index < count { &self.next[index * share..(index + 1) * share] } else { &[] }, ..self }
    }

    /// Where the next numbers are, and how far apart the places are that a kernel fetches in so many steps: zero where there
    /// are none.
    #[cfg(target_arch = "x86_64")]
    fn ahead(self, steps: usize) -> (*const f32, usize) {
        // An address that is not there would cost a walk through the tables of pages each time.
        let place = if self.next.is_empty() { self.data } else { self.next };
        (place.as_ptr(), self.next.len() / steps.max(1))
    }
}

/// The most rows of a tile here.
pub(super) fn rows() -> usize {
    #[cfg(target_arch = "x86_64")]
    if crate::kernel::simd::avx512() {
        return ROWS;
    }
    FEWER
}

/// Numbers that a packed left panel takes.
pub(super) fn left_len(rows: usize, depth: usize, by_row: bool) -> usize {
    if by_row { depth.div_ceil(DEPTH) * rows * STRIDE } else { (depth * rows).next_multiple_of(16) }
}

/// `tile = left right` in the columns that count.
pub(super) fn multiply(left: Left<'_>, right: Right<'_>, tile: &mut Tile) {
    let depth = right.data.len() / COLUMNS;
    assert!((1..=ROWS).contains(&left.rows) && left.data.len() >= left_len(left.rows, depth, left.by_row));
    assert!(right.columns <= COLUMNS);
    #[cfg(target_arch = "x86_64")]
    if crate::kernel::simd::avx512() {
        // SAFETY: AVX-512 is there, and the panels have the lengths that the kernel reads.
        return unsafe { avx512::multiply(left, right, depth, tile) };
    }
    #[cfg(target_arch = "x86_64")]
    if crate::kernel::simd::avx2() {
        // SAFETY: AVX2 is there, and the panels have the lengths that the kernel reads.
        return unsafe { avx2::multiply(left, right.data.as_ptr(), depth, right.columns, tile) };
    }
    portable::multiply(left, right.data, tile);
}

/// Whether the processor multiplies pairs of bf16.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(super) fn pairs() -> bool {
    #[cfg(target_arch = "x86_64")]
    return crate::kernel::simd::avx512() && std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// As [`multiply`] in all columns for numbers that are pairs of bf16, in a left panel that is packed row by row.
#[cfg(target_arch = "x86_64")]
pub(super) fn multiply_pairs(left: Left<'_>, right: Right<'_>, tile: &mut Tile) {
    let depth = right.data.len() / COLUMNS;
    assert!((1..=ROWS).contains(&left.rows) && left.data.len() >= left_len(left.rows, depth, left.by_row));
    assert!(pairs() && left.by_row);
    // SAFETY: the unit is there, and the panels have the lengths that the kernel reads.
    unsafe { avx512::multiply_pairs(left, right, depth, tile) };
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, __m512bh, _MM_HINT_T1, _mm_prefetch, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
        _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };
    use std::mem::transmute;

    use super::{COLUMNS, DEPTH, Left, Right, STRIDE, Tile};

    /// Columns of a register.
    const LANES: usize = 16;

    /// # Safety
    /// AVX-512 is there; `left` holds `depth` depths and `right` `depth * COLUMNS` numbers.
    pub(super) unsafe fn multiply(left: Left<'_>, right: Right<'_>, depth: usize, tile: &mut Tile) {
        let (a, b) = (left.data.as_ptr(), (right.data.as_ptr(), right.ahead(depth)));
        macro_rules! by_rows {
            ($($rows:literal)*) => {
                match (left.rows, left.by_row, right.columns > LANES) {
                    $(
                        // SAFETY: by this function's contract.
                        ($rows, true, true) => unsafe { run::<$rows, 2, true>(a, b, depth, tile) },
                        // SAFETY: by this function's contract.
                        ($rows, false, true) => unsafe { run::<$rows, 2, false>(a, b, depth, tile) },
                        // SAFETY: by this function's contract.
                        ($rows, true, false) => unsafe { run::<$rows, 1, true>(a, b, depth, tile) },
                        // SAFETY: by this function's contract.
                        ($rows, false, false) => unsafe { run::<$rows, 1, false>(a, b, depth, tile) },
                    )*
                    _ => {}
                }
            };
        }
        by_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }

    /// # Safety
    /// AVX-512 and bf16 products are there; `left` holds `depth` depths row by row and `right` `depth * COLUMNS` numbers.
    pub(super) unsafe fn multiply_pairs(left: Left<'_>, right: Right<'_>, depth: usize, tile: &mut Tile) {
        let (a, b) = (left.data.as_ptr(), (right.data.as_ptr(), right.ahead(depth)));
        macro_rules! by_rows {
            ($($rows:literal)*) => {
                match left.rows {
                    $(
                        // SAFETY: by this function's contract.
                        $rows => unsafe { run_pairs::<$rows, 2, true>(a, b, depth, tile) },
                    )*
                    _ => {}
                }
            };
        }
        by_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }

    /// Defines the kernel for `R` rows, packed row by row or depth by depth, and `W` registers of columns.
    macro_rules! kernel {
        ($(#[$meta:meta])* $name:ident, $feature:literal, |$x:ident, $b:ident, $sum:ident| $product:expr) => {
            $(#[$meta])*
            ///
            /// # Safety
            /// The processor has the features; `a` holds `R` rows and `b` 32 columns of `depth` values in packed order.
            #[target_feature(enable = $feature)]
            unsafe fn $name<const R: usize, const W: usize, const BY_ROW: bool>(
                mut a: *const f32,
                (mut b, (mut ahead, apart)): (*const f32, (*const f32, usize)),
                mut depth: usize,
                tile: &mut Tile,
            ) {
                // Where the element (row i, depth k) lies: at `i * row + k * step`.
                let (row, step) = if BY_ROW { (STRIDE, 1) } else { (1, R) };
                // SAFETY: the caller guarantees the panels' lengths.
                unsafe {
                    let mut sums = [[_mm512_setzero_ps(); W]; R];
                    while depth > 0 {
                        let block = if BY_ROW { depth.min(DEPTH) } else { depth };
                        let mut p = a;
                        for _ in 0..block {
                            _mm_prefetch::<_MM_HINT_T1>(ahead.cast());
                            ahead = ahead.wrapping_add(apart);
                            let columns: [_; W] = std::array::from_fn(|j| _mm512_loadu_ps(b.add(j * LANES)));
                            for (i, sums) in sums.iter_mut().enumerate() {
                                let $x = _mm512_set1_ps(*p.add(i * row));
                                for (sum, $b) in sums.iter_mut().zip(columns) {
                                    let $sum = *sum;
                                    *sum = $product;
                                }
                            }
                            p = p.add(step);
                            b = b.add(COLUMNS);
                        }
                        depth -= block;
                        a = a.wrapping_add(R * STRIDE);
                    }
                    for (sums, row) in sums.iter().zip(&mut tile.0) {
                        for (j, sum) in sums.iter().enumerate() {
                            _mm512_storeu_ps(row.as_mut_ptr().add(j * LANES), *sum);
                        }
                    }
                }
            }
        };
    }
    kernel!(
        /// Products of f32.
        run, "avx512f", |x, b, sum| _mm512_fmadd_ps(x, b, sum)
    );
    kernel!(
        /// Products of pairs of bf16.
        run_pairs, "avx512f,avx512bf16",
        |x, b, sum| _mm512_dpbf16_ps(sum, transmute::<__m512, __m512bh>(x), transmute::<__m512, __m512bh>(b))
    );
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        _MM_HINT_T0, _mm_prefetch, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
        _mm256_storeu_ps,
    };

    use super::{COLUMNS, DEPTH, Left, STRIDE, Tile};

    /// Rows and columns whose sums fill twelve of the sixteen registers.
    const SOME: usize = 6;
    const HALF: usize = 16;
    /// Columns of a register.
    const LANES: usize = 8;
    /// Depths that are fetched ahead of their turn.
    const AHEAD: usize = 8;

    /// # Safety
    /// AVX2 and FMA are there; `left` holds `depth` depths and `right` `depth * COLUMNS` numbers; `columns` are no more.
    pub(super) unsafe fn multiply(left: Left<'_>, right: *const f32, depth: usize, columns: usize, tile: &mut Tile) {
        let parts = left.rows.div_ceil(SOME);
        for part in 0..parts {
            let (first, end) = (part * left.rows / parts, (part + 1) * left.rows / parts);
            for column in (0..columns).step_by(HALF) {
                let at = (first, column);
                macro_rules! by_rows {
                    ($($rows:literal)*) => {
                        match (end - first, left.by_row, columns - column > LANES) {
                            $(
                                // SAFETY: by this function's contract.
                                ($rows, true, true) => unsafe { run::<$rows, 2, true>(left, right, depth, at, tile) },
                                // SAFETY: by this function's contract.
                                ($rows, false, true) => unsafe { run::<$rows, 2, false>(left, right, depth, at, tile) },
                                // SAFETY: by this function's contract.
                                ($rows, true, false) => unsafe { run::<$rows, 1, true>(left, right, depth, at, tile) },
                                // SAFETY: by this function's contract.
                                ($rows, false, false) => unsafe { run::<$rows, 1, false>(left, right, depth, at, tile) },
                            )*
                            _ => {}
                        }
                    };
                }
                by_rows!(1 2 3 4 5 6);
            }
        }
    }

    /// The sums of `R` rows and `W` registers of columns from row and column `first` and `column` on.
    ///
    /// # Safety
    /// AVX2 and FMA are there; `left` holds `depth` depths of at least `first + R` rows and `right` as many of 32 columns.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn run<const R: usize, const W: usize, const BY_ROW: bool>(
        left: Left<'_>,
        right: *const f32,
        mut depth: usize,
        (first, column): (usize, usize),
        tile: &mut Tile,
    ) {
        // Where the element (row i, depth k) lies: at `i * row + k * step`.
        let (row, step) = if BY_ROW { (STRIDE, 1) } else { (1, left.rows) };
        // SAFETY: the caller guarantees the panels' lengths.
        unsafe {
            let (mut a, mut b) = (left.data.as_ptr().add(first * row), right.add(column));
            let mut sums = [[_mm256_setzero_ps(); W]; R];
            while depth > 0 {
                let block = if BY_ROW { depth.min(DEPTH) } else { depth };
                let mut p = a;
                for _ in 0..block {
                    _mm_prefetch::<_MM_HINT_T0>(b.wrapping_add(AHEAD * COLUMNS).cast());
                    let columns: [_; W] = std::array::from_fn(|j| _mm256_loadu_ps(b.add(j * LANES)));
                    for (i, sums) in sums.iter_mut().enumerate() {
                        let x = _mm256_broadcast_ss(&*p.add(i * row));
                        for (sum, b) in sums.iter_mut().zip(columns) {
                            *sum = _mm256_fmadd_ps(x, b, *sum);
                        }
                    }
                    p = p.wrapping_add(step);
                    b = b.wrapping_add(COLUMNS);
                }
                depth -= block;
                a = a.wrapping_add(left.rows * STRIDE);
            }
            for (sums, into) in sums.iter().zip(&mut tile.0[first..first + R]) {
                for (j, sum) in sums.iter().enumerate() {
                    _mm256_storeu_ps(into.as_mut_ptr().add(column + j * LANES), *sum);
                }
            }
        }
    }
}

mod portable {
    use super::{COLUMNS, DEPTH, Left, STRIDE, Tile};

    /// Rows and columns of sums that are kept in registers.
    const SOME: usize = 6;
    const HALF: usize = 16;

    pub(super) fn multiply(left: Left<'_>, right: &[f32], tile: &mut Tile) {
        for first in (0..left.rows).step_by(SOME) {
            for column in (0..COLUMNS).step_by(HALF) {
                run(left, right, first, column, tile);
            }
        }
    }

    fn run(left: Left<'_>, right: &[f32], first: usize, column: usize, tile: &mut Tile) {
        let rows = SOME.min(left.rows - first);
        let mut sums = [[0.0; HALF]; SOME];
        for (k, b) in right.chunks_exact(COLUMNS).enumerate() {
            let b: [f32; HALF] = std::array::from_fn(|i| b[column + i]);
            let (start, step) = if left.by_row {
                ((k / DEPTH * left.rows + first) * STRIDE + k % DEPTH, STRIDE)
            } else {
                (k * left.rows + first, 1)
            };
            for (i, sums) in sums.iter_mut().enumerate() {
                // Rows beyond the last repeat it; their sums are dropped.
                let a = left.data[start + i.min(rows - 1) * step];
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum += a * b;
                }
            }
        }
        for (into, sums) in tile.0[first..first + rows].iter_mut().zip(&sums) {
            into[column..column + HALF].copy_from_slice(sums);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::super::{COLUMNS, Left, ROWS, Right, Tile, left_len};

        #[test]
        fn kernels_agree() {
            for by_row in [true, false] {
                for rows in 1..=ROWS {
                    for depth in [1, 37, 512, 700] {
                        let value = |i: usize| ((i * 7919) % 64) as f32 - 32.0;
                        let data: Vec<f32> = (0..left_len(rows, depth, by_row)).map(value).collect();
                        let right: Vec<f32> = (0..depth * COLUMNS).map(|i| value(i + 11)).collect();
                        let left = Left { data: &data, rows, by_row };
                        let (mut best, mut plain) = (Tile::new(), Tile::new());
                        super::multiply(left, &right, &mut plain);
                        for columns in [1, 8, 9, 16, 17, 24, 25, COLUMNS] {
                            let same = |tile: &Tile| {
                                let mut rows = tile.0[..rows].iter().zip(&plain.0);
                                rows.all(|(row, plain)| row[..columns] == plain[..columns])
                            };
                            super::super::multiply(left, Right { data: &right, columns, next: &data }, &mut best);
                            assert!(same(&best), "{by_row} {rows} {depth} {columns}");
                            #[cfg(target_arch = "x86_64")]
                            if crate::kernel::simd::avx2() {
                                let mut narrow = Tile::new();
                                // SAFETY: AVX2 is there, and the panels have these lengths.
                                unsafe {
                                    super::super::avx2::multiply(left, right.as_ptr(), depth, columns, &mut narrow);
                                }
                                assert!(same(&narrow), "AVX2: {by_row} {rows} {depth} {columns}");
                            }
                        }
                    }
                }
            }
        }
    }
}
