//! PNG pictures: one image is one picture, a few hundred share a grid, more become numbered files, as do all in a folder.

use std::fs::File;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use image::{ExtendedColorType, ImageEncoder};
use tempfile::TempDir;

use super::Sink;
use crate::atomic::{check_target, directory, sync_directory, write, write_error};
use crate::{Block, Error, Result, Sample, Schema};

/// Images in a grid.
const MAX_CELLS: usize = 256;

/// Bytes of all images in a grid.
const MAX_BYTES: usize = 64 << 20;

/// White pixels between the images of a grid.
const GAP: usize = 2;

/// Whether a path names a folder: it ends in a separator, or there is one.
pub(super) fn is_folder(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) || path.is_dir()
}

/// Pictures in a grid, or numbered ones beside `path`, or in it if it is a folder.
pub(super) struct PngSink {
    path: PathBuf,
    /// Whether `path` is a folder.
    folder: bool,
    force: bool,
    height: usize,
    width: usize,
    channels: usize,
    /// Images waiting for a grid; empty once there are too many for one.
    cells: Vec<Vec<u8>>,
    /// Numbered files in the making.
    numbered: Option<(TempDir, Vec<PathBuf>)>,
}

impl PngSink {
    pub(super) fn new(path: &Path, schema: &Schema, force: bool) -> Result<Self> {
        let refuse = |what: String| {
            let advice = "write images, or another format";
            Err(Error::Output { path: path.to_owned(), what, advice })
        };
        let Sample::Image { height, width, channels } = schema.sample else {
            return refuse("rows that are no images to PNG".into());
        };
        if !matches!(channels, 1 | 3) {
            return refuse(format!("images of {channels} channels to PNG"));
        }
        let folder = is_folder(path);
        if !folder {
            check_target(path, force)?;
        }
        Ok(Self { path: path.to_owned(), folder, force, height, width, channels, cells: Vec::new(), numbered: None })
    }

    fn too_many(&self, cells: usize) -> bool {
        self.folder || cells > 1 && (cells > MAX_CELLS || cells * self.height * self.width * self.channels > MAX_BYTES)
    }

    /// Adds an image to the numbered files, with all that waited before it.
    fn number(&mut self, cell: Vec<u8>) -> Result<()> {
        let mut waiting = std::mem::take(&mut self.cells);
        waiting.push(cell);
        let (staging, names) = if let Some(numbered) = &mut self.numbered {
            numbered
        } else {
            let staging = tempfile::Builder::new()
                .prefix(".narrows-")
                .tempdir_in(directory(&self.path))
                .map_err(|source| write_error(&self.path, source))?;
            self.numbered.insert((staging, Vec::new()))
        };
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        for cell in waiting {
            let name = match self.folder {
                true => self.path.join(format!("{:06}.png", names.len())),
                false => self.path.with_file_name(format!("{stem}-{:06}.png", names.len())),
            };
            let file = staging.path().join(name.file_name().unwrap_or_default());
            let bytes = encode(&self.path, &cell, self.width, self.height, self.channels)?;
            File::create_new(&file)
                .and_then(|mut file| file.write_all(&bytes))
                .map_err(|source| write_error(&self.path, source))?;
            names.push(name);
        }
        Ok(())
    }

    /// All images side by side, row after row.
    fn grid(&self) -> Result<Vec<u8>> {
        let count = self.cells.len();
        let across = (count as f64).sqrt().ceil() as usize;
        let down = count.div_ceil(across.max(1));
        let (width, height) = (across * (self.width + GAP) - GAP, down * (self.height + GAP) - GAP);
        let mut pixels = vec![255; width * height * self.channels];
        for (index, cell) in self.cells.iter().enumerate() {
            let (top, left) = (index / across * (self.height + GAP), index % across * (self.width + GAP));
            for (line, values) in cell.chunks_exact(self.width * self.channels).enumerate() {
                let start = ((top + line) * width + left) * self.channels;
                pixels[start..start + values.len()].copy_from_slice(values);
            }
        }
        encode(&self.path, &pixels, width, height, self.channels)
    }
}

fn encode(path: &Path, pixels: &[u8], width: usize, height: usize, channels: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let colour = if channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    image::codecs::png::PngEncoder::new(Cursor::new(&mut bytes))
        .write_image(pixels, width as u32, height as u32, colour)
        .map_err(|error| write_error(path, std::io::Error::other(error)))?;
    Ok(bytes)
}

impl Sink for PngSink {
    fn write(&mut self, block: &Block) -> Result<()> {
        let size = (self.height * self.width * self.channels).max(1);
        for sample in block.dense.chunks_exact(size) {
            let cell: Vec<u8> = sample.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
            if self.numbered.is_some() || self.too_many(self.cells.len() + 1) {
                self.number(cell)?;
            } else {
                self.cells.push(cell);
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Some((staging, names)) = &self.numbered else {
            if self.cells.is_empty() {
                return Err(Error::Output {
                    path: self.path.clone(),
                    what: "a picture of no images".into(),
                    advice: "give at least one row",
                });
            }
            return write(&self.path, &self.grid()?, self.force);
        };
        if self.folder {
            std::fs::create_dir_all(&self.path).map_err(|source| write_error(&self.path, source))?;
        }
        names.iter().try_for_each(|name| check_target(name, self.force))?;
        for name in names {
            let file = staging.path().join(name.file_name().unwrap_or_default());
            std::fs::rename(file, name).map_err(|source| write_error(name, source))?;
        }
        sync_directory(&self.path)
    }
}
