//! One picture as a file: PNG, or JPEG of quality 95.

use std::path::Path;

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::atomic::{write, write_error};
use crate::format::picture::Picture;
use crate::{Error, Result};

/// Of 100; higher than the usual 75, since the picture is somebody's result.
const JPEG_QUALITY: u8 = 95;

/// Writes a picture atomically as the extension says, `.png`, `.jpg` or `.jpeg`; values outside 0..=1 become black or white.
///
/// # Errors
/// The extension names no format, the file exists and may not be replaced, or it cannot be written.
pub fn write_picture(path: &Path, picture: &Picture, force: bool) -> Result<()> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_lowercase();
    let pixels: Vec<u8> = picture.values.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    let (width, height) = (picture.width as u32, picture.height as u32);
    let colour = if picture.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut bytes = Vec::new();
    let encoded = match extension.as_str() {
        "png" => PngEncoder::new(&mut bytes).write_image(&pixels, width, height, colour),
        "jpg" | "jpeg" => {
            JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).write_image(&pixels, width, height, colour)
        }
        _ => {
            let what = "a picture: the extension names no format".into();
            return Err(Error::Output { path: path.to_owned(), what, advice: "use .png, .jpg or .jpeg" });
        }
    };
    encoded.map_err(|error| write_error(path, std::io::Error::other(error)))?;
    write(path, &bytes, force)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::picture::decode;

    #[test]
    fn pictures_come_back_as_they_were_written() {
        let directory = tempfile::tempdir().unwrap();
        let values = vec![0.0, 1.0, 0.2, 0.4, 0.6, 0.8];
        let grey = Picture { height: 2, width: 3, channels: 1, values: values.clone() };
        let colour = Picture { height: 1, width: 2, channels: 3, values };
        for picture in [grey, colour] {
            let path = directory.path().join(format!("{}.png", picture.channels));
            write_picture(&path, &picture, false).unwrap();
            assert_eq!(decode(&path, picture.channels, None).unwrap(), picture);
            assert!(matches!(write_picture(&path, &picture, false), Err(Error::Exists { .. })));
        }
        let flat = Picture { height: 16, width: 8, channels: 1, values: vec![0.5; 128] };
        let path = directory.path().join("flat.jpg");
        write_picture(&path, &flat, false).unwrap();
        let read = decode(&path, 1, None).unwrap();
        assert!(read.height == 16 && read.values.iter().all(|value| (value - 0.5).abs() < 0.01));
        assert!(matches!(write_picture(&directory.path().join("a.gif"), &flat, false), Err(Error::Output { .. })));
    }
}
