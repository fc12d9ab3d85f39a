//! From scores of windows back to scores of rows.

/// Gathers for each row the mean of its scores in all windows that hold it.
#[derive(Clone, Debug)]
pub struct RowScores {
    sums: Vec<f64>,
    counts: Vec<u32>,
}

impl RowScores {
    /// For the rows of a source of `rows` rows.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        Self { sums: vec![0.0; rows], counts: vec![0; rows] }
    }

    /// Adds the scores of consecutive rows from row `first`: one for each step of a window, or one score of the window
    /// repeated. What lies beyond the last row is ignored.
    pub fn add(&mut self, first: usize, steps: impl IntoIterator<Item = f64>) {
        let rows = self.sums.iter_mut().zip(&mut self.counts).skip(first);
        for ((sum, count), score) in rows.zip(steps) {
            *sum += score;
            *count += 1;
        }
    }

    /// The mean score of each row; `None` for rows in no window.
    #[must_use]
    pub fn finish(self) -> Vec<Option<f64>> {
        let mean = |(sum, count): (f64, u32)| (count > 0).then(|| sum / f64::from(count));
        self.sums.into_iter().zip(self.counts).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_get_the_mean_of_their_windows() {
        let mut scores = RowScores::new(5);
        scores.add(0, [1.0, 2.0, 3.0]);
        scores.add(1, [4.0, 5.0, 6.0]);
        scores.add(4, [7.0, 8.0]);
        assert_eq!(scores.finish(), [Some(1.0), Some(3.0), Some(4.0), Some(6.0), Some(7.0)]);
        assert_eq!(RowScores::new(2).finish(), [None, None]);
    }
}
