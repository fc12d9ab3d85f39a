//! The heads and weights of one row, checked once.

use serde::{Deserialize, Serialize};

use super::{Family, Head};

/// Heads that cover a row in order and without gaps, with a weight for each feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct Row {
    heads: Vec<Head>,
    weights: Vec<f32>,
}

/// Why heads and weights do not describe a row.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRow {
    /// There is nothing to describe.
    #[error("a likelihood has no heads; a row needs at least one feature")]
    Empty,
    /// A head does not begin where the one before ends, or has no features.
    #[error("head {head} covers features {start}..{end}; it must begin at {expected} and hold at least one feature")]
    Range {
        /// Its position.
        head: usize,
        /// First feature.
        start: usize,
        /// One behind its last feature.
        end: usize,
        /// Where it has to begin.
        expected: usize,
    },
    /// Not one weight for each feature.
    #[error("a row has {weights} weights for {features} features; give one for each or none")]
    WeightCount {
        /// Weights given.
        weights: usize,
        /// Features of the row.
        features: usize,
    },
    /// A weight that would make the loss meaningless.
    #[error("the weight of feature {feature} is {weight}; it must be a finite number from 0 on")]
    Weight {
        /// Its position.
        feature: usize,
        /// Its weight.
        weight: f32,
    },
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    heads: Vec<Head>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weights: Vec<f32>,
}

impl TryFrom<Unchecked> for Row {
    type Error = InvalidRow;
    fn try_from(row: Unchecked) -> Result<Self, InvalidRow> {
        Self::new(row.heads, row.weights)
    }
}

impl From<Row> for Unchecked {
    fn from(row: Row) -> Self {
        Self { heads: row.heads, weights: row.weights }
    }
}

impl Row {
    /// Checks heads and weights; empty weights mean 1 for each feature.
    ///
    /// # Errors
    /// The heads leave gaps or overlap, or the weights do not fit.
    pub fn new(heads: Vec<Head>, weights: Vec<f32>) -> Result<Self, InvalidRow> {
        let mut expected = 0;
        for (index, head) in heads.iter().enumerate() {
            let (start, end) = (head.range.start, head.range.end);
            if start != expected || end <= start {
                return Err(InvalidRow::Range { head: index, start, end, expected });
            }
            expected = end;
        }
        if expected == 0 {
            return Err(InvalidRow::Empty);
        }
        if !weights.is_empty() && weights.len() != expected {
            return Err(InvalidRow::WeightCount { weights: weights.len(), features: expected });
        }
        match weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            Some(feature) => Err(InvalidRow::Weight { feature, weight: weights[feature] }),
            None => Ok(Self { heads, weights }),
        }
    }

    /// The same row, its real features read as probabilities.
    pub fn with_probabilities(&self) -> Self {
        let bernoulli = |family| if family == Family::Gaussian { Family::Bernoulli } else { family };
        let heads = self.heads.iter().map(|head| Head { range: head.range.clone(), family: bernoulli(head.family) });
        Self { heads: heads.collect(), weights: self.weights.clone() }
    }

    /// The heads in order.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The weight of each feature; empty where all are 1.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Features of the row.
    pub fn width(&self) -> usize {
        self.heads.last().map_or(1, |head| head.range.end)
    }

    /// The number of things described: a categorical head is one, elsewhere each feature is.
    pub fn things(&self) -> usize {
        let things = |head: &Head| if head.family == Family::Categorical { 1 } else { head.range.len() };
        self.heads.iter().map(things).sum()
    }

    /// The family of each feature.
    pub fn families(&self) -> Vec<Family> {
        self.heads.iter().flat_map(|head| std::iter::repeat_n(head.family, head.range.len())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(range: std::ops::Range<usize>) -> Head {
        Head { range, family: Family::Gaussian }
    }

    #[test]
    fn heads_cover_a_row_without_gaps_or_are_refused() {
        assert_eq!(Row::new(vec![], vec![]), Err(InvalidRow::Empty));
        let gap = Row::new(vec![head(0..2), head(3..4)], vec![]);
        assert_eq!(gap, Err(InvalidRow::Range { head: 1, start: 3, end: 4, expected: 2 }));
        let few = Row::new(vec![head(0..2)], vec![1.0]);
        assert_eq!(few, Err(InvalidRow::WeightCount { weights: 1, features: 2 }));
        assert!(matches!(Row::new(vec![head(0..1)], vec![-1.0]), Err(InvalidRow::Weight { feature: 0, .. })));
    }

    #[test]
    fn stored_rows_are_checked_when_they_are_read() {
        let stored = r#"{"heads":[{"range":{"start":1,"end":2},"family":"gaussian"}]}"#;
        assert!(serde_json::from_str::<Row>(stored).unwrap_err().to_string().contains("must begin at 0"));
    }
}
