//! Parquet and Arrow files, whole and damaged.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float32Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::Int32Type;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use narrows_data::{ColumnKind, Error, OpenOptions, TableError, open};
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{whole, write};

fn batch(rows: usize) -> RecordBatch {
    let colours: DictionaryArray<Int32Type> = (0..rows).map(|row| Some(["red", "blue"][row % 2])).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new((0..rows).map(|row| (row % 7 != 3).then_some(row as i64)).collect::<Int64Array>())),
        ("x", Arc::new(Float32Array::from_iter_values((0..rows).map(|row| row as f32 / 4.0)))),
        ("b", Arc::new((0..rows).map(|row| Some(row % 3 == 0)).collect::<BooleanArray>())),
        ("t", Arc::new(TimestampMillisecondArray::from_iter_values((0..rows).map(|row| row as i64 * 500)))),
        ("colour", Arc::new(colours)),
        ("name", Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("person {row}"))))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn expected(row: usize) -> Vec<String> {
    let n = if row % 7 == 3 { String::new() } else { row.to_string() };
    let (x, t) = (row as f64 / 4.0, row as f64 / 2.0);
    vec![
        n,
        x.to_string(),
        u8::from(row.is_multiple_of(3)).to_string(),
        t.to_string(),
        ["red", "blue"][row % 2].into(),
        format!("person {row}"),
    ]
}

fn parquet_file(rows: usize, group: usize) -> Vec<u8> {
    compressed(rows, group, Compression::UNCOMPRESSED)
}

