//! Pictures: one, a folder, class folders, patches, and what is refused.

use std::path::Path;

use image::{GrayImage, Luma, Rgb, RgbImage};
use narrows_data::format::folder::{self, Patches, PictureOptions};
use narrows_data::format::picture;
use narrows_data::patches::Patch;
use narrows_data::{ColumnData, Error, Sample, Source};

use super::{blocks, dense, shared, write};

fn grey(path: &Path, width: u32, height: u32, value: impl Fn(u32, u32) -> u8) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    GrayImage::from_fn(width, height, |x, y| Luma([value(x, y)])).save(path).unwrap();
}

fn texts(column: &ColumnData) -> Vec<String> {
    let ColumnData::Texts(texts) = column else { panic!() };
    (0..texts.codes.len()).map(|row| texts.get(row).unwrap().to_owned()).collect()
}

fn open(path: &Path) -> Box<dyn Source> {
    folder::open(path, &PictureOptions::default()).unwrap()
}

#[test]
fn a_folder_in_order_of_names() {
    let directory = tempfile::tempdir().unwrap();
    grey(&directory.path().join("b.png"), 3, 2, |x, y| (x + 3 * y) as u8 * 51);
    grey(&directory.path().join("a.PNG"), 3, 2, |_, _| 255);
    write(directory.path(), "notes.txt", b"no picture");
    let source = open(directory.path());
    assert_eq!(source.schema().sample, Sample::Image { height: 2, width: 3, channels: 1 });
    let block = blocks(source.as_ref()).remove(0);
    assert_eq!(texts(&block.columns[0]), ["a.PNG", "b.png"]);
    assert_eq!(block.dense[6..], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
}

#[test]
fn one_picture_is_one_row_with_colours_last() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.png");
    RgbImage::from_fn(2, 1, |x, _| Rgb([255, x as u8 * 51, 0])).save(&path).unwrap();
    assert_eq!(dense(open(&path).as_ref()), [1.0, 0.0, 0.0, 1.0, 0.2, 0.0]);
}

#[test]
fn sixteen_bits_and_mixed_colours() {
    let directory = tempfile::tempdir().unwrap();
    image::ImageBuffer::<Luma<u16>, _>::from_raw(1, 1, vec![257_u16])
        .unwrap()
        .save(directory.path().join("a.png"))
        .unwrap();
    assert_eq!(dense(open(directory.path()).as_ref()), [257.0 / 65535.0]);
    RgbImage::from_pixel(1, 1, Rgb([0, 255, 0])).save(directory.path().join("b.png")).unwrap();
    let values = dense(open(directory.path()).as_ref());
    assert_eq!(values.len(), 6);
    assert!((values[0] - 257.0 / 65535.0).abs() < 1e-6 && values[3..] == [0.0, 1.0, 0.0], "{values:?}");
}

#[test]
fn class_folders_become_labels() {
    let directory = tempfile::tempdir().unwrap();
    for (class, name) in [("dog", "1.png"), ("cat", "2.png"), ("cat", "1.png")] {
        grey(&directory.path().join(class).join(name), 2, 2, |_, _| 0);
    }
    let source = open(directory.path());
    let block = blocks(source.as_ref()).remove(0);
    assert_eq!(texts(&block.columns[0]), ["cat", "cat", "dog"]);
    assert_eq!(texts(&block.columns[1]), ["cat/1.png", "cat/2.png", "dog/1.png"]);
    let options = PictureOptions { recursive: true, ..Default::default() };
    let source = folder::open(directory.path(), &options).unwrap();
    assert_eq!((source.rows(), source.schema().columns.len()), (3, 1));
}

#[test]
fn different_sizes_are_named_and_can_be_resized() {
    let directory = tempfile::tempdir().unwrap();
    grey(&directory.path().join("a.png"), 4, 2, |_, _| 100);
    grey(&directory.path().join("b.png"), 2, 2, |_, _| 100);
    let message = folder::open(directory.path(), &PictureOptions::default()).unwrap_err().to_string();
    assert!(message.contains("a.png is 4 x 2") && message.contains("b.png is 2 x 2"), "{message}");
    assert!(message.contains("patches"), "{message}");
    let options = PictureOptions { resize: Some((3, 3)), ..Default::default() };
    let source = folder::open(directory.path(), &options).unwrap();
    assert_eq!(source.schema().sample, Sample::Image { height: 3, width: 3, channels: 1 });
    assert!(dense(source.as_ref()).iter().all(|value| (value - 100.0 / 255.0).abs() < 1e-3));
}

