//! Prepared samples: a matrix of features and, where cells were missing, their observation weights.

/// Prepared samples, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Samples.
    pub rows: usize,
    /// Features of a sample.
    pub width: usize,
    /// `[rows, width]`; always finite.
    pub features: Vec<f32>,
    /// `[rows, width]`: 1 where the value was observed, 0 where it was missing or an unseen category. `None`: all 1.
    pub observed: Option<Vec<f32>>,
    /// Features of the condition, `[rows, width of the condition]`, where samples have one.
    pub condition: Option<Vec<f32>>,
}

impl Rows {
    /// Room for `capacity` samples of `width` features.
    pub(crate) fn with_capacity(capacity: usize, width: usize) -> Self {
        Self { width, features: Vec::with_capacity(capacity * width), ..Self::default() }
    }

    /// Appends the samples at the places `rows` of `other`, in that order.
    pub(crate) fn extend(&mut self, other: &Self, rows: impl ExactSizeIterator<Item = usize> + Clone) {
        if let Some(condition) = &other.condition {
            let width = condition.len() / other.rows.max(1);
            let into = self.condition.get_or_insert_default();
            rows.clone().for_each(|row| into.extend_from_slice(&condition[row * width..(row + 1) * width]));
        }
        self.extend_features(&other.features, other.observed.as_deref(), rows, self.width);
    }

    /// Appends samples of `width` values that start at `starts * stride` of `features`; they may overlap.
    pub(crate) fn extend_features(
        &mut self,
        features: &[f32],
        observed: Option<&[f32]>,
        starts: impl ExactSizeIterator<Item = usize> + Clone,
        stride: usize,
    ) {
        let (count, width) = (starts.len(), self.width);
        if observed.is_some() && self.observed.is_none() {
            self.observed = Some(vec![1.0; self.features.len()]);
        }
        for start in starts.clone().map(|start| start * stride) {
            self.features.extend_from_slice(&features[start..start + width]);
        }
        if let Some(into) = &mut self.observed {
            match observed {
                Some(observed) => {
                    for start in starts.map(|start| start * stride) {
                        into.extend_from_slice(&observed[start..start + width]);
                    }
                }
                None => into.resize(into.len() + count * width, 1.0),
            }
        }
        self.rows += count;
    }
}
