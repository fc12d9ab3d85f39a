//! Datasets by name, and the embedded digits.

use std::io::Read;

use narrows_data::catalog::{self, data_directory, datasets, is_present};
use narrows_data::{Column, ColumnData, ColumnKind, Error, OpenOptions, Sample, Source, digits};

use super::{blocks, sha256, shared};

#[test]
fn digits_are_embedded_as_published() {
    let source = digits::open().unwrap();
    assert_eq!((source.rows(), source.fixed_test()), (1797, None));
    assert_eq!(source.schema().sample, Sample::Image { height: 8, width: 8, channels: 1 });
    assert_eq!(source.schema().columns, [Column::label("label", ColumnKind::Category)]);
    let Some(path) = shared("digits/digits.csv.gz") else { return };
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    for block in blocks(&source) {
        let ColumnData::Texts(labels) = &block.columns[0] else { panic!() };
        for (row, image) in block.dense.chunks(64).enumerate() {
            let pixels: Vec<String> = image.iter().map(|value| (value * 16.0).to_string()).collect();
            assert_eq!(format!("{},{}", pixels.join(","), labels.get(row).unwrap()), lines.next().unwrap());
        }
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn names_open_what_is_there_and_say_how_to_get_the_rest() {
    let empty = tempfile::tempdir().unwrap();
    let options = OpenOptions::default();
    assert_eq!(catalog::open("digits", Some(empty.path()), &options).unwrap().rows(), 1797);
    let message = catalog::open("mnist", Some(empty.path()), &options).unwrap_err().to_string();
    assert!(message.contains("narrows data fetch mnist"), "{message}");
    let message =
        catalog::open("nab/realKnownCause/nyc_taxi.csv", Some(empty.path()), &options).unwrap_err().to_string();
    assert!(message.contains("narrows data fetch nab"), "{message}");
    let message = catalog::open("nab", Some(empty.path()), &options).unwrap_err().to_string();
    assert!(message.contains("nab/realAWSCloudwatch/grok_asg_anomaly.csv"), "{message}");
    assert!(matches!(catalog::open("mnits", Some(empty.path()), &options), Err(Error::UnknownDataset { .. })));
    assert!(matches!(catalog::open("none/x.csv", Some(empty.path()), &options), Err(Error::Io { .. })));
    assert_eq!(data_directory(Some(empty.path())).unwrap(), empty.path());
}

#[test]
fn the_development_data_are_the_catalogued_ones() {
    let Some(directory) = shared("") else { return };
    let options = OpenOptions::default();
    for (name, rows) in [
        ("mnist", 70_000),
        ("adult", 32_561),
        ("pendigits", 6870),
        ("nab/realKnownCause/nyc_taxi.csv", 10_320),
        ("skab/valve1/0.csv", 1147),
        ("skab/valve1", 18_160),
    ] {
        assert_eq!(catalog::open(name, Some(&directory), &options).unwrap().rows(), rows, "{name}");
    }
    let plain =
        datasets().filter(|dataset| dataset.homepage.contains("ADBench") || ["nab", "skab"].contains(&dataset.name));
    for file in plain.flat_map(|dataset| dataset.files).filter(|file| !file.path.contains("windows")) {
        let bytes = std::fs::read(directory.join(file.path)).unwrap();
        assert_eq!((sha256(&bytes).as_str(), bytes.len() as u64), (file.sha256, file.size), "{}", file.path);
    }
    assert_eq!(datasets().filter(|dataset| is_present(dataset, &directory)).count(), 23);
}

/// The published census table has a space behind every comma and a blank last line; pandas dropped both from numbers.
#[test]
fn the_census_as_published() {
    let Some(path) = shared("adult/adult.csv.gz") else { return };
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let (header, body) = text.split_once('\n').unwrap();
    let published = body.replace(", ", ",").replace(',', ", ") + "\n";
    let file = catalog::find("adult").unwrap().files[0];
    assert_eq!(
        (sha256(published.as_bytes()).as_str(), file.header),
        (file.sha256, Some(format!("{header}\n").as_str()))
    );
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("adult")).unwrap();
    std::fs::write(directory.path().join(file.path), file.header.unwrap().to_owned() + &published).unwrap();
    let source = catalog::open("adult", Some(directory.path()), &OpenOptions::default()).unwrap();
    assert_eq!(source.rows(), 32_561);
    assert_eq!(source.schema().columns.iter().filter(|column| column.kind == ColumnKind::Number).count(), 6);
}
