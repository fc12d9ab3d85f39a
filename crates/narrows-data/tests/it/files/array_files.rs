//! NPY and NPZ, in every type, order and byte order.

use std::io::Write;

use narrows_data::format::{npy as npy_file, npz};
use narrows_data::{ColumnData, ColumnKind, Error, Role, Sample, Source};
use proptest::prelude::*;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use super::{blocks, dense, npy, shared, write};

/// The bytes of whole number `value` in a NumPy type, little-endian.
fn encode(code: &str, value: i64) -> Vec<u8> {
    match code {
        "b1" => vec![u8::from(value != 0)],
        "i1" => (value as i8).to_le_bytes().to_vec(),
        "u1" => (value as u8).to_le_bytes().to_vec(),
        "i2" => (value as i16).to_le_bytes().to_vec(),
        "u2" => (value as u16).to_le_bytes().to_vec(),
        "i4" => (value as i32).to_le_bytes().to_vec(),
        "u4" => (value as u32).to_le_bytes().to_vec(),
        "i8" => value.to_le_bytes().to_vec(),
        "u8" => (value as u64).to_le_bytes().to_vec(),
        "f2" => half::f16::from_f64(value as f64).to_le_bytes().to_vec(),
        "f4" => (value as f32).to_le_bytes().to_vec(),
        "f8" => (value as f64).to_le_bytes().to_vec(),
        other => panic!("{other}"),
    }
}

const CODES: [&str; 12] = ["b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"];

/// The value at `index` of an array whose element values are their position in C order, modulo 2.
fn position(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |flat, (i, dim)| flat * dim + i)
}

/// All indices of a shape, the first axis fastest when `fortran`.
fn indices(shape: &[usize], fortran: bool) -> Vec<Vec<usize>> {
    let total: usize = shape.iter().product();
    let axes: Vec<usize> = if fortran { (0..shape.len()).collect() } else { (0..shape.len()).rev().collect() };
    (0..total)
        .map(|flat| {
            let (mut rest, mut index) = (flat, vec![0; shape.len()]);
            for &axis in &axes {
                index[axis] = rest % shape[axis];
                rest /= shape[axis];
            }
            index
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn npy_of_any_type_order_and_byte_order(
        code in prop::sample::select(&CODES[..]),
        big: bool,
        fortran: bool,
        version in 1_u8..=3,
        shape in prop::collection::vec(1_usize..7, 1..4),
        values in prop::collection::vec(0_i64..120, 216),
    ) {
        let value = |flat: usize| if code == "b1" { values[flat] % 2 } else { values[flat] };
        let bytes: Vec<u8> = indices(&shape, fortran)
            .iter()
            .flat_map(|index| {
                let mut bytes = encode(code, value(position(index, &shape)));
                if big { bytes.reverse(); }
                bytes
            })
            .collect();
        let descr = format!("{}{code}", if big { '>' } else { '<' });
        let directory = tempfile::tempdir().unwrap();
        let path = write(directory.path(), "a.npy", &npy(version, &descr, fortran, &shape, &bytes));
        let source = npy_file::open(&path).unwrap();
        let dims = if shape.len() == 1 { vec![1] } else { shape[1..].to_vec() };
        prop_assert_eq!(&source.schema().sample, &Sample::Array { dims });
        prop_assert_eq!(source.rows(), shape[0]);
        let expected: Vec<f32> = (0..shape.iter().product()).map(|flat| value(flat) as f32).collect();
        prop_assert_eq!(dense(&source), expected);
    }
}

#[test]
fn large_arrays_are_read_in_blocks_of_both_orders() {
    let (rows, width) = (9_000, 300);
    let directory = tempfile::tempdir().unwrap();
    for fortran in [false, true] {
        let bytes: Vec<u8> = indices(&[rows, width], fortran)
            .iter()
            .flat_map(|index| ((index[0] * 1000 + index[1]) as f32).to_le_bytes())
            .collect();
        let path = write(directory.path(), "a.npy", &npy(1, "<f4", fortran, &[rows, width], &bytes));
        let source = npy_file::open(&path).unwrap();
        assert!(source.blocks().len() > 1);
        assert!(source.blocks().iter().all(|block| block.len() * width <= 1 << 20));
        let values = dense(&source);
        assert!((0..rows * width).all(|flat| values[flat] == (flat / width * 1000 + flat % width) as f32));
    }
}

#[test]
fn a_header_that_claims_a_terabyte_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), "a.npy", &npy(1, "<f4", false, &[1 << 38], &[0; 14]));
    let error = npy_file::open(&path).unwrap_err();
    assert!(matches!(error, Error::Length { claimed: 1_099_511_627_776, held: 14, .. }), "{error}");
    let path = write(directory.path(), "b.npy", &npy(1, "<f8", true, &[usize::MAX, usize::MAX], &[0; 14]));
    assert!(matches!(npy_file::open(&path), Err(Error::Length { .. })));
}

