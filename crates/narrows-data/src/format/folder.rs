//! A folder of pictures as rows: one picture a row, in the order of their names, with class subfolders as labels.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Interner;
use super::picture::{self, PictureSize};
use super::storage::io_error;
use super::strided::{BLOCK_VALUES, ranges};
use crate::patches::{self, Patch, PatchSource};
use crate::{Block, Column, ColumnData, ColumnKind, Error, Result, Sample, Schema, Source};

/// Deeper folders are not searched.
const MAX_DEPTH: usize = 16;

/// How pictures become rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PictureOptions {
    /// Whether folders within the folder are searched too; without it they are classes, if it holds no picture itself.
    pub recursive: bool,
    /// Scale every picture to this width and height.
    pub resize: Option<(u32, u32)>,
    /// Whether pictures are cut into patches.
    pub patches: Patches,
}

/// Whether pictures are cut into patches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patches {
    /// Photographs are, small pictures of one size are not: see [`patches::default_patch`].
    #[default]
    Auto,
    /// One row is a whole picture.
    Whole,
    /// One row is one patch.
    Cut(Patch),
}

/// One picture of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// Its path within the folder.
    pub name: String,
    /// The subfolder that names its class.
    pub label: Option<String>,
    /// From its header.
    pub size: PictureSize,
}

/// Pictures and their sizes; nothing is decoded yet.
#[derive(Clone, Debug)]
pub struct Collection {
    pub(crate) origin: String,
    /// In the order of their names.
    pub entries: Vec<Entry>,
    /// 3 where any picture has colours.
    pub channels: usize,
}

/// Opens one picture or a folder of them.
///
/// # Errors
/// No picture is there, one is unreadable or too large, or whole pictures were asked for and their sizes differ.
pub fn open(path: &Path, options: &PictureOptions) -> Result<Box<dyn Source>> {
    let collection = Collection::scan(path, options.recursive)?;
    match options.patches {
        Patches::Cut(patch) => Ok(Box::new(PatchSource::new(collection, patch, options.resize, None)?)),
        Patches::Auto if options.resize.is_none() => match patches::default_patch(&collection) {
            Some((patch, note)) => Ok(Box::new(PatchSource::new(collection, patch, None, Some(note))?)),
            None => Ok(Box::new(PictureSource::new(collection, None)?)),
        },
        Patches::Auto | Patches::Whole => Ok(Box::new(PictureSource::new(collection, options.resize)?)),
    }
}

impl Collection {
    /// Finds the pictures and reads their headers.
    ///
    /// # Errors
    /// No picture is there, or one is unreadable or too large.
    pub fn scan(path: &Path, recursive: bool) -> Result<Self> {
        let files = files(path, recursive)?;
        if files.is_empty() {
            return Err(Error::Empty { path: path.to_owned(), expected: "PNG or JPEG pictures" });
        }
        let entries: Vec<Entry> = files
            .into_par_iter()
            .map(|(file, label)| {
                let size = picture::size(&file)?;
                let relative = file.strip_prefix(path).ok().filter(|rest| rest.file_name().is_some());
                let name = relative.map_or_else(|| file.file_name().map(Path::new), Some).unwrap_or(&file);
                Ok(Entry { name: name.to_string_lossy().into_owned(), path: file, label, size })
            })
            .collect::<Result<_>>()?;
        let channels = entries.iter().map(|entry| entry.size.channels).max().unwrap_or(1);
        Ok(Self { origin: path.display().to_string(), entries, channels })
    }

    /// The columns that go with every row: the file, and the class where there are class folders.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        if self.has_labels() {
            columns.push(Column::label("label", ColumnKind::Category));
        }
        columns.push(Column::kept("file", ColumnKind::Text));
        columns
    }

    /// The values of those columns for pictures given by index, one a row.
    pub(crate) fn column_values(&self, pictures: &(impl Iterator<Item = usize> + Clone)) -> Vec<ColumnData> {
        let collect = |value: &dyn Fn(usize) -> Option<String>| {
            let mut texts = Interner::default();
            pictures.clone().for_each(|index| texts.push(value(index).as_deref()));
            ColumnData::Texts(texts.finish())
        };
        let mut columns = Vec::new();
        if self.has_labels() {
            columns.push(collect(&|index| self.entries[index].label.clone()));
        }
        columns.push(collect(&|index| Some(self.entries[index].name.clone())));
        columns
    }

    fn has_labels(&self) -> bool {
        self.entries.iter().any(|entry| entry.label.is_some())
    }
}

