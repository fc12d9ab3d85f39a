//! Whatever the bytes, a reader answers with rows or an error and never panics.

use std::path::Path;

use narrows_data::format::folder::PictureOptions;
use narrows_data::format::{folder, idx, npy as npy_file, npz, safetensors};
use narrows_data::{Result, Source};
use proptest::prelude::*;

use super::{npy, write};

fn read_all(source: &dyn Source) -> Result<()> {
    for index in 0..source.blocks().len() {
        source.read(index)?;
    }
    Ok(())
}

/// Opens the file as every format and reads it where that succeeds.
fn read_as_anything(path: &Path) {
    let outcomes = [
        npy_file::open(path).and_then(|source| read_all(&source)),
        npz::open(path, None).and_then(|source| read_all(&source)),
        idx::open(path).and_then(|source| read_all(&source)),
        safetensors::open(path, None).and_then(|source| read_all(&source)),
        folder::open(path, &PictureOptions::default()).and_then(|source| read_all(source.as_ref())),
    ];
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(error.to_string().contains("fuzz"), "names the file: {error}");
    }
}

/// Beginnings that get past the first checks.
fn beginnings() -> Vec<Vec<u8>> {
    let mut png = Vec::new();
    image::GrayImage::new(3, 3).write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
    let mut jpeg = Vec::new();
    image::GrayImage::new(8, 8).write_to(&mut std::io::Cursor::new(&mut jpeg), image::ImageFormat::Jpeg).unwrap();
    let array = npy(1, "<f4", true, &[2, 3], &[1; 24]);
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("X.npy", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut archive, &array).unwrap();
    let header = br#"{"x":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]}}"#;
    let tensors = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat();
    vec![
        Vec::new(),
        array,
        archive.finish().unwrap().into_inner(),
        vec![0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 9, 9, 9, 9],
        tensors,
        png,
        jpeg,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_a_reader_panic(
        beginning in prop::sample::select(beginnings()),
        keep in 0_usize..400,
        noise in prop::collection::vec(any::<u8>(), 0..200),
        flips in prop::collection::vec((0_usize..400, any::<u8>()), 0..6),
    ) {
        let mut bytes = beginning;
        bytes.truncate(keep);
        for (position, value) in flips {
            if let Some(byte) = bytes.get_mut(position) { *byte ^= value; }
        }
        if keep < 200 { bytes.extend(noise); }
        let directory = tempfile::tempdir().unwrap();
        read_as_anything(&write(directory.path(), "fuzz.png", &bytes));
    }
}