#[test]
fn what_is_no_array_of_rows_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (descr, shape, values, part) in [
        ("<f4", &[][..], 4, "single number"),
        ("<f4", &[0, 3][..], 0, "no rows"),
        ("<f4", &[3, 0][..], 0, "samples of 0 values"),
        ("|O", &[3][..], 24, "\"|O\""),
        ("<U3", &[2][..], 24, "array of text"),
        ("<c8", &[2][..], 16, "\"<c8\""),
    ] {
        let path = write(directory.path(), "a.npy", &npy(1, descr, false, shape, &vec![0; values]));
        let message = npy_file::open(&path).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

fn zip_of(members: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn npz_with_labels_stored_or_deflated() {
    let directory = tempfile::tempdir().unwrap();
    let x = npy(1, "<f4", false, &[3, 2], &floats(&[1., 2., 3., 4., 5., 6.]));
    let y = npy(1, "<i8", false, &[3], &[7_i64, 9, 7].iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bytes = zip_of(&[("y.npy", y.clone()), ("X.npy", x.clone())], method);
        let source = npz::open(&write(directory.path(), "a.npz", &bytes), None).unwrap();
        let column = &source.schema().columns[0];
        assert_eq!((column.name.as_str(), column.kind, column.role), ("y", ColumnKind::Category, Role::Label));
        let block = blocks(&source).remove(0);
        assert_eq!(block.dense, [1., 2., 3., 4., 5., 6.]);
        let ColumnData::Texts(texts) = &block.columns[0] else { panic!() };
        assert_eq!([texts.get(0), texts.get(1), texts.get(2)], [Some("7"), Some("9"), Some("7")]);
    }
}

#[test]
fn labels_of_text_and_of_measurements() {
    let directory = tempfile::tempdir().unwrap();
    let x = npy(1, "<f4", false, &[2, 1], &floats(&[1., 2.]));
    let text: Vec<u8> = "ok\0é\0\0".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    let bytes =
        zip_of(&[("X.npy", x.clone()), ("y.npy", npy(1, "<U3", false, &[2], &text))], CompressionMethod::Stored);
    let source = npz::open(&write(directory.path(), "a.npz", &bytes), None).unwrap();
    let ColumnData::Texts(texts) = &blocks(&source)[0].columns[0] else { panic!() };
    assert_eq!([texts.get(0), texts.get(1)], [Some("ok"), Some("é")]);

    let y = npy(1, "<f4", false, &[2, 1], &floats(&[0.5, 2.]));
    let source = npz::open(
        &write(directory.path(), "b.npz", &zip_of(&[("X.npy", x), ("y.npy", y)], CompressionMethod::Deflated)),
        None,
    )
    .unwrap();
    assert_eq!(source.schema().columns[0].kind, ColumnKind::Number);
    assert_eq!(blocks(&source)[0].columns[0], ColumnData::Numbers(vec![0.5, 2.0]));
}

#[test]
fn npz_without_x_is_its_only_array_or_names_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let one = npy(1, "<f4", false, &[1], &floats(&[4.]));
    let only = write(directory.path(), "a.npz", &zip_of(&[("data.npy", one.clone())], CompressionMethod::Stored));
    assert_eq!(dense(&npz::open(&only, None).unwrap()), [4.]);
    let bytes = zip_of(&[("train.npy", one.clone()), ("test.npy", one)], CompressionMethod::Stored);
    let message = npz::open(&write(directory.path(), "b.npz", &bytes), None).unwrap_err().to_string();
    assert!(message.contains("train.npy, test.npy"), "{message}");
}

#[test]
fn members_that_disagree_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let x = npy(1, "<f4", false, &[2], &floats(&[1., 2.]));
    let y = npy(1, "|u1", false, &[3], &[0, 1, 2]);
    let bytes = zip_of(&[("X.npy", x.clone()), ("y.npy", y)], CompressionMethod::Stored);
    let error = npz::open(&write(directory.path(), "a.npz", &bytes), None).unwrap_err();
    assert!(matches!(error, Error::RowCounts { first_rows: 2, second_rows: 3, .. }), "{error}");
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let mut long = x.clone();
        long.extend([0; 4]);
        let error =
            npz::open(&write(directory.path(), "a.npz", &zip_of(&[("X.npy", long)], method)), None).unwrap_err();
        assert!(matches!(error, Error::Length { claimed: 8, held: 12, .. }), "{error}");
    }
}

#[test]
fn a_small_archive_that_inflates_to_gigabytes_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let member = npy(1, "|u1", false, &[5_000_000], &vec![0; 5_000_000]);
    let honest = zip_of(&[("X.npy", member)], CompressionMethod::Deflated);
    assert!(honest.len() < 10_000);
    assert_eq!(npz::open(&write(directory.path(), "a.npz", &honest), None).unwrap().rows(), 5_000_000);
    let mut lying = honest.clone();
    let claimed = 4_000_000_000_u32.to_le_bytes();
    let central = lying.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    lying[central + 24..central + 28].copy_from_slice(&claimed);
    lying[22..26].copy_from_slice(&claimed);
    let error = npz::open(&write(directory.path(), "b.npz", &lying), None).unwrap_err();
    assert!(matches!(error, Error::Inflation { claimed: 4_000_000_000, .. }), "{error}");
    let mut short = honest;
    short[central + 24..central + 28].copy_from_slice(&1000_u32.to_le_bytes());
    short[22..26].copy_from_slice(&1000_u32.to_le_bytes());
    assert!(npz::open(&write(directory.path(), "c.npz", &short), None).is_err());
}

#[test]
fn pendigits_as_published() {
    let Some(path) = shared("adbench/28_pendigits.npz") else { return };
    let source = npz::open(&path, None).unwrap();
    assert_eq!((source.rows(), source.schema().sample.width()), (6870, Some(16)));
    let anomalies: usize = blocks(&source)
        .iter()
        .map(|block| {
            let ColumnData::Texts(texts) = &block.columns[0] else { panic!() };
            (0..block.rows).filter(|&row| texts.get(row) == Some("1")).count()
        })
        .sum();
    assert_eq!(anomalies, 156);
}