/// The pictures to read, sorted, each with the class that its folder names.
fn files(path: &Path, recursive: bool) -> Result<Vec<(PathBuf, Option<String>)>> {
    if path.is_file() {
        return Ok(vec![(path.to_owned(), None)]);
    }
    let (pictures, folders) = listing(path)?;
    let mut files: Vec<_> = pictures.into_iter().map(|file| (file, None)).collect();
    if recursive {
        for folder in folders {
            descend(&folder, MAX_DEPTH, &mut files)?;
        }
        files.sort();
    } else if files.is_empty() {
        for folder in folders {
            let label = folder.file_name().map(|name| name.to_string_lossy().into_owned());
            files.extend(listing(&folder)?.0.into_iter().map(|file| (file, label.clone())));
        }
    }
    Ok(files)
}

fn descend(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, Option<String>)>) -> Result<()> {
    let (pictures, folders) = listing(folder)?;
    files.extend(pictures.into_iter().map(|file| (file, None)));
    if depth > 0 {
        for folder in folders {
            descend(&folder, depth - 1, files)?;
        }
    }
    Ok(())
}

/// The pictures and the folders directly within a folder, each sorted; hidden ones and links to folders are left out.
fn listing(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let failed = |source| io_error(folder, "cannot list", source);
    let (mut pictures, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            folders.push(path);
        } else if picture::is_picture(&path) && path.is_file() {
            pictures.push(path);
        }
    }
    pictures.sort();
    folders.sort();
    Ok((pictures, folders))
}

/// Whole pictures of one size, one a row.
#[derive(Debug)]
pub struct PictureSource {
    collection: Collection,
    schema: Schema,
    blocks: Vec<Range<usize>>,
    resize: Option<(u32, u32)>,
}

impl PictureSource {
    /// Pictures as they are, or scaled to `resize` (width, height).
    ///
    /// # Errors
    /// [`Error::PictureSizes`] when sizes differ and `resize` is not given.
    pub fn new(collection: Collection, resize: Option<(u32, u32)>) -> Result<Self> {
        let sides = |entry: &Entry| resize.unwrap_or((entry.size.width, entry.size.height));
        let Some(first) = collection.entries.first() else {
            return Err(Error::Empty { path: PathBuf::from(&collection.origin), expected: "PNG or JPEG pictures" });
        };
        let (width, height) = sides(first);
        if let Some(other) = collection.entries.iter().find(|entry| sides(entry) != (width, height)) {
            return Err(Error::PictureSizes {
                first: first.path.clone(),
                first_size: (width, height),
                second: other.path.clone(),
                second_size: sides(other),
            });
        }
        check_resize(resize)?;
        let (height, width, channels) = (height as usize, width as usize, collection.channels);
        let schema = Schema { sample: Sample::Image { height, width, channels }, columns: collection.columns() };
        let blocks = ranges(collection.entries.len(), (BLOCK_VALUES / (height * width * channels)).max(1));
        Ok(Self { collection, schema, blocks, resize })
    }
}

/// A target size must be a picture of its own.
pub(crate) fn check_resize(resize: Option<(u32, u32)>) -> Result<()> {
    let accepted = 1..=picture::MAX_SIDE / 4;
    match resize {
        Some((width, height)) if !accepted.contains(&width) || !accepted.contains(&height) => Err(Error::Setting {
            name: "resize",
            value: format!("{width} x {height}"),
            expected: "sides from 1 to 8192 pixels",
        }),
        _ => Ok(()),
    }
}

impl Source for PictureSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> usize {
        self.collection.entries.len()
    }

    fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    fn read(&self, index: usize) -> Result<Block> {
        let rows = self.blocks.get(index).cloned().unwrap_or_default();
        let width = self.schema.sample.width().unwrap_or(0);
        let mut dense = vec![0.0; rows.len() * width];
        dense.par_chunks_mut(width.max(1)).zip(&self.collection.entries[rows.clone()]).try_for_each(
            |(sample, entry)| -> Result<()> {
                let picture = picture::decode(&entry.path, self.collection.channels, self.resize)?;
                if picture.values.len() != sample.len() {
                    return Err(changed(entry));
                }
                sample.copy_from_slice(&picture.values);
                Ok(())
            },
        )?;
        Ok(Block { rows: rows.len(), dense, columns: self.collection.column_values(&rows) })
    }

    fn origin(&self) -> &str {
        &self.collection.origin
    }
}

/// A picture that has another size than when the folder was opened.
pub(crate) fn changed(entry: &Entry) -> Error {
    Error::Unsupported {
        path: entry.path.clone(),
        found: "the picture has changed its size since the folder was opened".into(),
        advice: "start again".into(),
    }
}
