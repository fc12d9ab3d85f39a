//! What is written reads back as the same rows, and a file appears whole or not at all.

use std::path::Path;

use narrows_data::sink::{self, SinkFormat, SinkOptions};
use narrows_data::{Block, Column, ColumnData, ColumnKind, Error, OpenOptions, Sample, Schema, Source, Texts, open};

use super::{blocks, dense};

fn column(name: &str, kind: ColumnKind) -> Column {
    Column::feature(name, kind)
}

fn texts(values: &[Option<&str>]) -> ColumnData {
    let mut texts = Texts::default();
    for value in values {
        let code = value.map_or(Texts::MISSING, |value| {
            let known = texts.levels.iter().position(|level| level.as_ref() == value);
            known.unwrap_or_else(|| {
                texts.levels.push(value.into());
                texts.levels.len() - 1
            }) as u32
        });
        texts.codes.push(code);
    }
    ColumnData::Texts(texts)
}

/// A table with every kind of column, missing values, and text that needs quotes.
fn table() -> (Schema, Block) {
    let schema = Schema {
        sample: Sample::Table,
        columns: vec![
            column("x", ColumnKind::Number),
            column("on", ColumnKind::Boolean),
            column("at", ColumnKind::Time),
            column("a \"b\", c", ColumnKind::Category),
        ],
    };
    let block = Block {
        rows: 4,
        dense: Vec::new(),
        columns: vec![
            ColumnData::Numbers(vec![0.1, f64::NAN, -3.0, 1e300]),
            ColumnData::Numbers(vec![1.0, 0.0, f64::NAN, 1.0]),
            ColumnData::Numbers(vec![0.0, 1_404_174_600.0, 951_782_400.0, f64::NAN]),
            texts(&[Some("red"), Some("x,\"y\"\nz"), None, Some("red")]),
        ],
    };
    (schema, block)
}

fn codes(rows: usize) -> (Schema, Block) {
    let schema = Schema { sample: Sample::Array { dims: vec![3] }, columns: Vec::new() };
    let dense = (0..rows * 3).map(|index| (index as f32).sin() / 3.0).collect();
    (schema, Block { rows, dense, columns: Vec::new() })
}

fn write(path: &Path, schema: &Schema, blocks: &[&Block], options: &SinkOptions) -> Result<(), Error> {
    let mut sink = sink::create(path, schema, options)?;
    blocks.iter().try_for_each(|block| sink.write(block))?;
    sink.finish()
}

fn values(column: &ColumnData) -> Vec<Option<String>> {
    match column {
        ColumnData::Numbers(values) => values.iter().map(|v| (!v.is_nan()).then(|| v.to_string())).collect(),
        ColumnData::Texts(texts) => (0..texts.codes.len()).map(|row| texts.get(row).map(ToOwned::to_owned)).collect(),
    }
}

/// The values of column `index` over all blocks.
fn all(source: &dyn Source, index: usize) -> Vec<Option<String>> {
    blocks(source).iter().flat_map(|block| values(&block.columns[index])).collect()
}

#[test]
fn tables_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let (schema, block) = table();
    for extension in ["csv", "tsv", "parquet", "arrow", "arrows"] {
        let path = directory.path().join("a").with_extension(extension);
        write(&path, &schema, &[&block, &block], &SinkOptions::default()).unwrap();
        let kinds = schema.columns.iter().map(|column| (column.name.clone(), column.kind)).collect();
        let source = open(&path, &OpenOptions { kinds, ..Default::default() }).unwrap();
        assert_eq!(source.rows(), 8, "{extension}");
        for (index, column) in schema.columns.iter().enumerate() {
            assert_eq!(source.schema().columns[index].name, column.name, "{extension}");
            let once = values(&block.columns[index]);
            assert_eq!(all(source.as_ref(), index), [once.clone(), once].concat(), "{extension} {}", column.name);
        }
    }
}

#[test]
fn csv_is_as_expected() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.csv");
    let (schema, block) = table();
    write(&path, &schema, &[&block], &SinkOptions::default()).unwrap();
    let expected = "x,on,at,\"a \"\"b\"\", c\"\n\
        0.1,true,1970-01-01T00:00:00Z,red\n\
        ,false,2014-07-01T00:30:00Z,\"x,\"\"y\"\"\nz\"\n\
        -3,,2000-02-29T00:00:00Z,\n\
        1e+300,true,,red\n";
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written.replace("1e300", "1e+300"), expected);
}

