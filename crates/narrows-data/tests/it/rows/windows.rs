//! Windows of consecutive rows: where they begin, and what they never cross.

use std::sync::Arc;

use narrows_data::{
    Column, ColumnData, ColumnKind, Error, Feed, FeedConfig, Memory, Preparation, PrepareConfig, Role, SplitBy,
    SplitConfig, Splits, Subset, Window, in_order,
};

use super::{number, shared, table};

fn series(rows: usize, restart: usize, block: usize) -> Memory {
    let times = (0..rows).map(|row| (if row < restart { row } else { row - restart }) as f64);
    let time = Column { name: "t".into(), kind: ColumnKind::Time, role: Role::Time };
    table(
        vec![
            (time, ColumnData::Numbers(times.collect())),
            number("a", (0..rows).map(|row| row as f64).collect()),
            number("b", (0..rows).map(|row| if row % 17 == 3 { f64::NAN } else { (row % 5) as f64 }).collect()),
        ],
        block,
    )
}

fn config(length: usize, stride: usize) -> PrepareConfig {
    PrepareConfig { window: Some(Window::new(length, stride).unwrap()), ..Default::default() }
}

fn starts<K>(subset: &Subset<K>, preparation: &Arc<Preparation>) -> Vec<usize> {
    in_order(subset, preparation, 7).unwrap().flat_map(|portion| portion.unwrap().numbers).collect()
}

#[test]
fn windows_stay_in_their_part_and_recording() {
    let source = shared(series(100, 43, 9));
    let splits = Splits::new(&source, &SplitConfig { by: SplitBy::Time, ..Default::default() }).unwrap();
    let preparation = Arc::new(Preparation::fit(&splits.train, &config(8, 3)).unwrap());
    assert_eq!(preparation.layout().dims, [8, 3]);
    let expected: Vec<usize> = (0..=35).step_by(3).chain((43..=72).step_by(3)).collect();
    assert_eq!(starts(&splits.train, &preparation), expected);
    assert_eq!(starts(&splits.test, &preparation), [90]);
    let single = Arc::new(Preparation::fit(&splits.train, &config(1, 1)).unwrap());
    assert_eq!(starts(&splits.validation, &single), (80..90).collect::<Vec<_>>());
}

#[test]
fn a_window_is_its_rows_in_order() {
    let source = shared(series(60, 60, 7));
    let splits = Splits::new(&source, &SplitConfig { by: SplitBy::Time, ..Default::default() }).unwrap();
    let single = Arc::new(Preparation::fit(&splits.train, &config(1, 1)).unwrap());
    let rows: Vec<f32> =
        in_order(&splits.train, &single, 100).unwrap().flat_map(|portion| portion.unwrap().rows.features).collect();
    let preparation = Arc::new(Preparation::fit(&splits.train, &config(20, 1)).unwrap());
    for portion in in_order(&splits.train, &preparation, 100).unwrap() {
        let portion = portion.unwrap();
        assert!(portion.rows.observed.is_some());
        for (start, window) in portion.numbers.iter().zip(portion.rows.features.chunks_exact(60)) {
            assert_eq!(window, &rows[start * 3..start * 3 + 60]);
        }
    }
    for budget in [1 << 20, 4000] {
        let feed = Feed::new(&splits.train, &preparation, FeedConfig { batch: 4, seed: 0, budget }).unwrap();
        assert_eq!(feed.samples(), 29);
        for step in 0..20 {
            let batch = feed.batch(step).unwrap();
            for window in batch.features.chunks_exact(60) {
                let start = rows.chunks_exact(3).position(|row| row == &window[..3]).unwrap();
                assert_eq!(window, &rows[start * 3..start * 3 + 60]);
            }
        }
    }
}

#[test]
fn shuffled_rows_form_no_windows() {
    let source = shared(series(100, 100, 10));
    let splits = Splits::new(&source, &SplitConfig::default()).unwrap();
    let preparation = Arc::new(Preparation::fit(&splits.train, &config(4, 1)).unwrap());
    assert!(matches!(in_order(&splits.train, &preparation, 8), Err(Error::WindowSplit { .. })));
    assert!(matches!(Window::new(0, 1), Err(Error::Setting { .. })));
    let short =
        Splits::new(&shared(series(10, 10, 4)), &SplitConfig { by: SplitBy::Time, ..Default::default() }).unwrap();
    assert!(matches!(Preparation::fit(&short.train, &config(9, 1)), Err(Error::TooFewRows { rows: 8, needed: 9, .. })));
}
