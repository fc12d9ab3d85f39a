//! The largest entries of a row.
//!
//! The k-th largest of the maxima of blocks bounds the k-th largest entry from below: one pass over the row collects the
//! few candidates above the bound, and only those are compared with each other.

use super::simd::vectorized;

/// Entries of a block.
pub(crate) const BLOCK: usize = 32;

/// Buffers that serve row after row.
#[derive(Default)]
pub(crate) struct Selection {
    sorted: Vec<f32>,
    candidates: Vec<(f32, u32)>,
}

impl Selection {
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
        for ((start, block), &maximum) in (0u32..).step_by(BLOCK).zip(row.chunks(BLOCK)).zip(maxima) {
            if maximum < bound {
                continue;
            }
            let mut reached = match <&[f32; BLOCK]>::try_from(block) {
                Ok(whole) => reaching(whole, bound),
                Err(_) => reaching(block, bound),
            };
            while reached != 0 {
                let column = reached.trailing_zeros();
                candidates.push((block[column as usize], start + column));
                reached &= reached - 1;
            }
        }
    }
}

vectorized! {
    /// The largest entry of each block of `BLOCK` entries; `NaN` counts as infinite.
    pub(crate) fn block_maxima(row: &[f32], maxima: &mut [f32]) {
        let blocks = row.chunks_exact(BLOCK);
        let rest = blocks.remainder();
        for (block, maximum) in blocks.zip(maxima.iter_mut()) {
            let mut lanes = [f32::NEG_INFINITY; 16];
            for half in block.chunks_exact(16) {
                for (lane, &value) in lanes.iter_mut().zip(half) {
                    let value = key(value);
                    *lane = if value > *lane { value } else { *lane };
                }
            }
            for half in [8, 4, 2, 1] {
                for lane in 0..half {
                    lanes[lane] = if lanes[lane + half] > lanes[lane] { lanes[lane + half] } else { lanes[lane] };
                }
            }
            *maximum = lanes[0];
        }
        if let (Some(maximum), false) = (maxima.last_mut(), rest.is_empty()) {
            *maximum = rest.iter().fold(f32::NEG_INFINITY, |a, &b| if key(b) > a { key(b) } else { a });
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