#[test]
fn jsonl_is_one_object_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.jsonl");
    let (schema, block) = table();
    write(&path, &schema, &[&block], &SinkOptions::default()).unwrap();
    let lines: Vec<serde_json::Value> =
        std::fs::read_to_string(&path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[1]["a \"b\", c"], "x,\"y\"\nz");
    assert_eq!((&lines[1]["x"], &lines[2]["on"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!(lines[3]["x"], 1e300);
    let (schema, block) = codes(2);
    let options = SinkOptions { force: true, prefix: "z".into(), ..Default::default() };
    write(&path, &schema, &[&block], &options).unwrap();
    let first = std::fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    let value: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(value["z"][1].as_f64().unwrap() as f32, block.dense[1]);
}

#[test]
fn codes_read_back_exactly_in_every_format() {
    let directory = tempfile::tempdir().unwrap();
    let (schema, first) = codes(5);
    let (_, second) = codes(7);
    let expected = [first.dense.clone(), second.dense.clone()].concat();
    for extension in ["csv", "tsv", "parquet", "arrow", "arrows", "npy", "npz", "safetensors"] {
        let path = directory.path().join("a").with_extension(extension);
        let options = SinkOptions { prefix: "z".into(), ..Default::default() };
        write(&path, &schema, &[&first, &second], &options).unwrap();
        let source = open(&path, &OpenOptions::default()).unwrap();
        let read = match source.schema().sample {
            Sample::Table => {
                assert_eq!(source.schema().columns[2].name, "z2");
                let columns: Vec<Vec<Option<String>>> = (0..3).map(|index| all(source.as_ref(), index)).collect();
                (0..12)
                    .flat_map(|row| (0..3).map(move |c| (row, c)))
                    .map(|(row, c)| columns[c][row].as_ref().unwrap().parse::<f64>().unwrap() as f32)
                    .collect()
            }
            _ => dense(source.as_ref()),
        };
        assert_eq!(read, expected, "{extension}");
    }
}

#[test]
fn samples_with_labels_in_archives() {
    let directory = tempfile::tempdir().unwrap();
    let (mut schema, mut block) = codes(3);
    schema.columns = vec![Column::label("y", ColumnKind::Category)];
    for (labels, expected) in [(["3", "-1", "3"], ["3", "-1", "3"]), (["é", "bc", "3"], ["é", "bc", "3"])] {
        block.columns = vec![texts(&labels.map(Some))];
        let path = directory.path().join("a.npz");
        write(&path, &schema, &[&block], &SinkOptions { force: true, ..Default::default() }).unwrap();
        let source = open(&path, &OpenOptions::default()).unwrap();
        assert_eq!(dense(source.as_ref()), block.dense);
        assert_eq!(all(source.as_ref(), 0), expected.map(|text| Some(text.to_owned())));
    }
    schema.columns = vec![Column::kept("score", ColumnKind::Number)];
    block.columns = vec![ColumnData::Numbers(vec![1.0, 2.0, 3.0])];
    let path = directory.path().join("a.safetensors");
    write(&path, &schema, &[&block], &SinkOptions::default()).unwrap();
    let options = OpenOptions { tensor: Some("score".into()), ..Default::default() };
    assert_eq!(dense(open(&path, &options).unwrap().as_ref()), [1.0, 2.0, 3.0]);
}

#[test]
fn row_groups_of_any_block_size() {
    let directory = tempfile::tempdir().unwrap();
    let schema = Schema { sample: Sample::Array { dims: vec![600] }, columns: Vec::new() };
    let rows = 4000;
    let dense = (0..rows * 600).map(|index| (index % 1000) as f32).collect();
    let block = Block { rows, dense, columns: Vec::new() };
    let path = directory.path().join("a.parquet");
    write(&path, &schema, &[&block, &block], &SinkOptions::default()).unwrap();
    let source = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(source.rows(), 8000);
    let column = all(source.as_ref(), 599);
    assert!((0..8000).all(|row| column[row] == Some(((row % 4000 * 600 + 599) % 1000).to_string())));
}

#[test]
fn pictures_alone_in_a_grid_or_numbered() {
    let directory = tempfile::tempdir().unwrap();
    let schema = Schema { sample: Sample::Image { height: 2, width: 3, channels: 1 }, columns: Vec::new() };
    let images = |rows: usize| Block { rows, dense: vec![0.2; rows * 6], columns: Vec::new() };
    let (one, grid, many) = ("one.png", "grid.png", "many.png");
    let options = SinkOptions::default();
    for (name, rows) in [(one, 1), (grid, 5), (many, 300)] {
        write(&directory.path().join(name), &schema, &[&images(rows)], &options).unwrap();
    }
    let size = |name: &str| image::image_dimensions(directory.path().join(name)).unwrap();
    assert_eq!((size(one), size(grid)), ((3, 2), (13, 6)));
    assert!(!directory.path().join(many).exists());
    assert_eq!((size("many-000000.png"), size("many-000299.png")), ((3, 2), (3, 2)));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 302);
    let source = open(&directory.path().join(one), &OpenOptions::default()).unwrap();
    assert_eq!(dense(source.as_ref()), [0.2; 6]);
    let again = write(&directory.path().join(many), &schema, &[&images(300)], &options);
    assert!(matches!(again, Err(Error::Exists { .. })));
}

#[test]
fn what_a_format_cannot_hold_is_refused_with_advice() {
    let directory = tempfile::tempdir().unwrap();
    let (schema, _) = table();
    for (name, part) in [
        ("a.npy", "text column"),
        ("a.safetensors", "text column"),
        ("a.png", "no images"),
        ("a.docx", "extension names no format"),
        ("a", "extension names no format"),
    ] {
        let message =
            sink::create(&directory.path().join(name), &schema, &SinkOptions::default()).err().unwrap().to_string();
        assert!(message.contains(part), "{message}");
    }
    let options = SinkOptions { format: Some(SinkFormat::Parquet), ..Default::default() };
    assert!(matches!(sink::create(Path::new("-"), &schema, &options).err(), Some(Error::Output { .. })));
    assert!(sink::create(&directory.path().join("none/a.csv"), &schema, &SinkOptions::default()).is_err());
}

#[test]
fn nothing_is_left_or_replaced_unless_finished_and_forced() {
    let directory = tempfile::tempdir().unwrap();
    let (schema, block) = codes(3);
    for extension in ["csv", "jsonl", "parquet", "arrow", "npy", "npz", "safetensors"] {
        let path = directory.path().join("a").with_extension(extension);
        let mut sink = sink::create(&path, &schema, &SinkOptions::default()).unwrap();
        sink.write(&block).unwrap();
        drop(sink);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{extension}");
        std::fs::write(&path, "precious").unwrap();
        let refused = sink::create(&path, &schema, &SinkOptions::default()).err();
        assert!(matches!(refused, Some(Error::Exists { .. })), "{extension}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
        write(&path, &schema, &[&block], &SinkOptions { force: true, ..Default::default() }).unwrap();
        assert_ne!(std::fs::read(&path).unwrap(), b"precious");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_block_that_does_not_follow_its_schema_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (schema, mut block) = codes(3);
    let mut sink = sink::create(&directory.path().join("a.csv"), &schema, &SinkOptions::default()).unwrap();
    block.dense.pop();
    assert!(matches!(sink.write(&block), Err(Error::Shape { found: 8, expected: 9, .. })));
}

/// A full disk: `NARROWS_SMALL_DISK` names a directory on a device of at most a few megabytes (a small tmpfs).
#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let Some(disk) = std::env::var_os("NARROWS_SMALL_DISK") else {
        println!("skipped: $NARROWS_SMALL_DISK names no small device");
        return;
    };
    let (schema, _) = codes(1);
    let (_, block) = codes(500_000);
    for extension in ["csv", "jsonl", "parquet", "arrow", "npy", "npz", "safetensors"] {
        let path = Path::new(&disk).join("a").with_extension(extension);
        let outcome = write(&path, &schema, &[&block; 4], &SinkOptions::default());
        assert!(matches!(outcome, Err(Error::DiskFull { .. })), "{extension}: {outcome:?}");
        assert_eq!(std::fs::read_dir(&disk).unwrap().count(), 0, "{extension}");
    }
}
