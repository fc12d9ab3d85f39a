//! The largest entries of a row.
//!
//! The k-th largest of the maxima of blocks bounds the k-th largest entry from below: one pass over the row collects the
//! few candidates above the bound, and only those are compared with each other.

use std::cell::RefCell;

use super::simd::vectorized;

/// Entries of a block.
pub(crate) const BLOCK: usize = 32;

/// Buffers that serve row after row.
#[derive(Default)]
pub(crate) struct Selection {
    sorted: Vec<f32>,
    candidates: Vec<(f32, u32)>,
}

thread_local! {
    static KEPT: RefCell<Selection> = RefCell::default();
}

impl Selection {
    /// Runs `select` with the buffers that this thread keeps.
    pub(crate) fn with<R>(select: impl FnOnce(&mut Self) -> R) -> R {
        let mut buffers = KEPT.take();
        let result = select(&mut buffers);
        KEPT.set(buffers);
        result
    }

    /// Writes the `k` largest entries of `row` and their columns, in the order of columns. `NaN` counts as the largest, so
    /// that it is seen; of equal entries the first ones are taken. `maxima` are those of the row's blocks.
    pub(crate) fn largest(&mut self, row: &[f32], maxima: &[f32], values: &mut [f32], columns: &mut [u32]) {
        let bound = self.bound(maxima, values.len());
        self.collect(row, maxima, bound);
        self.keep(values, columns);
    }

    /// As [`Selection::largest`] for a `row` that is within `margin` of the true entries, which `exact` gives.
    pub(crate) fn largest_within(
        &mut self,
        (row, maxima, margin): (&[f32], &[f32], f32),
        exact: impl Fn(usize) -> f32,
        values: &mut [f32],
        columns: &mut [u32],
    ) {
        let k = values.len();
        // The true k-th largest entry is at least the k-th largest of `row` less the margin; what is above it is at least
        // that in truth only if it is within another margin in `row`.
        let below = |bound: f32| if margin.is_finite() { bound - 2.0 * margin } else { f32::NEG_INFINITY };
        let bound = below(self.bound(maxima, k));
        self.collect(row, maxima, bound);
        if self.candidates.len() > k {
            self.candidates.select_nth_unstable_by(k - 1, |a, b| key(b.0).total_cmp(&key(a.0)));
            let bound = below(key(self.candidates[k - 1].0));
            self.candidates.retain(|candidate| key(candidate.0) >= bound);
        }
        for (value, column) in &mut self.candidates {
            *value = exact(*column as usize);
        }
        self.keep(values, columns);
    }

    /// A number that at least `k` entries reach: the k-th largest of the maxima.
    fn bound(&mut self, maxima: &[f32], k: usize) -> f32 {
        if maxima.len() <= k {
            return f32::NEG_INFINITY;
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(maxima);
        *self.sorted.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a)).1
    }

    /// Makes all entries that reach `bound` candidates.
    fn collect(&mut self, row: &[f32], maxima: &[f32], bound: f32) {
        self.candidates.clear();
        collect(&mut self.candidates, row, maxima, bound);
    }

    /// Writes the largest candidates.
    fn keep(&mut self, values: &mut [f32], columns: &mut [u32]) {
        let k = values.len();
        if self.candidates.len() > k {
            let first = |a: &(f32, u32), b: &(f32, u32)| key(b.0).total_cmp(&key(a.0)).then(a.1.cmp(&b.1));
            self.candidates.select_nth_unstable_by(k - 1, first);
            self.candidates.truncate(k);
        }
        self.candidates.sort_unstable_by_key(|candidate| candidate.1);
        for ((into, column), (value, from)) in values.iter_mut().zip(columns).zip(&self.candidates) {
            (*into, *column) = (*value, *from);
        }
    }
}

/// A bit for each entry of a block that reaches `bound`; `NaN` reaches every bound.
#[inline(always)]
fn reaching(block: &[f32], bound: f32) -> u32 {
    let bit = |(column, &value): (usize, &f32)| u32::from(value >= bound || value.is_nan()) << column;
    block.iter().enumerate().map(bit).fold(0, std::ops::BitOr::bitor)
}

/// The place of a number in the order.
#[inline(always)]
fn key(value: f32) -> f32 {
    if value.is_nan() { f32::INFINITY } else { value }
}

vectorized! {
    fn collect(candidates: &mut Vec<(f32, u32)>, row: &[f32], maxima: &[f32], bound: f32) {
        let mut blocks = [0u32; AHEAD];
        for (first, some) in (0u32..).step_by(AHEAD).zip(maxima.chunks(AHEAD)) {
            let mut count = 0;
            for (block, &maximum) in (first..).zip(some) {
                if maximum >= bound {
                    blocks[count] = block;
                    count += 1;
                    prefetch(&row[block as usize * BLOCK..]);
                }
            }
            for &block in &blocks[..count] {
                let start = block as usize * BLOCK;
                let entries = &row[start..row.len().min(start + BLOCK)];
                let mut reached = match <&[f32; BLOCK]>::try_from(entries) {
                    Ok(whole) => reaching(whole, bound),
                    Err(_) => reaching(entries, bound),
                };
                while reached != 0 {
                    let column = reached.trailing_zeros();
                    candidates.push((entries[column as usize], start as u32 + column));
                    reached &= reached - 1;
                }
            }
        }
    }
}

