//! Arrow IPC as a source: files with a footer, and streams, which get an index in one pass over their headers.

use std::fmt::Display;
use std::ops::Range;
use std::path::PathBuf;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block as Place, MessageHeader, MetadataVersion, root_as_footer, root_as_message};

use super::TableError;
use super::columnar::{Columns, SAMPLED};
use super::contain::contain;
use crate::format::storage::Storage;
use crate::{Block, Error, OpenOptions, Result, Sample, Schema, Source};

/// Values of a block.
const BLOCK_VALUES: usize = 1 << 19;

/// The largest record batch that is read.
const MAX_BATCH: u64 = 256 << 20;

/// An Arrow IPC file or stream.
#[derive(Debug)]
pub(crate) struct ArrowIpc {
    bytes: Bytes,
    decoder: FileDecoder,
    batches: Vec<Place>,
    schema: Schema,
    columns: Columns,
    blocks: Vec<Range<usize>>,
    streamed: bool,
    /// For each block its batch and its rows therein.
    slices: Vec<(usize, Range<usize>)>,
}

#[derive(Debug)]
struct Bytes {
    storage: Storage,
    length: u64,
    path: PathBuf,
    origin: String,
}

/// What an IPC file or stream holds, and where.
struct Contents {
    schema: SchemaRef,
    version: MetadataVersion,
    dictionaries: Vec<Place>,
    batches: Vec<Place>,
}

impl ArrowIpc {
    /// Reads the headers of all batches, and the dictionaries.
    pub(crate) fn new(origin: String, storage: Storage, length: u64, options: &OpenOptions) -> Result<Self> {
        let bytes = Bytes { storage, length, path: PathBuf::from(&origin), origin };
        let streamed = !bytes.head()?.starts_with(b"ARROW1");
        let contents = if streamed { bytes.stream()? } else { bytes.file()? };
        let Contents { schema, version, dictionaries, batches } = contents;
        let mut decoder = FileDecoder::new(schema.clone(), version);
        for (index, place) in dictionaries.iter().enumerate() {
            let dictionary = bytes.place(place, index)?;
            let read = || decoder.read_dictionary(place, &dictionary).map_err(|error| bytes.damaged(error));
            contain(read, |reason| bytes.damaged(reason))?;
        }
        let rows: Vec<usize> = batches.iter().map(|place| bytes.rows(place)).collect::<Result<_>>()?;
        let first = rows.iter().position(|rows| *rows > 0);
        if first.is_none() && !options.lenient {
            return Err(Error::Empty { path: bytes.path, expected: "a table with at least one row" });
        }
        let columns = {
            let arrays = |places: &[usize]| {
                let Some(first) = first else { return Ok(Vec::new()) };
                let batch = bytes.batch(&decoder, &batches[first], first)?;
                let length = batch.num_rows().min(SAMPLED);
                Ok::<Vec<ArrayRef>, Error>(places.iter().map(|place| batch.column(*place).slice(0, length)).collect())
            };
            let choose = || Columns::choose(&bytes.origin, &schema, options, arrays);
            contain(choose, |reason| bytes.damaged(reason).into())?
        };
        let decoder = decoder.with_projection(columns.places.clone());
        let each = (BLOCK_VALUES / columns.read.len().max(1)).max(1);
        let (mut blocks, mut slices) = (Vec::new(), Vec::new());
        let mut start = 0;
        for (batch, rows) in rows.into_iter().enumerate() {
            for slice in crate::memory::cut(rows, each) {
                blocks.push(start..start + slice.len());
                start += slice.len();
                slices.push((batch, slice));
            }
        }
        let schema = Schema { sample: Sample::Table, columns: columns.read.clone() };
        Ok(Self { bytes, decoder, batches, schema, columns, blocks, streamed, slices })
    }
}

