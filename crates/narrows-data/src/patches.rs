//! Photographs cut into square patches: one patch a row, the patches of a picture belong together in a split.

use std::ops::Range;

use crate::format::folder::{Collection, Entry, changed, check_resize};
use crate::format::picture;
use crate::{Block, Error, Result, Sample, Schema, Source};

/// Values in one block: 4 MiB of f32.
const BLOCK_VALUES: usize = 1 << 20;

/// Pictures with shorter sides are left whole by default.
const PHOTOGRAPH: u32 = 128;

/// The largest side of a patch.
const MAX_SIZE: usize = 1024;

/// How pictures are cut. Pixels at the right and lower edge that fill no patch are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Side of a patch in pixels.
    pub size: usize,
    /// Pixels from one patch to the next, in both directions.
    pub stride: usize,
}

impl Patch {
    /// Patches of 16 x 16 side by side.
    pub const DEFAULT: Self = Self { size: 16, stride: 16 };

    /// How many patches fit along a side of `pixels`.
    fn along(self, pixels: usize) -> usize {
        if pixels < self.size { 0 } else { (pixels - self.size) / self.stride + 1 }
    }
}

/// The rule for pictures without instructions: where every side is longer than 128 pixels, they are photographs and cut
/// into patches of 16 x 16. Returns the cut and a note for the log; `None` leaves pictures whole.
pub fn default_patch(collection: &Collection) -> Option<(Patch, String)> {
    let photograph = |entry: &Entry| entry.size.width > PHOTOGRAPH && entry.size.height > PHOTOGRAPH;
    if collection.entries.is_empty() || !collection.entries.iter().all(photograph) {
        return None;
    }
    let Patch { size, .. } = Patch::DEFAULT;
    let note = format!(
        "{}: {} pictures with sides above {PHOTOGRAPH} pixels are cut into patches of {size} x {size}",
        collection.origin,
        collection.entries.len()
    );
    Some((Patch::DEFAULT, note))
}

/// Patches of the pictures of a collection, picture after picture, each from the upper left to the lower right.
#[derive(Debug)]
pub struct PatchSource {
    collection: Collection,
    patch: Patch,
    resize: Option<(u32, u32)>,
    schema: Schema,
    /// The rows of each picture.
    groups: Vec<Range<usize>>,
    blocks: Vec<Range<usize>>,
    /// For each block the pictures that it touches.
    pictures: Vec<Range<usize>>,
    notes: Vec<String>,
}

impl PatchSource {
    /// Cuts each picture, scaled to `resize` (width, height) first where given.
    ///
    /// # Errors
    /// A picture is smaller than a patch, or `patch` or `resize` is out of range.
    pub fn new(collection: Collection, patch: Patch, resize: Option<(u32, u32)>, note: Option<String>) -> Result<Self> {
        check_resize(resize)?;
        for (name, value) in [("patch size", patch.size), ("patch stride", patch.stride)] {
            if value == 0 || value > MAX_SIZE {
                return Err(Error::Setting { name, value: value.to_string(), expected: "from 1 to 1024 pixels" });
            }
        }
        let mut groups = Vec::with_capacity(collection.entries.len());
        let (mut blocks, mut pictures) = (Vec::<Range<usize>>::new(), Vec::<Range<usize>>::new());
        let width = patch.size * patch.size * collection.channels;
        let most = (BLOCK_VALUES / width).max(1);
        let mut row = 0;
        for (index, entry) in collection.entries.iter().enumerate() {
            let (across, down) = grid(entry, patch, resize);
            if across * down == 0 {
                let (width, height) = resize.unwrap_or((entry.size.width, entry.size.height));
                return Err(Error::PictureTooSmall { path: entry.path.clone(), width, height, size: patch.size });
            }
            let rows = row..row + across * down;
            match (blocks.last_mut(), pictures.last_mut()) {
                (Some(block), Some(range)) if rows.end - block.start <= most => {
                    block.end = rows.end;
                    range.end = index + 1;
                }
                _ => {
                    for start in rows.clone().step_by(most) {
                        blocks.push(start..rows.end.min(start + most));
                        pictures.push(index..index + 1);
                    }
                }
            }
            row = rows.end;
            groups.push(rows);
        }
        let sample = Sample::Image { height: patch.size, width: patch.size, channels: collection.channels };
        let schema = Schema { sample, columns: collection.columns() };
        Ok(Self { collection, patch, resize, schema, groups, blocks, pictures, notes: note.into_iter().collect() })
    }

    /// Appends the patches `wanted` (counted within the picture) of one picture.
    fn cut(&self, index: usize, wanted: Range<usize>, dense: &mut Vec<f32>) -> Result<()> {
        let entry = &self.collection.entries[index];
        let channels = self.collection.channels;
        let picture = picture::decode(&entry.path, channels, self.resize)?;
        let (across, down) = (self.patch.along(picture.width), self.patch.along(picture.height));
        if across * down != self.groups[index].len() {
            return Err(changed(entry));
        }
        for patch in wanted {
            let (top, left) = (patch / across * self.patch.stride, patch % across * self.patch.stride);
            for line in top..top + self.patch.size {
                let start = (line * picture.width + left) * channels;
                dense.extend_from_slice(&picture.values[start..start + self.patch.size * channels]);
            }
        }
        Ok(())
    }
}

/// Patches across and down a picture.
fn grid(entry: &Entry, patch: Patch, resize: Option<(u32, u32)>) -> (usize, usize) {
    let (width, height) = resize.unwrap_or((entry.size.width, entry.size.height));
    (patch.along(width as usize), patch.along(height as usize))
}

impl Source for PatchSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> usize {
        self.groups.last().map_or(0, |rows| rows.end)
    }

    fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    fn read(&self, index: usize) -> Result<Block> {
        let (Some(block), Some(pictures)) = (self.blocks.get(index), self.pictures.get(index)) else {
            return Ok(Block::default());
        };
        let mut dense = Vec::with_capacity(block.len() * self.schema.sample.width().unwrap_or(0));
        let mut owners = Vec::with_capacity(block.len());
        for picture in pictures.clone() {
            let rows = &self.groups[picture];
            let wanted = block.start.max(rows.start)..block.end.min(rows.end);
            owners.extend(std::iter::repeat_n(picture, wanted.len()));
            self.cut(picture, wanted.start - rows.start..wanted.end - rows.start, &mut dense)?;
        }
        Ok(Block { rows: block.len(), dense, columns: self.collection.column_values(&owners.into_iter()) })
    }

    fn origin(&self) -> &str {
        &self.collection.origin
    }

    fn groups(&self) -> Option<&[Range<usize>]> {
        Some(&self.groups)
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
