//! IDX files, their labels, and the directory of MNIST.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use narrows_data::format::idx;
use narrows_data::{ColumnData, ColumnKind, Error, Sample, Source};

use super::{blocks, dense, shared, write};

fn file(kind: u8, shape: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|dim| dim.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn images_are_scaled_and_other_types_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), "a.idx", &file(8, &[2, 1, 2], &[0, 255, 51, 102]));
    let source = idx::open(&path).unwrap();
    assert_eq!(source.schema().sample, Sample::Image { height: 1, width: 2, channels: 1 });
    assert_eq!(dense(&source), [0.0, 1.0, 0.2, 0.4]);
    let path = write(directory.path(), "b.idx", &file(0x0B, &[2], &[0xFF, 0xFE, 1, 0]));
    assert_eq!(dense(&idx::open(&path).unwrap()), [-2.0, 256.0]);
}

fn mnist_like(directory: &Path, train: u32, test: u32) {
    for (part, rows) in [("train", train), ("t10k", test)] {
        let images: Vec<u8> = (0..rows * 4).map(|value| value as u8).collect();
        let labels: Vec<u8> = (0..rows).map(|row| (row % 3) as u8).collect();
        write(directory, &format!("{part}-images-idx3-ubyte.gz"), &gzip(&file(8, &[rows, 2, 2], &images)));
        write(directory, &format!("{part}-labels-idx1-ubyte.gz"), &gzip(&file(8, &[rows], &labels)));
    }
}

#[test]
fn a_directory_has_its_own_test_rows() {
    let directory = tempfile::tempdir().unwrap();
    mnist_like(directory.path(), 6, 4);
    assert!(idx::is_directory(directory.path()));
    let source = idx::open_directory(directory.path()).unwrap();
    assert_eq!((source.rows(), source.fixed_test()), (10, Some(6..10)));
    assert_eq!(source.schema().columns[0].name, "label");
    let blocks = blocks(&source);
    let ColumnData::Texts(texts) = &blocks[1].columns[0] else { panic!() };
    assert_eq!(texts.get(2), Some("2"));
    assert_eq!(blocks[1].dense[5], 5.0 / 255.0);
}

#[test]
fn labels_are_found_beside_images() {
    let directory = tempfile::tempdir().unwrap();
    mnist_like(directory.path(), 5, 2);
    let source = idx::open(&directory.path().join("train-images-idx3-ubyte.gz")).unwrap();
    assert_eq!(source.schema().columns[0].kind, ColumnKind::Category);
    write(directory.path(), "train-labels-idx1-ubyte.gz", &gzip(&file(8, &[4], &[0; 4])));
    let error = idx::open(&directory.path().join("train-images-idx3-ubyte.gz")).unwrap_err();
    assert!(matches!(error, Error::RowCounts { first_rows: 5, second_rows: 4, .. }), "{error}");
}

#[test]
fn a_claim_that_the_file_cannot_hold_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let huge = file(8, &[u32::MAX, u32::MAX, 10], &[0; 100]);
    let error = idx::open(&write(directory.path(), "a.gz", &gzip(&huge))).unwrap_err();
    assert!(matches!(error, Error::Inflation { .. }), "{error}");
    let error = idx::open(&write(directory.path(), "a", &huge)).unwrap_err();
    assert!(matches!(error, Error::Length { .. }), "{error}");
    let more = gzip(&file(8, &[10, 2, 2], &vec![0; 100_000]));
    let error = idx::open(&write(directory.path(), "b.gz", &more)).unwrap_err();
    assert!(matches!(error, Error::Length { claimed: 40, held: 41, .. }), "{error}");
    let all = gzip(&file(8, &[10, 20, 20], &(0..4000).map(|v| (v * v % 251) as u8).collect::<Vec<_>>()));
    let error = idx::open(&write(directory.path(), "c.gz", &all[..all.len() / 2])).unwrap_err();
    assert!(matches!(error, Error::Format { format: "gzip", .. }), "{error}");
}

#[test]
fn mnist_as_published() {
    let Some(path) = shared("mnist") else { return };
    let source = idx::open_directory(&path).unwrap();
    assert_eq!((source.rows(), source.fixed_test()), (70_000, Some(60_000..70_000)));
    assert_eq!(source.schema().sample, Sample::Image { height: 28, width: 28, channels: 1 });
    let first = source.read(0).unwrap();
    let ColumnData::Texts(texts) = &first.columns[0] else { panic!() };
    let labels: Vec<_> = (0..8).filter_map(|row| texts.get(row)).collect();
    assert_eq!(labels.concat(), "50419213");
    let sum: f64 = first.dense[..784].iter().map(|&value| f64::from(value)).sum();
    assert!((sum * 255.0 - 27_525.0).abs() < 0.01, "{sum}");
}