impl Bytes {
    fn damaged(&self, reason: impl Display) -> TableError {
        TableError::Damaged { path: self.path.clone(), format: "Arrow IPC", reason: reason.to_string() }
    }

    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        if offset.checked_add(length).is_none_or(|end| end > self.length) {
            let (end, whole) = (offset.saturating_add(length), self.length);
            return Err(self
                .damaged(format!("it ends after {whole} bytes, before byte {end} that it points to"))
                .into());
        }
        let mut buffer = vec![0; length as usize];
        let io = |source| Error::Io { path: self.path.clone(), action: "cannot read", source };
        self.storage.read_at(offset, &mut buffer).map_err(io)?;
        Ok(buffer)
    }

    fn head(&self) -> Result<Vec<u8>> {
        self.read(0, self.length.min(8))
    }

    /// Message and body at `place`, the `index`-th of its sort.
    fn place(&self, place: &Place, index: usize) -> Result<Buffer> {
        let (metadata, body) = (u64::try_from(place.metaDataLength()), u64::try_from(place.bodyLength()));
        let (Ok(offset), Ok(metadata), Ok(body)) = (u64::try_from(place.offset()), metadata, body) else {
            return Err(self.damaged("a block with a negative place or length").into());
        };
        let bytes = metadata.saturating_add(body);
        if bytes > MAX_BATCH {
            let path = self.path.clone();
            return Err(TableError::BatchTooLarge { path, batch: index, bytes, limit: MAX_BATCH }.into());
        }
        Ok(Buffer::from_vec(self.read(offset, bytes)?))
    }

    /// The message at the start of `metadata`, behind its length.
    fn message<'a>(&self, metadata: &'a [u8]) -> Result<arrow::ipc::Message<'a>> {
        let prefix = if metadata.starts_with(&[0xff; 4]) { 8 } else { 4 };
        let message = metadata.get(prefix..).ok_or_else(|| self.damaged("a message without a header"))?;
        root_as_message(message).map_err(|error| self.damaged(error).into())
    }

    /// The rows of the record batch at `place`.
    fn rows(&self, place: &Place) -> Result<usize> {
        let (Ok(offset), Ok(length)) = (u64::try_from(place.offset()), u64::try_from(place.metaDataLength())) else {
            return Err(self.damaged("a block with a negative place or length").into());
        };
        let metadata = self.read(offset, length)?;
        let message = self.message(&metadata)?;
        let rows = message.header_as_record_batch().and_then(|batch| usize::try_from(batch.length()).ok());
        rows.ok_or_else(|| self.damaged("a record batch without a number of rows").into())
    }

    fn batch(&self, decoder: &FileDecoder, place: &Place, index: usize) -> Result<RecordBatch> {
        let bytes = self.place(place, index)?;
        let read = || decoder.read_record_batch(place, &bytes).map_err(|error| self.damaged(error));
        let batch = contain(read, |reason| self.damaged(reason))?;
        batch.ok_or_else(|| self.damaged("a message without a record batch").into())
    }

    /// Names and types of the columns.
    fn types(&self, schema: arrow::ipc::Schema<'_>) -> Result<SchemaRef> {
        let read = || Ok(SchemaRef::new(fb_to_schema(schema)));
        contain(read, |reason| self.damaged(reason).into())
    }

    /// The index in the footer of a file.
    fn file(&self) -> Result<Contents> {
        let tail = self.length.checked_sub(10).ok_or_else(|| self.damaged("shorter than its footer"))?;
        let trailer: [u8; 10] = self.read(tail, 10)?.try_into().unwrap_or_default();
        let length = read_footer_length(trailer).map_err(|error| self.damaged(error))? as u64;
        let start = tail.checked_sub(length).ok_or_else(|| self.damaged("its footer is longer than the file"))?;
        let footer = self.read(start, length)?;
        let footer = root_as_footer(&footer).map_err(|error| self.damaged(error))?;
        let schema = footer.schema().ok_or_else(|| self.damaged("no schema in its footer"))?;
        Ok(Contents {
            schema: self.types(schema)?,
            version: footer.version(),
            dictionaries: footer.dictionaries().iter().flatten().copied().collect(),
            batches: footer.recordBatches().iter().flatten().copied().collect(),
        })
    }

    /// The index of a stream: from header to header.
    fn stream(&self) -> Result<Contents> {
        let mut contents: Option<Contents> = None;
        let mut known_dictionaries = Vec::new();
        let mut offset = 0;
        while offset + 8 <= self.length {
            let prefix = self.read(offset, 8)?;
            let size = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).unwrap_or_default();
            let (prefix_length, length) = match size(&prefix[..4]) {
                u32::MAX => (8, size(&prefix[4..])),
                length => (4, length),
            };
            if length == 0 {
                break;
            }
            let metadata_length = prefix_length + u64::from(length);
            let metadata = self.read(offset, metadata_length)?;
            let message = self.message(&metadata)?;
            let body = u64::try_from(message.bodyLength()).map_err(|_| self.damaged("a body of negative length"))?;
            let end = offset.saturating_add(metadata_length).saturating_add(body);
            if end > self.length {
                return Err(self.damaged("the last message is cut short").into());
            }
            let place = Place::new(offset as i64, metadata_length as i32, body as i64);
            match (message.header_type(), &mut contents) {
                (MessageHeader::Schema, None) => {
                    let schema = message.header_as_schema().ok_or_else(|| self.damaged("no schema"))?;
                    let (schema, version) = (self.types(schema)?, message.version());
                    let (dictionaries, batches) = (Vec::new(), Vec::new());
                    contents = Some(Contents { schema, version, dictionaries, batches });
                }
                (MessageHeader::RecordBatch, Some(contents)) => contents.batches.push(place),
                (MessageHeader::DictionaryBatch, Some(contents)) => {
                    let dictionary = message.header_as_dictionary_batch();
                    let (id, delta) = dictionary.map_or((0, false), |batch| (batch.id(), batch.isDelta()));
                    if known_dictionaries.contains(&id) && !delta {
                        return Err(Error::Unsupported {
                            path: self.path.clone(),
                            found: "a stream that replaces a dictionary".into(),
                            advice: "write it as an Arrow IPC file, or with plain strings".into(),
                        });
                    }
                    known_dictionaries.push(id);
                    contents.dictionaries.push(place);
                }
                _ => return Err(self.damaged("an unexpected message").into()),
            }
            offset = end;
        }
        contents.ok_or_else(|| self.damaged(ArrowError::IpcError("no schema message".into())).into())
    }
}

impl Source for ArrowIpc {
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
        let (batch, rows) = self.slices.get(index).ok_or_else(|| super::no_block(self, index))?;
        let whole = self.bytes.batch(&self.decoder, &self.batches[*batch], *batch)?;
        if whole.num_rows() < rows.end {
            return Err(super::changed(self, index, whole.num_rows()));
        }
        let block = || self.columns.block(&whole.slice(rows.start, rows.len()));
        contain(block, |reason| self.bytes.damaged(reason).into())
    }

    fn is_arrow_stream(&self) -> bool {
        self.streamed
    }

    fn origin(&self) -> &str {
        &self.bytes.origin
    }
}
