//! Transposing rows into a depth-major panel.

/// Fills `into`, laid out `[depths][width]`, with the transpose of `rows` rows of `data`, `stride` apart; columns from
/// `rows` on are zero.
pub(super) fn transpose(data: &[f32], stride: usize, rows: usize, width: usize, into: &mut [f32]) {
    let depths = into.len() / width;
    assert!(
        rows <= width && (rows == 0 || data.len() >= (rows - 1) * stride + depths),
        "rows lie outside their matrix"
    );
    #[cfg(target_arch = "x86_64")]
    if let Some((side, transpose)) = in_registers(width).filter(|(side, _)| rows.min(depths) >= *side) {
        // The last block ends with the last number: what two blocks share is written twice.
        let starts = |len: usize| (0..len.div_ceil(side)).map(move |block| (block * side).min(len - side));
        for row in starts(rows) {
            for depth in starts(depths) {
                // SAFETY: the processor has the features; the block lies inside `data` and `into` by the assertion above.
                unsafe {
                    transpose(
                        data.as_ptr().add(row * stride + depth),
                        stride,
                        into.as_mut_ptr().add(depth * width + row),
                        width,
                    );
                }
            }
        }
        if rows < width {
            into.chunks_exact_mut(width).for_each(|into| into[rows..].fill(0.0));
        }
        return;
    }
    for (depth, into) in into.chunks_exact_mut(width).enumerate() {
        for (into, row) in into.iter_mut().zip(0..rows) {
            *into = data[row * stride + depth];
        }
        into[rows..].fill(0.0);
    }
}

/// What transposes a square block at `from`, rows `from_stride` apart, to `into`.
#[cfg(target_arch = "x86_64")]
// SAFETY: for callers: the processor has the features, and both ends hold a whole block at their strides.
type Block = unsafe fn(from: *const f32, from_stride: usize, into: *mut f32, into_stride: usize);

/// The side of the largest block that the processor transposes in registers, and how.
#[cfg(target_arch = "x86_64")]
fn in_registers(width: usize) -> Option<(usize, Block)> {
    if width.is_multiple_of(16) && crate::kernel::simd::avx512() {
        return Some((16, transpose16));
    }
    crate::kernel::simd::avx2().then_some((8, transpose8))
}

/// Transposes an 8 x 8 block in registers.
///
/// # Safety
/// The processor has AVX2; `from` and `into` each hold 8 rows of 8 values at their strides.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn transpose8(from: *const f32, from_stride: usize, into: *mut f32, into_stride: usize) {
    use std::arch::x86_64::{
        _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
        _mm256_unpacklo_ps,
    };
    // SAFETY: the caller guarantees 8 rows of 8 numbers at both ends.
    unsafe {
        let r: [_; 8] = std::array::from_fn(|i| _mm256_loadu_ps(from.add(i * from_stride)));
        // Pairs of rows, interleaved by element; then by two elements; then the two 128-bit lanes.
        let pair: [_; 8] = std::array::from_fn(|i| {
            let (a, b) = (r[i / 2 * 2], r[i / 2 * 2 + 1]);
            if i % 2 == 0 { _mm256_unpacklo_ps(a, b) } else { _mm256_unpackhi_ps(a, b) }
        });
        let quad: [_; 8] = std::array::from_fn(|i| {
            let (group, column) = (i / 4 * 4, i % 4);
            let (a, b) = (pair[group + column / 2], pair[group + 2 + column / 2]);
            if column % 2 == 0 { _mm256_shuffle_ps::<0x44>(a, b) } else { _mm256_shuffle_ps::<0xEE>(a, b) }
        });
        // quad[4 g + c] holds, in lane l, the elements (rows 4 g .. 4 g + 4) of column 4 l + c.
        for column in 0..4 {
            let (low, high) = (quad[column], quad[4 + column]);
            _mm256_storeu_ps(into.add(column * into_stride), _mm256_permute2f128_ps::<0x20>(low, high));
            _mm256_storeu_ps(into.add((4 + column) * into_stride), _mm256_permute2f128_ps::<0x31>(low, high));
        }
    }
}

/// Transposes a 16 x 16 block in registers.
///
/// # Safety
/// The processor has AVX-512F; `from` and `into` each hold 16 rows of 16 values at their strides.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn transpose16(from: *const f32, from_stride: usize, into: *mut f32, into_stride: usize) {
    use std::arch::x86_64::{
        _mm512_castpd_ps, _mm512_castps_pd, _mm512_loadu_ps, _mm512_shuffle_f32x4, _mm512_storeu_ps,
        _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
    };
    // SAFETY: the caller guarantees 16 rows of 16 numbers at both ends.
    unsafe {
        let r: [_; 16] = std::array::from_fn(|i| _mm512_loadu_ps(from.add(i * from_stride)));
        // Pairs of rows, interleaved by element; then by two elements; then the four 128-bit lanes twice.
        let pair: [_; 16] = std::array::from_fn(|i| {
            let (a, b) = (r[i / 2 * 2], r[i / 2 * 2 + 1]);
            if i % 2 == 0 { _mm512_unpacklo_ps(a, b) } else { _mm512_unpackhi_ps(a, b) }
        });
        let quad: [_; 16] = std::array::from_fn(|i| {
            let (group, column) = (i / 4 * 4, i % 4);
            let a = _mm512_castps_pd(pair[group + column / 2]);
            let b = _mm512_castps_pd(pair[group + 2 + column / 2]);
            _mm512_castpd_ps(if column % 2 == 0 { _mm512_unpacklo_pd(a, b) } else { _mm512_unpackhi_pd(a, b) })
        });
        // quad[4 g + c] holds, in lane l, the elements (rows 4 g .. 4 g + 4) of column 4 l + c.
        for column in 0..4 {
            let (q0, q1, q2, q3) = (quad[column], quad[4 + column], quad[8 + column], quad[12 + column]);
            let low01 = _mm512_shuffle_f32x4::<0x44>(q0, q1);
            let low23 = _mm512_shuffle_f32x4::<0x44>(q2, q3);
            let high01 = _mm512_shuffle_f32x4::<0xEE>(q0, q1);
            let high23 = _mm512_shuffle_f32x4::<0xEE>(q2, q3);
            _mm512_storeu_ps(into.add(column * into_stride), _mm512_shuffle_f32x4::<0x88>(low01, low23));
            _mm512_storeu_ps(into.add((4 + column) * into_stride), _mm512_shuffle_f32x4::<0xDD>(low01, low23));
            _mm512_storeu_ps(into.add((8 + column) * into_stride), _mm512_shuffle_f32x4::<0x88>(high01, high23));
            _mm512_storeu_ps(into.add((12 + column) * into_stride), _mm512_shuffle_f32x4::<0xDD>(high01, high23));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_are_transposed_and_padded_with_zeros() {
        for (rows, depths, width) in
            [(32, 48, 32), (17, 33, 32), (3, 5, 32), (32, 16, 32), (9, 40, 14), (20, 20, 20), (14, 9, 14), (5, 40, 8)]
        {
            let stride = depths + 3;
            let data: Vec<f32> = (0..rows * stride).map(|i| i as f32 + 1.0).collect();
            let mut into = vec![f32::NAN; depths * width];
            transpose(&data, stride, rows.min(width), width, &mut into);
            for depth in 0..depths {
                for column in 0..width {
                    let expected = if column < rows { data[column * stride + depth] } else { 0.0 };
                    assert_eq!(into[depth * width + column], expected, "{rows} {depths} {width}: {depth} {column}");
                }
            }
        }
    }
}
