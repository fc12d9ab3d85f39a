//! PNG and JPEG pictures, decoded within fixed limits to values in 0..=1, channels last.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use image::error::{ImageError, LimitErrorKind};
use image::imageops::FilterType;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::storage::io_error;
use crate::{Error, Result};

/// The longest accepted side in pixels.
pub const MAX_SIDE: u32 = 32_768;

/// The largest accepted picture in bytes, decoded.
pub const MAX_BYTES: u64 = 256 << 20;

/// The extensions of pictures that can be read, in lower case.
pub const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// What a picture's header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureSize {
    /// Pixels in a row.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
}

/// A decoded picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// 1 (grey) or 3 (RGB); transparency is dropped.
    pub channels: usize,
    /// `[height, width, channels]`, in 0..=1.
    pub values: Vec<f32>,
}

/// Whether a file name ends like a picture's.
pub fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Reads the size of a picture from its header and checks it against the limits.
///
/// # Errors
/// The file cannot be read, is no PNG or JPEG, or is larger than the limits.
pub fn size(path: &Path) -> Result<PictureSize> {
    let file = File::open(path).map_err(|source| io_error(path, "cannot open", source))?;
    if file.metadata().is_ok_and(|metadata| metadata.len() > 2 * MAX_BYTES) {
        return Err(Error::Unsupported {
            path: path.to_owned(),
            found: "a picture file of more than 512 MiB".into(),
            advice: "split or shrink it".into(),
        });
    }
    let decoder = reader(path, BufReader::new(file))?.into_decoder().map_err(|error| damaged(path, error))?;
    let (width, height) = decoder.dimensions();
    let channels = if matches!(decoder.color_type().channel_count(), 1 | 2) { 1 } else { 3 };
    if width > MAX_SIDE || height > MAX_SIDE || decoder.total_bytes() > MAX_BYTES {
        return Err(Error::PictureTooLarge { path: path.to_owned(), width, height, limit: MAX_SIDE, bytes: MAX_BYTES });
    }
    if width == 0 || height == 0 {
        return Err(Error::Empty { path: path.to_owned(), expected: "a picture of at least one pixel" });
    }
    Ok(PictureSize { width, height, channels })
}

/// Decodes a picture to `channels` (1 or 3), scaled to `resize` (width, height) where given.
///
/// # Errors
/// As [`size`], or the file is damaged or cut short.
pub fn decode(path: &Path, channels: usize, resize: Option<(u32, u32)>) -> Result<Picture> {
    size(path)?;
    let bytes = std::fs::read(path).map_err(|source| io_error(path, "cannot read", source))?;
    if jpeg_is_cut_short(&bytes) {
        return Err(Error::Format {
            path: path.to_owned(),
            format: "JPEG",
            found: "it ends before its end marker".into(),
            expected: "a complete picture".into(),
        });
    }
    let mut picture = reader(path, Cursor::new(bytes))?.decode().map_err(|error| damaged(path, error))?;
    if let Some((width, height)) = resize
        && (width, height) != (picture.width(), picture.height())
    {
        picture = picture.resize_exact(width, height, FilterType::Triangle);
    }
    let (height, width) = (picture.height() as usize, picture.width() as usize);
    Ok(Picture { height, width, channels, values: values(picture, channels) })
}

fn values(picture: DynamicImage, channels: usize) -> Vec<f32> {
    let bytes = |bytes: Vec<u8>| bytes.into_iter().map(|value| f32::from(value) / 255.0).collect();
    match (picture.color(), channels) {
        (ColorType::L8 | ColorType::La8, 1) => bytes(picture.into_luma8().into_raw()),
        (ColorType::L16 | ColorType::La16, 1) => {
            picture.into_luma16().into_raw().into_iter().map(|value| f32::from(value) / 65535.0).collect()
        }
        (_, 1) => picture.to_luma32f().into_raw(),
        (ColorType::Rgb8 | ColorType::Rgba8 | ColorType::L8 | ColorType::La8, _) => {
            bytes(picture.into_rgb8().into_raw())
        }
        _ => picture.to_rgb32f().into_raw(),
    }
}

/// A reader that decides by content, with limits set.
fn reader<R: BufRead + Seek>(path: &Path, bytes: R) -> Result<ImageReader<R>> {
    let mut reader =
        ImageReader::new(bytes).with_guessed_format().map_err(|source| io_error(path, "cannot read", source))?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(Error::Format {
            path: path.to_owned(),
            format: "PNG or JPEG",
            found: "its first bytes belong to neither".into(),
            expected: "a PNG or JPEG picture".into(),
        });
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(2 * MAX_BYTES);
    reader.limits(limits);
    Ok(reader)
}

fn damaged(path: &Path, error: ImageError) -> Error {
    match error {
        ImageError::IoError(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            io_error(path, "cannot decode", source)
        }
        ImageError::Limits(limit) if matches!(limit.kind(), LimitErrorKind::DimensionError) => {
            let (width, height) = png_size(path).unwrap_or((MAX_SIDE + 1, MAX_SIDE + 1));
            Error::PictureTooLarge { path: path.to_owned(), width, height, limit: MAX_SIDE, bytes: MAX_BYTES }
        }
        error => Error::Format {
            path: path.to_owned(),
            format: "PNG or JPEG",
            found: error.to_string(),
            expected: "a complete picture".into(),
        },
    }
}

/// Whether a JPEG has no end marker behind its first scan; the decoder would fill what is missing with grey. Within a
/// scan FF is always followed by 00 or a restart marker, so that FF D9 is the end.
fn jpeg_is_cut_short(bytes: &[u8]) -> bool {
    if !bytes.starts_with(&[0xFF, 0xD8]) {
        return false;
    }
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == 0xDA {
            return !bytes[at..].windows(2).any(|pair| pair == [0xFF, 0xD9]);
        }
        at += if marker == 0xFF { 1 } else { 2 + usize::from(u16::from_be_bytes([high, low])) };
    }
    false
}

/// Width and height as a PNG header claims them, for the message about a picture that the decoder refuses.
fn png_size(path: &Path) -> Option<(u32, u32)> {
    let mut start = [0; 24];
    std::io::Read::read_exact(&mut File::open(path).ok()?, &mut start).ok()?;
    let mut rest = Cursor::new(&start[16..]);
    let mut number = || {
        let mut bytes = [0; 4];
        std::io::Read::read_exact(&mut rest, &mut bytes).ok().map(|()| u32::from_be_bytes(bytes))
    };
    (start[12..16] == *b"IHDR").then_some(())?;
    Some((number()?, number()?))
}
