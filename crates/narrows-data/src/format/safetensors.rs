//! safetensors: a JSON header of names, types and offsets, then the values; one tensor of it as rows.
//! Format: <https://github.com/huggingface/safetensors>.

use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::npy::ArraySource;
use super::storage::{Storage, io_error};
use super::strided::{Layout, Order, StridedArray};
use super::{Element, Endian};
use crate::{Error, Result};

/// The largest header that the format allows.
const MAX_HEADER: u64 = 100_000_000;

/// Opens the tensor called `tensor`, or the only one; its first axis counts the rows.
///
/// # Errors
/// The file cannot be read, is not safetensors, is cut short, has no such tensor or several to choose from, or the
/// tensor holds no numbers.
pub fn open(path: &Path, tensor: Option<&str>) -> Result<ArraySource> {
    let (storage, length) = Storage::open(path)?;
    let (metadata, data) = header(path, &storage, length)?;
    let names = metadata.offset_keys();
    let chosen = match (tensor, &names[..]) {
        (Some(name), _) => Some(name),
        (None, [only]) => Some(only.as_str()),
        (None, _) => None,
    };
    let Some(info) = chosen.and_then(|name| metadata.info(name)) else {
        return Err(Error::Choice {
            path: path.to_owned(),
            problem: tensor
                .map_or_else(|| "no tensor is chosen".into(), |name| format!("no tensor is called {name:?}")),
            names: names.iter().filter_map(|name| Some(format!("{name} {:?}", metadata.info(name)?.shape))).collect(),
            advice: "choose one with --tensor NAME",
        });
    };
    let array = StridedArray::new(path, storage, data + info.data_offsets.0 as u64, &layout(path, info)?)?;
    ArraySource::new(path, array, None)
}

/// The names and shapes of a file's tensors, in the order of their values.
///
/// # Errors
/// The file cannot be read, is not safetensors, or is cut short.
pub fn names(path: &Path) -> Result<Vec<(String, Vec<usize>)>> {
    let (storage, length) = Storage::open(path)?;
    let (metadata, _) = header(path, &storage, length)?;
    let shape = |name: String| metadata.info(&name).map(|info| info.shape.clone()).map(|shape| (name, shape));
    Ok(metadata.offset_keys().into_iter().filter_map(shape).collect())
}

/// The header and the offset of the first value.
fn header(path: &Path, storage: &Storage, length: u64) -> Result<(Metadata, u64)> {
    let damaged = |found: String, expected: &str| Error::Format {
        path: path.to_owned(),
        format: "safetensors",
        found,
        expected: expected.into(),
    };
    let failed = |source| io_error(path, "cannot read the header", source);
    if length < 8 {
        return Err(damaged(format!("{length} bytes"), "at least the 8 bytes of the header's length"));
    }
    let mut size = [0; 8];
    storage.read_at(0, &mut size).map_err(failed)?;
    let size = u64::from_le_bytes(size);
    if size > MAX_HEADER || size > length - 8 {
        return Err(damaged(
            format!("a header of {size} bytes in a file of {length}"),
            "a header within the file and of at most 100 MB",
        ));
    }
    let mut json = vec![0; size as usize];
    storage.read_at(8, &mut json).map_err(failed)?;
    let metadata: Metadata = serde_json::from_slice(&json)
        .map_err(|error| damaged(error.to_string(), "a header as the format describes it"))?;
    let (claimed, held) = (metadata.data_len() as u64, length - 8 - size);
    if claimed != held {
        return Err(Error::Length { path: path.to_owned(), claimed: claimed.into(), held });
    }
    Ok((metadata, 8 + size))
}

fn layout(path: &Path, info: &TensorInfo) -> Result<Layout> {
    let element = match info.dtype {
        Dtype::BOOL => Element::Bool,
        Dtype::U8 => Element::U8,
        Dtype::I8 => Element::I8,
        Dtype::I16 => Element::I16,
        Dtype::U16 => Element::U16,
        Dtype::I32 => Element::I32,
        Dtype::U32 => Element::U32,
        Dtype::I64 => Element::I64,
        Dtype::U64 => Element::U64,
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        other => {
            return Err(Error::Unsupported {
                path: path.to_owned(),
                found: format!("values of type {other:?}"),
                advice: "save booleans, integers, F16, BF16, F32 or F64".into(),
            });
        }
    };
    Ok(Layout { element, endian: Endian::Little, order: Order::C, shape: info.shape.clone() })
}
