//! The largest entries of a row.
//!
//! The k-th largest of the maxima of blocks bounds the k-th largest entry from below: one pass over the row collects the
//! few candidates above the bound, and only those are compared with each other.

use super::simd::vectorized;

/// Entries of a block.
const BLOCK: usize = 32;

/// Buffers that serve row after row.
#[derive(Default)]
pub(crate) struct Selection {
    maxima: Vec<f32>,
    sorted: Vec<f32>,
    candidates: Vec<(f32, u32)>,
}

impl Selection {
    /// Writes the `k` largest entries of `row` and their columns, in the order of columns. `NaN` counts as the largest, so
    /// that it is seen; of equal entries the first ones are taken.
    pub(crate) fn largest(&mut self, row: &[f32], values: &mut [f32], columns: &mut [u32]) {
        let k = values.len();
        self.maxima.resize(row.len().div_ceil(BLOCK), 0.0);
        block_maxima(row, &mut self.maxima);
        let bound = if self.maxima.len() > k {
            self.sorted.clear();
            self.sorted.extend_from_slice(&self.maxima);
            let (_, bound, _) = self.sorted.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
            *bound
        } else {
            f32::NEG_INFINITY
        };
        self.candidates.clear();
        for (block, &maximum) in self.maxima.iter().enumerate() {
            if maximum >= bound {
                let start = block * BLOCK;
                for (column, &value) in row[start..row.len().min(start + BLOCK)].iter().enumerate() {
                    let key = if value.is_nan() { f32::INFINITY } else { value };
                    if key >= bound {
                        self.candidates.push((key, (start + column) as u32));
                    }
                }
            }
        }
        if self.candidates.len() > k {
            let first = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
            self.candidates.select_nth_unstable_by(k - 1, first);
            self.candidates.truncate(k);
        }
        self.candidates.sort_unstable_by_key(|candidate| candidate.1);
        for ((value, column), (_, from)) in values.iter_mut().zip(columns).zip(&self.candidates) {
            *value = row[*from as usize];
            *column = *from;
        }
    }
}

vectorized! {
    fn block_maxima(row: &[f32], maxima: &mut [f32]) {
        let blocks = row.chunks_exact(BLOCK);
        let rest = blocks.remainder();
        for (block, maximum) in blocks.zip(maxima.iter_mut()) {
            let mut lanes = [f32::NEG_INFINITY; 16];
            for half in block.chunks_exact(16) {
                for (lane, &value) in lanes.iter_mut().zip(half) {
                    let value = if value.is_nan() { f32::INFINITY } else { value };
                    *lane = if value > *lane { value } else { *lane };
                }
            }
            *maximum = lanes.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
        }
        if let (Some(maximum), false) = (maxima.last_mut(), rest.is_empty()) {
            let key = |value: f32| if value.is_nan() { f32::INFINITY } else { value };
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
            let key = |i: u32| if row[i as usize].is_nan() { f32::INFINITY } else { row[i as usize] };
            order.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
            order.truncate(k);
            order.sort_unstable();
            let (mut values, mut columns) = (vec![0.0; k], vec![0; k]);
            Selection::default().largest(&row, &mut values, &mut columns);
            prop_assert_eq!(&columns, &order);
            prop_assert!(values.iter().zip(&order).all(|(v, &i)| v.total_cmp(&row[i as usize]).is_eq()));
        }
    }
}
