//! Windows scored back onto their rows: where windows overlap, a row gets the mean of what they say of it.

use std::collections::BTreeMap;

use narrows_data::Layout;

/// Sums over the windows seen so far, for rows that a later window may still cover.
pub(crate) struct Overlap {
    width: usize,
    steps: usize,
    open: BTreeMap<usize, (Vec<f32>, f32)>,
}

impl Overlap {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self { width: layout.row_width(), steps: layout.steps, open: BTreeMap::new() }
    }

    /// Adds windows `[N, steps, width]` that begin at ascending rows `starts`; returns the rows that are complete.
    pub(crate) fn add(&mut self, features: &[f32], starts: &[usize]) -> (Vec<f32>, Vec<usize>) {
        for (window, &start) in features.chunks_exact(self.width * self.steps).zip(starts) {
            for (step, values) in window.chunks_exact(self.width).enumerate() {
                let (sum, count) = self.open.entry(start + step).or_insert_with(|| (vec![0.0; self.width], 0.0));
                sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                *count += 1.0;
            }
        }
        let complete = starts.last().copied().unwrap_or(0);
        let rest = self.open.split_off(&complete);
        means(std::mem::replace(&mut self.open, rest))
    }

    /// The remaining rows.
    pub(crate) fn finish(self) -> (Vec<f32>, Vec<usize>) {
        means(self.open)
    }
}

fn means(rows: BTreeMap<usize, (Vec<f32>, f32)>) -> (Vec<f32>, Vec<usize>) {
    let numbers = rows.keys().copied().collect();
    let features = rows.into_values().flat_map(|(sum, count)| sum.into_iter().map(move |value| value / count));
    (features.collect(), numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_windows_are_averaged_and_every_row_comes_once() {
        let mut overlap = Overlap { width: 1, steps: 3, open: BTreeMap::new() };
        let (mut values, mut rows) = overlap.add(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[0, 2]);
        assert_eq!((values.as_slice(), rows.as_slice()), ([1.0, 2.0].as_slice(), [0, 1].as_slice()));
        let (more, further) = overlap.finish();
        values.extend(more);
        rows.extend(further);
        assert_eq!(values, [1.0, 2.0, 3.5, 5.0, 6.0]);
        assert_eq!(rows, [0, 1, 2, 3, 4]);
    }
}
