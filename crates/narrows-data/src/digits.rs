//! The UCI optical digits: 1,797 images of 8 x 8 pixels with their labels, embedded. Attribution and licence (CC BY 4.0)
//! stand beside the data in `assets/digits.LICENSE.md`.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::format::Interner;
use crate::{Block, Column, ColumnData, ColumnKind, Error, Memory, Result, Sample, Schema};

/// 64 pixels from 0 to 16 and the digit, for each image.
static DATA: &[u8] = include_bytes!("../assets/digits.gz");

const PIXELS: usize = 64;

/// The largest stored pixel.
const INK: f32 = 16.0;

/// All images, scaled to 0..=1, with the digit as `label`.
///
/// # Errors
/// Never, unless the program itself is damaged.
pub fn open() -> Result<Memory> {
    let mut bytes = Vec::new();
    GzDecoder::new(DATA).read_to_end(&mut bytes).map_err(|source| Error::Io {
        path: "digits".into(),
        action: "cannot unpack the embedded data",
        source,
    })?;
    let images = bytes.chunks_exact(PIXELS + 1);
    let rows = images.len();
    let mut dense = Vec::with_capacity(rows * PIXELS);
    let mut labels = Interner::default();
    for image in images {
        dense.extend(image[..PIXELS].iter().map(|&value| f32::from(value) / INK));
        labels.push(Some(&image[PIXELS].to_string()));
    }
    let schema = Schema {
        sample: Sample::Image { height: 8, width: 8, channels: 1 },
        columns: vec![Column::label("label", ColumnKind::Category)],
    };
    Memory::new("digits", schema, Block { rows, dense, columns: vec![ColumnData::Texts(labels.finish())] })
}
