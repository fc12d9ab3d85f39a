//! The largest entries of a row.
//!
//! The k-th largest of the maxima of blocks bounds the k-th largest entry from below: one pass over the row collects the
//! few candidates above the bound, and only those are compared with each other.

use std::cell::RefCell;

use super::simd::{prefetch, vectorized};

/// Entries of a block.
pub(crate) const BLOCK: usize = 32;

/// Buffers that serve row after row.
#[derive(Default)]
pub(crate) struct Selection {
    /// Numbers as whole ones in the same order.
    ranks: Vec<u32>,
    candidates: Vec<(f32, u32)>,
    /// How far candidates may be from the true numbers.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    margins: Vec<f32>,
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
        let bound = self.bound(maxima.iter().copied(), values.len());
        self.collect(row, maxima, bound);
        self.keep(values, columns);
    }

    /// Makes those of the entries candidates that can be among the `k` largest, if each is within `margin(column)` of the true
    /// one. There are at least `k` entries.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(crate) fn possible(
        &mut self,
        entries: impl Iterator<Item = (f32, u32)>,
        margin: impl Fn(u32) -> f32,
        k: usize,
    ) -> &[(f32, u32)] {
        let Self { ranks, candidates, margins } = self;
        candidates.clear();
        candidates.extend(entries);
        margins.clear();
        margins.extend(candidates.iter().map(|&(_, column)| margin(column)));
        // The true k-th largest entry is at least what k entries are at least.
        let least = candidates.iter().zip(&*margins).map(|(&(value, _), margin)| match value - margin {
            least if least.is_finite() => least,
            _ => f32::NEG_INFINITY,
        });
        let (bound, mut count) = (kth_largest(ranks, least, k), 0);
        for at in 0..candidates.len() {
            candidates[count] = candidates[at];
            count += usize::from(key(candidates[at].0 + margins[at]) >= bound);
        }
        candidates.truncate(count);
        candidates
    }

    /// Makes these entries and their columns the candidates.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(crate) fn set(&mut self, entries: impl Iterator<Item = (f32, u32)>) {
        self.candidates.clear();
        self.candidates.extend(entries);
    }

    /// The `k` largest candidates; of equal ones the first. They are in the order of columns, and stay so.
    pub(crate) fn reduced(&mut self, k: usize) -> &[(f32, u32)] {
        let Self { ranks, candidates, .. } = self;
        debug_assert!(candidates.is_sorted_by_key(|candidate| candidate.1));
        if candidates.len() > k {
            let kth = kth_rank::<{ u32::BITS }>(ranks, candidates.iter().map(|candidate| key(candidate.0)), k);
            let mut equal = k - ranks.iter().filter(|rank| **rank > kth).count();
            let mut count = 0;
            for (at, rank) in ranks.iter().enumerate() {
                candidates[count] = candidates[at];
                let first = *rank == kth && equal > 0;
                equal -= usize::from(first);
                count += usize::from(*rank > kth || first);
            }
            candidates.truncate(count);
        }
        candidates
    }

    /// A number that at least `k` entries reach, from the largest of disjoint parts of them; `NaN` counts as the largest.
    fn bound(&mut self, maxima: impl ExactSizeIterator<Item = f32>, k: usize) -> f32 {
        if maxima.len() < k { f32::NEG_INFINITY } else { kth_largest(&mut self.ranks, maxima.map(key), k) }
    }

    /// As [`Selection::bound`] for entries that may be off by half of `slack` each; `-inf`, which all reach, if that is not finite.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(crate) fn bound_within(&mut self, maxima: impl ExactSizeIterator<Item = f32>, k: usize, slack: f32) -> f32 {
        let bound = self.bound(maxima, k) - slack;
        if bound.is_finite() { bound } else { f32::NEG_INFINITY }
    }

    /// Makes all entries that reach `bound` candidates.
    fn collect(&mut self, row: &[f32], maxima: &[f32], bound: f32) {
        self.candidates.clear();
        collect(&mut self.candidates, row, maxima, bound);
    }

    /// Writes the largest candidates and their columns, as [`Selection::largest`] does.
    pub(crate) fn keep(&mut self, values: &mut [f32], columns: &mut [u32]) {
        let candidates = self.reduced(values.len());
        for ((into, column), (value, from)) in values.iter_mut().zip(columns).zip(candidates) {
            (*into, *column) = (*value, *from);
        }
    }
}

