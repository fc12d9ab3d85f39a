//! Splits: exact sizes, no row in two parts, groups and classes respected.

use std::collections::BTreeMap;

use narrows_data::{Column, ColumnData, ColumnKind, Error, Fractions, SplitBy, SplitConfig, Splits, Subset};
use proptest::prelude::*;

use super::{counting, number, shared, table};

fn members<K>(subset: &Subset<K>) -> Vec<usize> {
    (0..subset.source().rows()).filter(|row| subset.contains(*row)).collect()
}

fn check_partition(splits: &Splits) {
    let rows = splits.train.source().rows();
    let mut all = [members(&splits.train), members(&splits.validation), members(&splits.test)];
    let sizes = [splits.train.rows(), splits.validation.rows(), splits.test.rows()];
    assert_eq!(all.each_ref().map(Vec::len), sizes);
    let mut together: Vec<usize> = all.iter_mut().flat_map(std::mem::take).collect();
    together.sort_unstable();
    assert_eq!(together, (0..rows).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn sizes_are_exact_and_parts_disjoint(rows in 3_usize..2000, seed: u64, by_time: bool) {
        let by = if by_time { SplitBy::Time } else { SplitBy::Shuffled };
        let splits = Splits::new(&shared(counting(rows, 1, 100)), &SplitConfig { by, seed, ..Default::default() }).unwrap();
        let tenth = ((rows as f64 / 10.0).round() as usize).max(1);
        prop_assert_eq!(splits.test.rows(), tenth);
        prop_assert_eq!(splits.validation.rows(), tenth);
        check_partition(&splits);
    }

    #[test]
    fn classes_are_spread_evenly(rows in 200_usize..2000, classes in 2_usize..8, seed: u64) {
        let label = (0..rows).map(|row| (row * row % 31 % classes) as f64).collect::<Vec<_>>();
        let source = table(vec![
            number("x", vec![0.0; rows]),
            (Column::label("y", ColumnKind::Number), ColumnData::Numbers(label.clone())),
        ], 64);
        let splits = Splits::new(&shared(source), &SplitConfig { by: SplitBy::Label, seed, ..Default::default() }).unwrap();
        check_partition(&splits);
        let count = |rows: Vec<usize>| rows.into_iter().fold(BTreeMap::new(), |mut counts, row| {
            *counts.entry(label[row] as usize).or_insert(0.0) += 1.0;
            counts
        });
        let (all, test) = (count((0..rows).collect()), count(members(&splits.test)));
        for (class, total) in all {
            let share = test.get(&class).copied().unwrap_or(0.0);
            prop_assert!((share - total * splits.test.rows() as f64 / rows as f64).abs() < 1.0 + 1e-9);
        }
    }
}

#[test]
fn the_seed_decides() {
    let source = shared(counting(1000, 1, 100));
    let test = |seed| members(&Splits::new(&source, &SplitConfig { seed, ..Default::default() }).unwrap().test);
    assert_eq!(test(3), test(3));
    assert_ne!(test(3), test(4));
}

#[test]
fn time_keeps_the_order() {
    let config = SplitConfig { by: SplitBy::Time, ..Default::default() };
    let splits = Splits::new(&shared(counting(100, 1, 7)), &config).unwrap();
    assert_eq!(splits.train.contiguous(), Some(0..80));
    assert_eq!(splits.validation.contiguous(), Some(80..90));
    assert_eq!(splits.test.contiguous(), Some(90..100));
}

#[test]
fn groups_stay_together() {
    let groups: Vec<_> = (0..50).map(|group| group * 4..group * 4 + 4).collect();
    let source = shared(counting(200, 1, 16).with_groups(groups.clone()).unwrap());
    let splits = Splits::new(&source, &SplitConfig { seed: 9, ..Default::default() }).unwrap();
    check_partition(&splits);
    assert_eq!(splits.test.rows(), 20);
    for group in groups {
        let inside = group.clone().filter(|row| splits.test.contains(*row)).count();
        assert!(inside == 0 || inside == group.len());
    }
}

#[test]
fn places_and_limits_count_members() {
    let splits = Splits::new(&shared(counting(500, 1, 50)), &SplitConfig::default()).unwrap();
    let all = members(&splits.train);
    assert_eq!(
        splits.train.places(100..200),
        all.iter().filter(|row| (100..200).contains(*row)).map(|row| row - 100).collect::<Vec<_>>()
    );
    let limited = splits.train.clone().limit(25);
    assert_eq!((limited.rows(), members(&limited)), (25, all[..25].to_vec()));
}

#[test]
fn what_cannot_be_split_is_refused() {
    let source = |rows| shared(counting(rows, 1, 10));
    assert!(matches!(
        Splits::new(&source(2), &SplitConfig::default()),
        Err(Error::TooFewRows { rows: 2, needed: 3, .. })
    ));
    let by_label = SplitConfig { by: SplitBy::Label, ..Default::default() };
    assert!(matches!(Splits::new(&source(50), &by_label), Err(Error::NoLabel { .. })));
    let classes = table(
        vec![
            number("x", vec![1.0; 30]),
            (Column::label("y", ColumnKind::Number), ColumnData::Numbers((0..30).map(f64::from).collect())),
        ],
        8,
    );
    let error = Splits::new(&shared(classes), &by_label).unwrap_err();
    assert!(matches!(&error, Error::TooManyClasses { classes: 30, rows: 3, .. }), "{error}");
    assert!(Fractions::new(0.5, 0.5, 0.5).is_err());
    assert!(Fractions::new(f64::NAN, 0.5, 0.5).is_err());
    assert!(serde_json::from_str::<SplitConfig>(r#"{"fractions": [0.0, 0.5, 0.5]}"#).is_err());
    assert_eq!(serde_json::from_str::<SplitConfig>(r#"{"seed": 3}"#).unwrap().seed, 3);
}

#[test]
fn rows_can_be_left_out_of_a_part() {
    let splits = Splits::new(&shared(counting(1003, 1, 100)), &SplitConfig::default()).unwrap();
    let (left_out, kept): (Vec<usize>, Vec<usize>) = members(&splits.train).into_iter().partition(|row| row % 7 == 3);
    let trimmed = splits.train.without(&left_out);
    assert_eq!((trimmed.rows(), members(&trimmed)), (kept.len(), kept.clone()));
    assert_eq!(members(&trimmed.limit(5)), kept[..5]);
}
