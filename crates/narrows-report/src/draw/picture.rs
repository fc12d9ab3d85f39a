//! Pictures as PNG inside the page.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use serde::Serialize;

use crate::{Error, Picture, Result};

/// Pictures up to this many pixels wide or high are enlarged with sharp pixels; larger ones are scaled smoothly.
const SHARP: usize = 128;

/// One picture as the template places it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Image {
    /// `data:` address.
    pub(crate) source: String,
    /// What it shows.
    pub(crate) caption: String,
    /// For readers who cannot see it.
    pub(crate) alternative: String,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) sharp: bool,
}

/// Encodes `picture` of the example called `name`.
pub(crate) fn image(picture: &Picture, name: &str, caption: &str) -> Result<Image> {
    let &Picture { height, width, channels, ref pixels } = picture;
    let expected = height.saturating_mul(width).saturating_mul(channels);
    if pixels.len() != expected {
        let (name, found) = (name.to_owned(), pixels.len());
        return Err(Error::PictureSize { name, height, width, channels, expected, found });
    }
    let color = match channels {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        _ => return Err(Error::PictureChannels { name: name.to_owned(), channels }),
    };
    let bytes: Vec<u8> = pixels.iter().map(|p| (p.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    let mut file = Cursor::new(Vec::new());
    PngEncoder::new_with_quality(&mut file, CompressionType::Best, FilterType::Adaptive)
        .write_image(&bytes, width as u32, height as u32, color)
        .map_err(|source| Error::PictureEncoding { name: name.to_owned(), source })?;
    Ok(Image {
        source: format!("data:image/png;base64,{}", STANDARD.encode(file.into_inner())),
        caption: caption.to_owned(),
        alternative: format!("{name}, {caption}, {width} by {height} pixels"),
        width,
        height,
        sharp: width.max(height) <= SHARP,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(channels: usize, pixels: Vec<f32>) -> Picture {
        Picture { height: 2, width: 2, channels, pixels }
    }

    #[test]
    fn pixels_survive() {
        let image = image(&picture(1, vec![0.0, 1.0, 0.5, 7.0]), "row 1", "original").unwrap();
        let png = STANDARD.decode(image.source.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let back = ::image::load_from_memory(&png).unwrap().into_luma8();
        assert_eq!(back.into_raw(), [0, 255, 128, 255]);
    }

    #[test]
    fn sizes_are_checked() {
        let error = image(&picture(3, vec![0.0; 11]), "row 1", "original").unwrap_err().to_string();
        assert!(error.contains("must hold 12 numbers, but holds 11"), "{error}");
        let error = image(&picture(2, vec![0.0; 8]), "row 1", "original").unwrap_err().to_string();
        assert!(error.contains("2 channels"), "{error}");
    }
}