/// A number that `k` of them reach, and hardly less than the k-th largest.
fn kth_largest(ranks: &mut Vec<u32>, numbers: impl Iterator<Item = f32>, k: usize) -> f32 {
    /// Sign, exponent and eleven bits more.
    const BITS: u32 = 20;
    let rank = kth_rank::<BITS>(ranks, numbers, k);
    let number = f32::from_bits(if rank & SIGN == 0 { !rank } else { rank & !SIGN });
    // Without its last bits the rank of `-inf`, the lowest, is that of a `NaN`.
    if number.is_nan() { f32::NEG_INFINITY } else { number }
}

const SIGN: u32 = 1 << 31;

/// Leaves the numbers as whole ones in the same order, and finds the largest of so many bits that `k` of them reach.
fn kth_rank<const BITS: u32>(ranks: &mut Vec<u32>, numbers: impl Iterator<Item = f32>, k: usize) -> u32 {
    ranks.clear();
    ranks.extend(numbers.map(|number| match number.to_bits() {
        // Both zeros are one number.
        0 | SIGN => SIGN,
        bits if bits & SIGN == 0 => bits | SIGN,
        bits => !bits,
    }));
    debug_assert!((1..=ranks.len()).contains(&k));
    highest_reached(ranks, k as u32, BITS)
}