/// Blocks that are fetched before the first of them is read: a row may lie far away.
const AHEAD: usize = 64;

/// Has the processor fetch the block that `row` starts with.
#[inline(always)]
fn prefetch(row: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in [row.first(), row.get(BLOCK / 2)].into_iter().flatten() {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint; the address is that of an entry.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}

/// The largest entry of each block of `BLOCK` entries; `NaN` counts as infinite.
pub(crate) fn block_maxima(row: &[f32], maxima: &mut [f32]) {
    note_largest(row.chunks(BLOCK).zip(maxima));
}

/// Writes the largest entry of each block of at most `BLOCK`; `NaN` counts as infinite.
pub(crate) fn note_largest<'a>(blocks: impl Iterator<Item = (&'a [f32], &'a mut f32)>) {
    #[cfg(target_arch = "x86_64")]
    if super::simd::avx512() {
        // SAFETY: the processor has AVX-512.
        return blocks.for_each(|(block, maximum)| *maximum = unsafe { avx512::largest(block) });
    }
    #[cfg(target_arch = "x86_64")]
    if super::simd::avx2() {
        // SAFETY: the processor has AVX2.
        return blocks.for_each(|(block, maximum)| *maximum = unsafe { avx2::largest(block) });
    }
    blocks.for_each(|(block, maximum)| *maximum = largest(block));
}

fn largest(block: &[f32]) -> f32 {
    block.iter().fold(f32::NEG_INFINITY, |a, &b| if key(b) > a { key(b) } else { a })
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        _CMP_UNORD_Q, _mm_max_ps, _mm_storeu_ps, _mm256_castps256_ps128, _mm256_cmp_ps, _mm256_extractf128_ps,
        _mm256_loadu_ps, _mm256_max_ps, _mm256_movemask_ps, _mm256_or_ps,
    };

    use super::BLOCK;

    /// The largest entry.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn largest(block: &[f32]) -> f32 {
        let Ok(block) = <&[f32; BLOCK]>::try_from(block) else { return super::largest(block) };
        let mut four = [0.0; 4];
        // SAFETY: a block has four vectors, and `four` holds half of one.
        unsafe {
            let v: [_; 4] = std::array::from_fn(|i| _mm256_loadu_ps(block.as_ptr().add(8 * i)));
            let unordered = |a, b| _mm256_cmp_ps::<_CMP_UNORD_Q>(a, b);
            if _mm256_movemask_ps(_mm256_or_ps(unordered(v[0], v[1]), unordered(v[2], v[3]))) != 0 {
                return f32::INFINITY;
            }
            let most = _mm256_max_ps(_mm256_max_ps(v[0], v[1]), _mm256_max_ps(v[2], v[3]));
            let most = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps::<1>(most));
            _mm_storeu_ps(four.as_mut_ptr(), most);
        }
        super::largest(&four)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{_CMP_UNORD_Q, _mm512_cmp_ps_mask, _mm512_loadu_ps, _mm512_max_ps, _mm512_reduce_max_ps};

    use super::BLOCK;

    /// The largest entry.
    ///
    /// # Safety
    /// The processor has AVX-512.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn largest(block: &[f32]) -> f32 {
        let Ok(block) = <&[f32; BLOCK]>::try_from(block) else { return super::largest(block) };
        // SAFETY: a block has two vectors.
        let (a, b) = unsafe { (_mm512_loadu_ps(block.as_ptr()), _mm512_loadu_ps(block.as_ptr().add(16))) };
        if _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, b) != 0 {
            f32::INFINITY
        } else {
            _mm512_reduce_max_ps(_mm512_max_ps(a, b))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
        #[test]
        fn the_same_as_sorting(row in proptest::collection::vec(-9i8..9, 1..300), share in 0.0..1.0f64) {
            let row: Vec<f32> = row.into_iter().map(|v| if v == 8 { f32::NAN } else { f32::from(v) }).collect();
            let k = ((row.len() as f64 * share) as usize).max(1);
            let mut order: Vec<u32> = (0..row.len() as u32).collect();
            let at = |i: u32| key(row[i as usize]);
            order.sort_by(|&a, &b| at(b).total_cmp(&at(a)));
            order.truncate(k);
            order.sort_unstable();
            let (mut values, mut columns) = (vec![0.0; k], vec![0; k]);
            let mut maxima = vec![0.0; row.len().div_ceil(BLOCK)];
            block_maxima(&row, &mut maxima);
            Selection::default().largest(&row, &maxima, &mut values, &mut columns);
            prop_assert_eq!(&columns, &order);
            prop_assert!(values.iter().zip(&order).all(|(v, &i)| v.total_cmp(&row[i as usize]).is_eq()));
        }
    }
}
