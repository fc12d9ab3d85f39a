//! Sums of rows picked from a matrix, and dot products with them, in registers.

use super::simd::{prefetch, vectorized};
use super::sparse::dot;

/// Rows that are picked at once.
pub(crate) const BATCH: usize = 64;
/// Numbers that are summed in registers.
const SOME: usize = 256;
const FEW: usize = 64;

/// Rows of `width` numbers.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) width: usize,
}

impl<'a> Matrix<'a> {
    fn row(&self, row: u32) -> &'a [f32] {
        &self.data[row as usize * self.width..][..self.width]
    }
}

vectorized! {
    /// `out += Σ scale * row` over the picked rows, in order.
    pub(crate) fn add_scaled_rows(out: &mut [f32], matrix: Matrix<'_>, scales: &[f32], rows: &[u32]) {
        let width = matrix.width;
        let mut from = 0;
        while from + SOME <= width {
            add_part::<SOME>(out, matrix, scales, rows, from);
            from += SOME;
        }
        while from + FEW <= width {
            add_part::<FEW>(out, matrix, scales, rows, from);
            from += FEW;
        }
        for (&scale, &row) in scales.iter().zip(rows) {
            for (out, x) in out[from..].iter_mut().zip(&matrix.row(row)[from..]) {
                *out += scale * x;
            }
        }
    }
}

/// As [`add_scaled_rows`] for the numbers `from..from + N`.
#[inline(always)]
fn add_part<const N: usize>(out: &mut [f32], matrix: Matrix<'_>, scales: &[f32], rows: &[u32], from: usize) {
    let Some(out) = out[from..].first_chunk_mut::<N>() else { return };
    let mut sums = *out;
    for (place, (&scale, &row)) in scales.iter().zip(rows).enumerate() {
        if let (0, Some(&next)) = (from, rows.get(place + 1)) {
            prefetch(matrix.row(next));
        }
        let Some(x) = matrix.row(row)[from..].first_chunk::<N>() else { return };
        for i in 0..N {
            sums[i] += scale * x[i];
        }
    }
    *out = sums;
}

/// `out = dot(row, picked)` for each of the picked rows.
pub(crate) fn dots(row: &[f32], matrix: Matrix<'_>, rows: &[u32], out: &mut [f32]) {
    assert!(row.len() == matrix.width && rows.len() == out.len());
    for (place, out) in (0..).step_by(2).zip(out.chunks_mut(2)) {
        match (&rows[place..place + out.len()], out) {
            #[cfg(target_arch = "x86_64")]
            ([a, b], out) if super::simd::avx512() => {
                // SAFETY: AVX-512 is there, and all three rows are as long.
                out.copy_from_slice(&unsafe { avx512::two_dots(row, matrix.row(*a), matrix.row(*b)) });
            }
            (picked, out) => {
                for (picked, out) in picked.iter().zip(out) {
                    *out = dot(row, matrix.row(*picked));
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, _mm512_add_ps, _mm512_loadu_ps, _mm512_mul_ps, _mm512_reduce_add_ps, _mm512_setzero_ps,
    };

    /// Numbers in a vector, and vectors that sums of their own are kept of.
    const LANES: usize = 16;
    const SUMS: usize = 4;

    /// `[dot(x, a), dot(x, b)]`, each summed in the order of `dot`.
    ///
    /// # Safety
    /// The processor has AVX-512, and no slice is shorter than `x`.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn two_dots(x: &[f32], a: &[f32], b: &[f32]) -> [f32; 2] {
        let (whole, vectors) = (x.len() / (SUMS * LANES) * SUMS, x.len() / LANES);
        // SAFETY: vectors lie in all three slices.
        let vector = |numbers: &[f32], index: usize| unsafe { _mm512_loadu_ps(numbers.as_ptr().add(index * LANES)) };
        let mut sums = [[_mm512_setzero_ps(); SUMS]; 2];
        let mut add = |index: usize, sum: usize| {
            let x = vector(x, index);
            for (sums, other) in sums.iter_mut().zip([a, b]) {
                sums[sum] = _mm512_add_ps(sums[sum], _mm512_mul_ps(x, vector(other, index)));
            }
        };
        for index in (0..whole).step_by(SUMS) {
            for sum in 0..SUMS {
                add(index + sum, sum);
            }
        }
        for index in whole..vectors {
            add(index, 0);
        }
        let rest = |other: &[f32]| {
            let (x, other) = (&x[vectors * LANES..], &other[vectors * LANES..]);
            x.iter().zip(other).map(|(x, other)| x * other).sum::<f32>()
        };
        let total = |[a, b, c, d]: [__m512; SUMS]| {
            _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, c), _mm512_add_ps(b, d)))
        };
        [total(sums[0]) + rest(a), total(sums[1]) + rest(b)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::sparse::add_scaled;
    use super::*;

    #[test]
    fn picked_rows_give_the_bits_of_one_by_one() {
        for width in [1, 15, 64, 70, 131, 384, 700] {
            let mut numbers = vec![0.0; 12 * width];
            crate::random::fill_normal(&crate::Key::new(1).named("numbers"), &mut numbers);
            let matrix = Matrix { data: &numbers, width };
            for rows in [&[][..], &[3], &[5, 0], &[1, 11, 7, 7, 2]] {
                let scales: Vec<f32> = rows.iter().map(|row| *row as f32 - 2.5).collect();
                let (first, mut sums, mut dots_found) =
                    (matrix.row(4), matrix.row(9).to_vec(), vec![f32::NAN; rows.len()]);
                let mut expected = sums.clone();
                add_scaled_rows(&mut sums, matrix, &scales, rows);
                dots(first, matrix, rows, &mut dots_found);
                for ((row, scale), found) in rows.iter().zip(&scales).zip(&dots_found) {
                    add_scaled(&mut expected, *scale, matrix.row(*row));
                    assert_eq!(found.to_bits(), dot(first, matrix.row(*row)).to_bits(), "{width}");
                }
                assert_eq!(sums, expected, "{width}");
            }
        }
    }
}