vectorized! {
    /// The largest number of so many bits that at least `k` of the ranks reach, found bit by bit without a branch on any of them.
    fn highest_reached(ranks: &[u32], k: u32, bits: u32) -> u32 {
        let mut highest = 0;
        for bit in (u32::BITS - bits..u32::BITS).rev() {
            let next = highest | 1 << bit;
            let mut count = 0;
            for rank in ranks {
                count += u32::from(*rank >= next);
            }
            if count >= k {
                highest = next;
            }
        }
        highest
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
pub(super) fn key(value: f32) -> f32 {
    if value.is_nan() { f32::INFINITY } else { value }
}

vectorized! {
    fn collect(candidates: &mut Vec<(f32, u32)>, row: &[f32], maxima: &[f32], bound: f32) {
        let block = |number: usize| &row[number * BLOCK..row.len().min((number + 1) * BLOCK)];
        let mut numbers = [0; AHEAD];
        for (first, some) in (0..).step_by(AHEAD).zip(maxima.chunks(AHEAD)) {
            let mut count = 0;
            for (number, &maximum) in (first..).zip(some) {
                if maximum >= bound {
                    numbers[count] = number;
                    count += 1;
                    prefetch(block(number));
                }
            }
            for &number in &numbers[..count] {
                let entries = block(number);
                let mut reached = match <&[f32; BLOCK]>::try_from(entries) {
                    Ok(whole) => reaching(whole, bound),
                    Err(_) => reaching(entries, bound),
                };
                while reached != 0 {
                    let column = reached.trailing_zeros();
                    candidates.push((entries[column as usize], (number * BLOCK) as u32 + column));
                    reached &= reached - 1;
                }
            }
        }
    }
}

/// Blocks that are fetched before the first of them is read: a row may lie far away.
const AHEAD: usize = 64;

/// The largest entry of each block of `BLOCK` entries; `NaN` counts as infinite.
pub(crate) fn block_maxima(row: &[f32], maxima: &mut [f32]) {
    let (blocks, rest) = row.as_chunks();
    let (of_blocks, of_rest) = maxima.split_at_mut(blocks.len());
    largest_of_blocks(blocks, &[0.0; BLOCK], of_blocks);
    if let [maximum] = of_rest {
        *maximum = largest(rest);
    }
}

/// The largest entry of each block after `bias` is added to it; `NaN` counts as infinite.
pub(crate) fn largest_of_blocks(blocks: &[[f32; BLOCK]], bias: &[f32; BLOCK], maxima: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if super::simd::avx512() {
        for (blocks, maxima) in blocks.chunks(16).zip(maxima.chunks_mut(16)) {
            // SAFETY: the processor has AVX-512.
            if !unsafe { avx512::largest(blocks, bias, maxima) } {
                one_by_one(blocks, bias, maxima);
            }
        }
        return;
    }
    one_by_one(blocks, bias, maxima);
}

vectorized! {
    fn one_by_one(blocks: &[[f32; BLOCK]], bias: &[f32; BLOCK], maxima: &mut [f32]) {
        for (block, maximum) in blocks.iter().zip(maxima) {
            let mut most = [f32::NEG_INFINITY; 8];
            for (entries, bias) in block.chunks_exact(8).zip(bias.chunks_exact(8)) {
                for ((most, entry), bias) in most.iter_mut().zip(entries).zip(bias) {
                    let key = key(entry + bias);
                    *most = if key > *most { key } else { *most };
                }
            }
            *maximum = largest(&most);
        }
    }
}

/// The largest entry; `NaN` counts as infinite.
pub(crate) fn largest(block: &[f32]) -> f32 {
    block.iter().fold(f32::NEG_INFINITY, |a, &b| if key(b) > a { key(b) } else { a })
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, _CMP_UNORD_Q, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_max_ps,
        _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_shuffle_ps,
    };

    use super::BLOCK;

    /// Writes the largest entries of up to 16 blocks, or gives up if there is a `NaN`.
    ///
    /// # Safety
    /// The processor has AVX-512.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn largest(blocks: &[[f32; BLOCK]], bias: &[f32; BLOCK], maxima: &mut [f32]) -> bool {
        let mut halves = [_mm512_setzero_ps(); 16];
        let mut unordered = 0;
        // SAFETY: a block has two vectors.
        let (low, high) = unsafe { (_mm512_loadu_ps(bias.as_ptr()), _mm512_loadu_ps(bias.as_ptr().add(16))) };
        for (half, block) in halves.iter_mut().zip(blocks) {
            // SAFETY: as above.
            let (a, b) = unsafe { (_mm512_loadu_ps(block.as_ptr()), _mm512_loadu_ps(block.as_ptr().add(16))) };
            let (a, b) = (_mm512_add_ps(a, low), _mm512_add_ps(b, high));
            unordered |= _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, b);
            *half = _mm512_max_ps(a, b);
        }
        if unordered != 0 {
            return false;
        }
        // Each step halves the vectors: two go into one, side by side in quarters, pairs and single numbers.
        let eight: [__m512; 8] = std::array::from_fn(|i| {
            let (a, b) = (halves[i % 4 + i / 4 * 8], halves[i % 4 + i / 4 * 8 + 4]);
            _mm512_max_ps(_mm512_shuffle_f32x4::<0b01_00_01_00>(a, b), _mm512_shuffle_f32x4::<0b11_10_11_10>(a, b))
        });
        let four: [__m512; 4] = std::array::from_fn(|i| {
            let (a, b) = (eight[i], eight[i + 4]);
            _mm512_max_ps(_mm512_shuffle_f32x4::<0b10_00_10_00>(a, b), _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b))
        });
        let two: [__m512; 2] = std::array::from_fn(|i| {
            let (a, b) = (four[2 * i], four[2 * i + 1]);
            _mm512_max_ps(_mm512_shuffle_ps::<0b01_00_01_00>(a, b), _mm512_shuffle_ps::<0b11_10_11_10>(a, b))
        });
        let (a, b) = (two[0], two[1]);
        let one = _mm512_max_ps(_mm512_shuffle_ps::<0b10_00_10_00>(a, b), _mm512_shuffle_ps::<0b11_01_11_01>(a, b));
        let mask = (1_u32 << maxima.len().min(16)) - 1;
        // SAFETY: the mask leaves out what lies beyond the maxima.
        unsafe { _mm512_mask_storeu_ps(maxima.as_mut_ptr(), mask as u16, one) };
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn maxima_of_blocks_are_found_together() {
        for (len, nan) in [(40 * BLOCK, None), (40 * BLOCK, Some(777)), (33 * BLOCK + 5, None), (7, Some(3))] {
            let mut row: Vec<f32> = (0..len).map(|i| ((i * 7919) % 4001) as f32 - 4000.0).collect();
            if let Some(nan) = nan {
                row[nan] = f32::NAN;
            }
            let mut maxima = vec![0.0; len.div_ceil(BLOCK)];
            block_maxima(&row, &mut maxima);
            let expected: Vec<f32> = row.chunks(BLOCK).map(largest).collect();
            assert_eq!(maxima, expected);
        }
    }

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
