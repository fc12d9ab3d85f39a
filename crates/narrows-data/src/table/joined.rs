//! A directory of tables as one: the rows of its files in the order of their names, each file a group of its own.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::{Block, Error, Faults, OpenOptions, Result, Schema, Source};

/// Endings of the files that are joined, without `.gz`.
const ENDINGS: [&str; 9] = ["csv", "tsv", "txt", "jsonl", "ndjson", "parquet", "arrow", "arrows", "feather"];

/// Several tables of the same columns, one after the other.
#[derive(Debug)]
pub(crate) struct Joined {
    origin: String,
    schema: Schema,
    parts: Vec<Box<dyn Source>>,
    blocks: Vec<Range<usize>>,
    /// For each block its part and its place among that part's blocks.
    places: Vec<(usize, usize)>,
    groups: Vec<Range<usize>>,
}

/// The tables in the directory `path`, sorted by name.
pub(crate) fn tables(path: &Path) -> Result<Vec<PathBuf>> {
    let io = |source| Error::Io { path: path.to_owned(), action: "cannot list", source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let ending = plain.rsplit_once('.').map_or("", |(_, ending)| ending);
        if file.is_file() && ENDINGS.contains(&ending) && !name.starts_with('.') {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

impl Joined {
    /// Opens `files` with the columns and kinds of the first.
    pub(crate) fn open(path: &Path, files: &[PathBuf], options: &OpenOptions) -> Result<Self> {
        let mut parts: Vec<Box<dyn Source>> = Vec::with_capacity(files.len());
        let mut options = options.clone();
        for file in files {
            let part = crate::open(file, &options)?;
            if options.expected.is_none() {
                options.expected = Some(part.schema().clone());
            }
            if let Some(first) = parts.first()
                && first.schema() != part.schema()
            {
                return Err(Error::Unsupported {
                    path: file.clone(),
                    found: format!("columns in another order or number than in {}", first.origin()),
                    advice: "the tables of a directory need the same columns".into(),
                });
            }
            parts.push(part);
        }
        let Some(first) = parts.first() else {
            return Err(Error::Empty { path: path.to_owned(), expected: "tables" });
        };
        let schema = first.schema().clone();
        let (mut blocks, mut places, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        let mut start = 0;
        for (index, part) in parts.iter().enumerate() {
            let shifted = part.blocks().iter().map(|block| start + block.start..start + block.end);
            blocks.extend(shifted);
            places.extend((0..part.blocks().len()).map(|block| (index, block)));
            groups.push(start..start + part.rows());
            start += part.rows();
        }
        Ok(Self { origin: path.display().to_string(), schema, parts, blocks, places, groups })
    }
}

impl Source for Joined {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> usize {
        self.blocks.last().map_or(0, |rows| rows.end)
    }

    fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    fn read(&self, index: usize) -> Result<Block> {
        let (part, block) = *self.places.get(index).ok_or_else(|| super::no_block(self, index))?;
        self.parts[part].read(block)
    }

    fn origin(&self) -> &str {
        &self.origin
    }

    fn faults(&self) -> Faults {
        self.parts.iter().map(|part| part.faults()).fold(Faults::default(), Faults::and)
    }

    fn place(&self, row: usize) -> String {
        let part = self.groups.partition_point(|group| group.end <= row);
        match (self.parts.get(part), self.groups.get(part)) {
            (Some(source), Some(group)) => format!("{}: {}", source.origin(), source.place(row - group.start)),
            _ => format!("row {}", row + 1),
        }
    }

    fn groups(&self) -> Option<&[Range<usize>]> {
        Some(&self.groups)
    }
}