fn compressed(rows: usize, group: usize, compression: Compression) -> Vec<u8> {
    let mut bytes = Vec::new();
    let batch = batch(rows);
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).set_compression(compression);
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn ipc_file(rows: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let batch = batch(rows);
    let mut writer = FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    for start in (0..rows).step_by(1000) {
        writer.write(&batch.slice(start, 1000.min(rows - start))).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn ipc_stream(rows: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let batch = batch(rows);
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    for start in (0..rows).step_by(1000) {
        writer.write(&batch.slice(start, 1000.min(rows - start))).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    bytes
}

#[test]
fn all_columnar_formats_hold_the_same_rows() {
    use ColumnKind::{Boolean, Category, Number, Text, Time};
    for (name, bytes) in [
        ("t.parquet", parquet_file(2500, 1000)),
        ("t.arrow", ipc_file(2500)),
        ("t.arrows", ipc_stream(2500)),
        ("no-extension", ipc_stream(2500)),
    ] {
        let file = write(name, bytes);
        let source = open(&file.path, &OpenOptions::default()).unwrap();
        let kinds: Vec<_> = source.schema().columns.iter().map(|column| column.kind).collect();
        assert_eq!(kinds, [Number, Number, Boolean, Time, Category, Text], "{name}");
        let rows = whole(source.as_ref());
        assert_eq!(rows.len(), 2500);
        for (row, cells) in rows.iter().enumerate() {
            assert_eq!(*cells, expected(row), "{name} row {row}");
        }
        let options = OpenOptions { columns: Some(vec!["x".into()]), keep: vec!["name".into()], ..Default::default() };
        let rows = whole(open(&file.path, &options).unwrap().as_ref());
        assert_eq!(rows[2001], ["500.25", "person 2001"]);
        let options = OpenOptions { columns: Some(vec!["y".into()]), ..Default::default() };
        let error = open(&file.path, &options).unwrap_err();
        assert!(matches!(error, Error::Table(TableError::UnknownColumn { .. })), "{error}");
    }
}

#[test]
fn every_codec_is_read() {
    let codecs = [
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    let plain = parquet_file(2500, 1000).len();
    for codec in codecs {
        let bytes = compressed(2500, 1000, codec);
        assert!(bytes.len() < plain, "{codec:?}: {} of {plain} bytes", bytes.len());
        let file = write("t.parquet", bytes);
        let rows = whole(open(&file.path, &OpenOptions::default()).unwrap().as_ref());
        for (row, cells) in rows.iter().enumerate() {
            assert_eq!(*cells, expected(row), "{codec:?} row {row}");
        }
    }
}

#[test]
fn compressed_arrow_is_read() {
    for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let batch = batch(500);
        let options = IpcWriteOptions::default().try_with_compression(Some(codec)).unwrap();
        let mut bytes = Vec::new();
        let mut writer = FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        let file = write("t.feather", bytes);
        let rows = whole(open(&file.path, &OpenOptions::default()).unwrap().as_ref());
        for (row, cells) in rows.iter().enumerate() {
            assert_eq!(*cells, expected(row), "{codec:?} row {row}");
        }
    }
}

#[test]
fn leniently_infinite_numbers_are_missing_and_no_rows_are_a_table() {
    let lenient = |expected| OpenOptions { lenient: true, expected, ..OpenOptions::default() };
    let values = || Arc::new(Float32Array::from(vec![1.0, f32::INFINITY, 3.0, f32::NEG_INFINITY])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("x", values()), ("y", values())]).unwrap();
    let parquet = |batch: &RecordBatch| {
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        bytes
    };
    let arrow = |batch: &RecordBatch| {
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        bytes
    };
    for (name, bytes, none) in [
        ("t.parquet", parquet(&batch), parquet(&batch.slice(0, 0))),
        ("t.arrows", arrow(&batch), arrow(&batch.slice(0, 0))),
    ] {
        let file = write(name, bytes);
        let source = open(&file.path, &lenient(None)).unwrap();
        assert_eq!(whole(source.as_ref()), [["1", "1"], ["", ""], ["3", "3"], ["", ""]]);
        let faults = source.faults();
        assert_eq!(faults.cells, 4);
        assert!(faults.first[0].contains(&format!("{name}: row 2, column `x`: infinite")), "{faults:?}");
        let none = write(name, none);
        assert!(matches!(open(&none.path, &OpenOptions::default()), Err(Error::Empty { .. })));
        let expected = source.schema().clone();
        assert_eq!(open(&none.path, &lenient(Some(expected))).unwrap().rows(), 0);
    }
}

#[test]
fn large_row_groups_are_cut() {
    let rows = 300_000;
    let file = write("t.parquet", parquet_file(rows, rows));
    let source = open(&file.path, &OpenOptions::default()).unwrap();
    assert!(source.blocks().len() > 1);
    let last = source.read(source.blocks().len() - 1).unwrap();
    let narrows_data::ColumnData::Numbers(x) = &last.columns[1] else { panic!("numbers") };
    assert_eq!(x.last(), Some(&((rows - 1) as f64 / 4.0)));
}

#[test]
fn damaged_files_are_refused_by_name() {
    for (name, bytes) in
        [("t.parquet", parquet_file(500, 200)), ("t.arrow", ipc_file(500)), ("t.arrows", ipc_stream(500))]
    {
        for cut in [0, 3, 9, bytes.len() / 3, bytes.len() - 12] {
            let file = write(name, &bytes[..cut]);
            let error = match open(&file.path, &OpenOptions::default()) {
                Err(error) => error,
                Ok(source) => (0..source.blocks().len()).find_map(|index| source.read(index).err()).unwrap(),
            };
            assert!(error.to_string().contains(name), "{name} cut at {cut}: {error}");
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    for (name, bytes) in
        [("t.parquet", parquet_file(300, 200)), ("t.arrow", ipc_file(300)), ("t.arrows", ipc_stream(300))]
    {
        // What describes the columns stands at the start of a stream and at the end of a file.
        let described = (0..700.min(bytes.len())).chain(bytes.len().saturating_sub(1_200)..bytes.len());
        let described = described.filter(|_| name != "t.parquet");
        for place in (0..bytes.len()).step_by(bytes.len() / 150).chain(described) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0xd5;
            let file = write(name, damaged);
            if let Ok(source) = open(&file.path, &OpenOptions::default()) {
                for index in 0..source.blocks().len() {
                    let _ = source.read(index);
                }
            }
        }
    }
}
