//! Real tables and logs, where they are at hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use narrows_data::{
    ColumnKind, Encoder, Feed, FeedConfig, OpenOptions, Preparation, PrepareConfig, Source, SplitBy, SplitConfig,
    Splits, Window, in_order, open,
};

use super::{shared_data, whole};

#[test]
fn adult_is_a_table_of_mixed_types() {
    let Some(path) = shared_data("adult/adult.csv.gz") else { return };
    let options = OpenOptions { label: Some("income".into()), ..Default::default() };
    let source: Arc<dyn Source> = open(&path, &options).unwrap().into();
    let mut counts = BTreeMap::new();
    source.schema().columns.iter().for_each(|column| *counts.entry(column.kind as u8).or_insert(0) += 1);
    assert_eq!(
        (source.rows(), counts[&(ColumnKind::Number as u8)], counts[&(ColumnKind::Category as u8)]),
        (32_561, 6, 9)
    );

    let mut naive = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(flate2::read::MultiGzDecoder::new(std::fs::File::open(&path).unwrap()));
    for (row, (record, cells)) in naive.records().zip(whole(source.as_ref())).enumerate() {
        let record = record.unwrap();
        let expected: Vec<&str> = record.iter().map(|cell| if cell == "?" { "" } else { cell }).collect();
        assert_eq!(cells, expected, "row {row}");
    }

    let splits = Splits::new(&source, &SplitConfig { by: SplitBy::Label, ..Default::default() }).unwrap();
    let preparation = Arc::new(Preparation::fit(&splits.train, &PrepareConfig::default()).unwrap());
    assert!(preparation.layout().fields.iter().all(|field| field.name != "income"));
    assert_eq!(preparation.layout().fields.len(), 14);
    let encoder = Encoder::new(preparation.clone(), source.as_ref()).unwrap();
    let block = source.read(0).unwrap();
    let rows = encoder.apply(&block, 0).unwrap();
    let back = preparation.invert(&rows.features).unwrap();
    let (narrows_data::ColumnData::Numbers(before), narrows_data::ColumnData::Numbers(after)) =
        (&block.columns[2], &back.columns[2])
    else {
        panic!("fnlwgt is a number")
    };
    assert!(before.iter().zip(after).all(|(before, after)| (before - after).abs() < before.abs() * 1e-4));
    let feed = Feed::new(&splits.train, &preparation, FeedConfig::default()).unwrap();
    assert!(feed.batch(1000).unwrap().features.iter().all(|x| x.is_finite()));
}

#[test]
fn sensor_files_open_as_they_are() {
    let Some(path) = shared_data("skab/valve1") else { return };
    let mut files: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let options = OpenOptions {
        time: Some("datetime".into()),
        label: Some("anomaly".into()),
        exclude: vec!["changepoint".into()],
        ..Default::default()
    };
    for file in files {
        let source: Arc<dyn Source> = open(&file, &options).unwrap().into();
        assert_eq!(source.schema().columns.len(), 10, "{}", file.display());
        let splits = Splits::new(&source, &SplitConfig { by: SplitBy::Time, ..Default::default() }).unwrap();
        let config = PrepareConfig { window: Some(Window::new(32, 4).unwrap()), ..Default::default() };
        let preparation = Arc::new(Preparation::fit(&splits.train, &config).unwrap());
        assert_eq!(preparation.layout().dims, [32, 8]);
        let windows: usize = in_order(&splits.train, &preparation, 64).unwrap().map(|p| p.unwrap().rows.rows).sum();
        assert_eq!(windows, (splits.train.rows() - 32) / 4 + 1, "{}", file.display());
    }
}

#[test]
fn a_directory_of_tables_is_one_with_a_group_for_each_file() {
    let Some(path) = shared_data("skab/valve1") else { return };
    let options = OpenOptions { time: Some("datetime".into()), label: Some("anomaly".into()), ..Default::default() };
    let source: Arc<dyn Source> = open(&path, &options).unwrap().into();
    assert_eq!(source.groups().unwrap().len(), 16);
    let splits = Splits::new(&source, &SplitConfig::default()).unwrap();
    let config = PrepareConfig { window: Some(Window::new(60, 10).unwrap()), ..Default::default() };
    let preparation = Arc::new(Preparation::fit(&splits.train, &config).unwrap());
    let groups = source.groups().unwrap();
    for portion in in_order(&splits.test, &preparation, 64).unwrap() {
        for first in portion.unwrap().numbers {
            assert!(groups.iter().any(|group| group.start <= first && first + 60 <= group.end));
            assert!(splits.test.contains(first) && splits.test.contains(first + 59));
        }
    }
}

#[test]
fn every_series_of_nab_opens() {
    let Some(path) = shared_data("nab") else { return };
    let mut files = 0;
    for group in std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in std::fs::read_dir(group).unwrap().map(|entry| entry.unwrap().path()) {
            let source = open(&file, &OpenOptions { time: Some("timestamp".into()), ..Default::default() }).unwrap();
            let kinds: Vec<_> = source.schema().columns.iter().map(|column| column.kind).collect();
            assert_eq!(kinds, [ColumnKind::Time, ColumnKind::Number], "{}", file.display());
            let lines = std::fs::read_to_string(&file).unwrap().lines().count();
            assert_eq!(whole(source.as_ref()).len(), lines - 1, "{}", file.display());
            files += 1;
        }
    }
    assert!(files > 30);
}
