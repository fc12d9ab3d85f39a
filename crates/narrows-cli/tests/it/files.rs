//! Files of several formats, byte by byte.

use std::io::{Cursor, Write as _};

use flate2::{Compression, Crc, write::ZlibEncoder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An NPY file with this header and these values.
pub(crate) fn npy(descr: &str, shape: &[u64], values: &[u8]) -> Vec<u8> {
    let dims: String = shape.iter().map(|dim| dim.to_string() + ",").collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
}

/// Numbers as f32, little endian.
pub(crate) fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

/// A deflated archive.
pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A grey PNG whose header claims `claimed` and whose data are of `held` (width, height).
pub(crate) fn png(claimed: (u32, u32), held: (u32, u32), value: impl Fn(u32, u32) -> u8) -> Vec<u8> {
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::fast());
    for y in 0..held.1 {
        let row: Vec<u8> = std::iter::once(0).chain((0..held.0).map(|x| value(x, y))).collect();
        pixels.write_all(&row).unwrap();
    }
    let header = [&claimed.0.to_be_bytes()[..], &claimed.1.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", pixels.finish().unwrap()), (b"IEND", Vec::new())] {
        let body = [&kind[..], &data].concat();
        let mut crc = Crc::new();
        crc.update(&body);
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(body);
        bytes.extend(crc.sum().to_be_bytes());
    }
    bytes
}

/// Pictures as an IDX file.
pub(crate) fn idx(pictures: u32, side: u32) -> Vec<u8> {
    let sizes = [pictures, side, side].map(u32::to_be_bytes).concat();
    let pixels = (0..pictures * side * side).map(|place| (place * 37 % 251) as u8);
    [0, 0, 8, 3].into_iter().chain(sizes).chain(pixels).collect()
}