#[test]
fn patches_belong_to_their_picture() {
    let directory = tempfile::tempdir().unwrap();
    grey(&directory.path().join("a.png"), 5, 4, |x, y| (x + 5 * y) as u8);
    grey(&directory.path().join("b.png"), 2, 2, |_, _| 200);
    let cut = Patches::Cut(Patch { size: 2, stride: 2 });
    let options = PictureOptions { patches: cut, ..Default::default() };
    let source = folder::open(directory.path(), &options).unwrap();
    assert_eq!(source.groups(), Some(&[0..4, 4..5][..]));
    let block = blocks(source.as_ref()).remove(0);
    let pixels: Vec<u8> = block.dense.iter().map(|value| (value * 255.0).round() as u8).collect();
    assert_eq!(pixels[..16], [0, 1, 5, 6, 2, 3, 7, 8, 10, 11, 15, 16, 12, 13, 17, 18]);
    assert_eq!(texts(&block.columns[0])[3..], ["a.png", "b.png"]);
    let options = PictureOptions { patches: Patches::Cut(Patch { size: 3, stride: 1 }), ..Default::default() };
    let error = folder::open(directory.path(), &options).unwrap_err();
    assert!(matches!(error, Error::PictureTooSmall { width: 2, height: 2, size: 3, .. }), "{error}");
}

#[test]
fn a_large_picture_is_several_blocks() {
    let directory = tempfile::tempdir().unwrap();
    grey(&directory.path().join("a.png"), 200, 150, |x, y| (x ^ y) as u8);
    grey(&directory.path().join("b.png"), 150, 200, |_, y| y as u8);
    let cut = Patches::Cut(Patch { size: 16, stride: 2 });
    let source = folder::open(directory.path(), &PictureOptions { patches: cut, ..Default::default() }).unwrap();
    assert!(source.blocks().len() > 2);
    let values = dense(source.as_ref());
    let (row, across) = (93 * 5 + 17, 93);
    let (top, left) = (row / across * 2, row % across * 2);
    let expected = ((left + 3) ^ (top + 1)) as f32 / 255.0;
    assert_eq!(values[row * 256 + 16 + 3], expected);
}

#[test]
fn photographs_are_cut_by_default_and_small_pictures_are_not() {
    let directory = tempfile::tempdir().unwrap();
    grey(&directory.path().join("a.png"), 481, 321, |_, _| 9);
    grey(&directory.path().join("b.png"), 321, 481, |_, _| 9);
    let source = open(directory.path());
    assert_eq!(source.schema().sample, Sample::Image { height: 16, width: 16, channels: 1 });
    assert_eq!(source.rows(), 1200);
    assert!(source.notes()[0].contains("16 x 16"));
    grey(&directory.path().join("c.png"), 100, 481, |_, _| 9);
    assert!(matches!(folder::open(directory.path(), &PictureOptions::default()), Err(Error::PictureSizes { .. })));
}

/// A PNG of nothing but its header and an empty data chunk.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        bytes.extend((data.len() as u32).to_be_bytes());
        let mut body = kind.to_vec();
        body.extend(data);
        let mut crc = flate2::Crc::new();
        crc.update(&body);
        bytes.extend(&body);
        bytes.extend(crc.sum().to_be_bytes());
    };
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    chunk(b"IHDR", &header);
    chunk(b"IDAT", &[0x78, 0x9C, 3, 0, 0, 0, 0, 1]);
    chunk(b"IEND", &[]);
    bytes
}

#[test]
fn a_picture_of_sixty_thousand_pixels_a_side_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (width, height) in [(60_000, 60_000), (30_000, 30_000)] {
        let path = write(directory.path(), "a.png", &png_header(width, height));
        let error = folder::open(&path, &PictureOptions::default()).unwrap_err();
        let Error::PictureTooLarge { width: w, height: h, .. } = error else { panic!("{error}") };
        assert_eq!((w, h), (width, height));
    }
}

#[test]
fn damaged_pictures_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.png");
    grey(&path, 60, 60, |x, y| (x * y) as u8);
    let whole = std::fs::read(&path).unwrap();
    for bytes in [&whole[..whole.len() / 2], &whole[..20], b"hello", &[]] {
        std::fs::write(&path, bytes).unwrap();
        let message = picture::decode(&path, 1, None).unwrap_err().to_string();
        assert!(message.contains("a.png"), "{message}");
    }
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    std::fs::write(&path, flipped).unwrap();
    assert!(picture::decode(&path, 1, None).is_err());
    let jpeg = directory.path().join("b.jpg");
    GrayImage::from_fn(64, 64, |x, y| Luma([(x * y) as u8])).save(&jpeg).unwrap();
    let whole = std::fs::read(&jpeg).unwrap();
    std::fs::write(&jpeg, &whole[..whole.len() / 2]).unwrap();
    let message = picture::decode(&jpeg, 1, None).unwrap_err().to_string();
    assert!(message.contains("b.jpg"), "{message}");
}

#[test]
fn an_empty_folder_holds_no_pictures() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(folder::open(directory.path(), &PictureOptions::default()), Err(Error::Empty { .. })));
}

#[test]
fn the_berkeley_photographs() {
    let Some(path) = shared("bsds500/train") else { return };
    let source = open(&path);
    assert_eq!(source.rows(), 200 * 600);
    assert_eq!(source.schema().sample, Sample::Image { height: 16, width: 16, channels: 3 });
    assert!(source.read(7).unwrap().dense.iter().all(|value| (0.0..=1.0).contains(value)));
}
