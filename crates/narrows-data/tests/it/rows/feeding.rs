//! Batches as a function of the step, and all samples in file order.

use std::sync::Arc;

use narrows_data::prepare::ArrayScaling;
use narrows_data::{
    Error, Feed, FeedConfig, Preparation, PrepareConfig, Rows, Source, SplitConfig, Splits, Subset, Train, in_order,
};

use super::{counting, shared};

fn prepared(rows: usize, block: usize) -> (Subset<Train>, Arc<Preparation>) {
    let source: Arc<dyn Source> = shared(counting(rows, 2, block));
    let splits = Splits::new(&source, &SplitConfig::default()).unwrap();
    let config = PrepareConfig { arrays: ArrayScaling::None, ..Default::default() };
    let preparation = Preparation::fit(&splits.train, &config).unwrap();
    (splits.train, Arc::new(preparation))
}

/// Row numbers of the samples, whose first feature is twice that.
fn numbers(rows: &Rows) -> Vec<usize> {
    rows.features.chunks_exact(2).map(|row| row[0] as usize / 2).collect()
}

#[test]
fn each_epoch_draws_each_row_at_most_once_in_another_order() {
    let (train, preparation) = prepared(1000, 64);
    for budget in [1 << 20, 2000] {
        let config = FeedConfig { batch: 30, seed: 5, budget };
        let feed = Feed::new(&train, &preparation, config).unwrap();
        assert_eq!((feed.samples(), feed.steps_per_epoch(), feed.is_resident()), (800, 26, budget > 2000));
        let epoch = |number: u64| -> Vec<usize> {
            (number * 26..(number + 1) * 26).flat_map(|step| numbers(&feed.batch(step).unwrap())).collect()
        };
        let (first, second) = (epoch(0), epoch(1));
        assert_ne!(first, second);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 780);
        assert!(sorted.iter().all(|row| train.contains(*row)));
        let ascents = first.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((300..480).contains(&ascents), "{ascents} of 779 steps go up");
    }
}

#[test]
fn a_batch_depends_on_the_step_alone() {
    let (train, preparation) = prepared(700, 50);
    for budget in [1 << 20, 1500] {
        let config = FeedConfig { batch: 32, seed: 1, budget };
        let forward = Feed::new(&train, &preparation, config).unwrap();
        let expected: Vec<Rows> = (0..40).map(|step| forward.batch(step).unwrap()).collect();
        let resumed = Feed::new(&train, &preparation, config).unwrap();
        for step in (0..40).rev().chain([3, 39, 17]) {
            assert_eq!(resumed.batch(step).unwrap(), expected[step as usize], "step {step}");
        }
        let other = Feed::new(&train, &preparation, FeedConfig { seed: 2, ..config }).unwrap();
        assert_ne!(other.batch(0).unwrap(), expected[0]);
    }
}

#[test]
fn in_order_gives_each_row_once() {
    let (train, preparation) = prepared(333, 25);
    let portions: Vec<_> = in_order(&train, &preparation, 10).unwrap().with_values().map(Result::unwrap).collect();
    assert!(portions.iter().all(|portion| portion.rows.rows <= 10));
    let rows: Vec<usize> = portions.iter().flat_map(|portion| portion.numbers.clone()).collect();
    assert_eq!(rows, (0..333).filter(|row| train.contains(*row)).collect::<Vec<_>>());
    assert_eq!(portions.iter().flat_map(|portion| numbers(&portion.rows)).collect::<Vec<_>>(), rows);
    assert!(portions.iter().all(|portion| portion.values.as_ref().unwrap().dense == portion.rows.features));
    drop(in_order(&train, &preparation, 1).unwrap().next());
}

#[test]
fn fewer_rows_than_a_batch_is_an_error() {
    let (train, preparation) = prepared(50, 25);
    let error = Feed::new(&train, &preparation, FeedConfig { batch: 64, ..Default::default() }).unwrap_err();
    assert!(matches!(&error, Error::TooFewRows { rows: 40, needed: 64, .. }), "{error}");
}
