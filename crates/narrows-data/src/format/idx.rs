//! IDX, the format of MNIST: a big-endian header of type and dimensions, then the values; gzip is unpacked once.
//! Format: <http://yann.lecun.com/exdb/mnist/>.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::labels::Labels;
use super::storage::{Storage, check_inflation, io_error, spool};
use super::strided::{Layout, Order, StridedArray};
use super::{Element, Endian};
use crate::{Block, Error, Result, Sample, Schema, Source};

pub use super::idx_directory::{IdxDirectory, is_directory, open_directory};

/// The array of one file, as stored.
#[derive(Debug)]
pub(super) struct IdxArray {
    pub(super) array: StridedArray,
    /// Images as bytes are scaled to 0..=1.
    pub(super) sample: Sample,
}

/// Samples of an IDX file: bytes `[N, H, W]` and `[N, H, W, 1 or 3]` are images in 0..=1, everything else is arrays.
#[derive(Debug)]
pub struct IdxSource {
    origin: String,
    schema: Schema,
    blocks: Vec<Range<usize>>,
    images: IdxArray,
    labels: Option<Labels>,
}

/// Opens an IDX file, gzipped or not. Labels come from the neighbour that the MNIST naming gives them
/// (`train-images-idx3-ubyte` has `train-labels-idx1-ubyte`), where there is one.
///
/// # Errors
/// The file cannot be read, is not IDX, is cut short, holds more than its header claims, or has another number of rows
/// than its labels.
pub fn open(path: &Path) -> Result<IdxSource> {
    let labels = match labels_beside(path) {
        Some(labels) => Some(read_labels(&labels)?),
        None => None,
    };
    IdxSource::new(path, read(path)?, labels)
}

impl IdxSource {
    pub(super) fn new(path: &Path, images: IdxArray, labels: Option<Labels>) -> Result<Self> {
        if let Some(labels) = &labels
            && labels.rows() != images.array.rows()
        {
            return Err(Error::RowCounts {
                path: path.to_owned(),
                first: "the file".into(),
                first_rows: images.array.rows(),
                second: "its labels' file".into(),
                second_rows: labels.rows(),
            });
        }
        let schema = Schema {
            sample: images.sample.clone(),
            columns: labels.iter().map(|labels| labels.column.clone()).collect(),
        };
        Ok(Self { origin: path.display().to_string(), schema, blocks: images.array.blocks(), images, labels })
    }
}

impl Source for IdxSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> usize {
        self.images.array.rows()
    }

    fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    fn read(&self, index: usize) -> Result<Block> {
        let rows = self.blocks.get(index).cloned().unwrap_or_default();
        let mut dense = self.images.array.read_f32(rows.clone())?;
        if matches!(self.images.sample, Sample::Image { .. }) {
            for value in &mut dense {
                *value /= 255.0;
            }
        }
        let columns = self.labels.iter().map(|labels| labels.read(rows.clone())).collect::<Result<_>>()?;
        Ok(Block { rows: rows.len(), dense, columns })
    }

    fn origin(&self) -> &str {
        &self.origin
    }
}

/// The file of labels that belongs to a file of images by name.
fn labels_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let stem = name.strip_suffix(".gz").unwrap_or(name);
    let labels = stem.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1");
    if labels == stem {
        return None;
    }
    [labels.clone() + ".gz", labels].iter().map(|name| images.with_file_name(name)).find(|path| path.is_file())
}

pub(super) fn read_labels(path: &Path) -> Result<Labels> {
    Labels::numbers(path, "label", read(path)?.array)
}

/// Reads header and, for gzip, values of one file.
pub(super) fn read(path: &Path) -> Result<IdxArray> {
    let mut file = File::open(path).map_err(|source| io_error(path, "cannot open", source))?;
    let length = file.metadata().map_err(|source| io_error(path, "cannot read", source))?.len();
    let mut magic = [0; 2];
    file.read_exact(&mut magic).map_err(|source| header_error(path, &source))?;
    let reopened = File::open(path).map_err(|source| io_error(path, "cannot open", source))?;
    let (storage, base, header) = if magic == [0x1F, 0x8B] {
        let mut decoder = MultiGzDecoder::new(BufReader::new(reopened));
        let header = Header::read(path, &mut decoder)?;
        let claimed = header.layout.bytes();
        check_inflation(path, length, claimed)?;
        let (storage, held) = spool(&mut decoder, claimed as u64).map_err(|source| gzip_error(path, &source))?;
        check_length(path, claimed, held)?;
        (storage, 0, header)
    } else {
        let header = Header::read(path, &mut BufReader::new(reopened))?;
        check_length(path, header.layout.bytes(), length.saturating_sub(header.bytes))?;
        (Storage::open(path)?.0, header.bytes, header)
    };
    let array = StridedArray::new(path, storage, base, &header.layout)?;
    let sample = match (header.layout.element, array.dims()) {
        (Element::U8, &[height, width]) => Sample::Image { height, width, channels: 1 },
        (Element::U8, &[height, width, channels @ (1 | 3)]) => Sample::Image { height, width, channels },
        (_, dims) => Sample::Array { dims: dims.to_vec() },
    };
    Ok(IdxArray { array, sample })
}

struct Header {
    layout: Layout,
    /// Its own length.
    bytes: u64,
}

impl Header {
    fn read(path: &Path, reader: &mut impl Read) -> Result<Self> {
        let mut magic = [0; 4];
        reader.read_exact(&mut magic).map_err(|source| header_error(path, &source))?;
        let element = match magic[2] {
            0x08 => Some(Element::U8),
            0x09 => Some(Element::I8),
            0x0B => Some(Element::I16),
            0x0C => Some(Element::I32),
            0x0D => Some(Element::F32),
            0x0E => Some(Element::F64),
            _ => None,
        };
        let (Some(element), [0, 0], axes @ 1..=8) = (element, [magic[0], magic[1]], magic[3]) else {
            return Err(Error::Format {
                path: path.to_owned(),
                format: "IDX",
                found: format!("it starts with {magic:02x?}"),
                expected: "00 00, a type from 08 to 0e, and 1 to 8 dimensions".into(),
            });
        };
        let mut shape = Vec::with_capacity(axes.into());
        for _ in 0..axes {
            let mut size = [0; 4];
            reader.read_exact(&mut size).map_err(|source| header_error(path, &source))?;
            shape.push(u32::from_be_bytes(size) as usize);
        }
        let layout = Layout { element, endian: Endian::Big, order: Order::C, shape };
        Ok(Self { layout, bytes: 4 + 4 * u64::from(axes) })
    }
}

fn check_length(path: &Path, claimed: u128, held: u64) -> Result<()> {
    if claimed == u128::from(held) { Ok(()) } else { Err(Error::Length { path: path.to_owned(), claimed, held }) }
}

fn header_error(path: &Path, source: &std::io::Error) -> Error {
    Error::Format {
        path: path.to_owned(),
        format: "IDX",
        found: source.to_string(),
        expected: "a complete header".into(),
    }
}

fn gzip_error(path: &Path, source: &std::io::Error) -> Error {
    Error::Format {
        path: path.to_owned(),
        format: "gzip",
        found: source.to_string(),
        expected: "a complete gzip stream".into(),
    }
}
