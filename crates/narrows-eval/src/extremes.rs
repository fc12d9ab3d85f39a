//! Which samples to show: the worst, the median and the best reconstructed.

/// Row numbers by error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extremes {
    /// Largest errors, largest first.
    pub worst: Vec<usize>,
    /// Around the median.
    pub median: Vec<usize>,
    /// Smallest errors, smallest first.
    pub best: Vec<usize>,
}

/// Picks up to `count` rows of each kind; no row is in two of them.
pub fn extremes(errors: &[f64], count: usize) -> Extremes {
    let mut order: Vec<usize> = (0..errors.len()).collect();
    order.sort_by(|&a, &b| errors[a].total_cmp(&errors[b]).then(a.cmp(&b)));
    let count = count.min(errors.len() / 3).max(usize::from(!errors.is_empty()));
    let best = order[..count.min(order.len())].to_vec();
    let worst = order[count.max(order.len().saturating_sub(count))..].iter().rev().copied().collect();
    let rest = &order[best.len()..order.len() - (order.len() - best.len()).min(count)];
    let start = (rest.len() / 2).saturating_sub(count / 2);
    let median = rest[start..rest.len().min(start + count)].to_vec();
    Extremes { worst, median, best }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn picks_by_rank() {
        let errors = [5.0, 1.0, 9.0, 3.0, 7.0, 2.0, 8.0, 4.0, 6.0];
        let picked = extremes(&errors, 2);
        assert_eq!(picked.best, [1, 5]);
        assert_eq!(picked.worst, [2, 6]);
        assert_eq!(picked.median.len(), 2);
        assert!(picked.median.contains(&0), "5 is the median");
    }

    proptest! {
        #[test]
        fn no_row_is_picked_twice(errors in proptest::collection::vec(0.0f64..1.0, 0..40), count in 1usize..8) {
            let picked = extremes(&errors, count);
            let mut all: Vec<usize> = [picked.worst, picked.median, picked.best].concat();
            let total = all.len();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len(), total);
        }
    }
}
