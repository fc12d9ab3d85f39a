//! The header of an NPY file: magic, version and a Python dictionary of type, order and shape.
//! Format: NumPy Enhancement Proposal 1, versions 1.0, 2.0 and 3.0.

use std::path::Path;

use super::storage::{Storage, io_error};
use super::strided::{Layout, Order};
use super::{Element, Endian};
use crate::{Error, Result};

/// Longer headers belong to structured types with thousands of fields, which are not arrays of numbers.
const MAX_HEADER: usize = 1 << 20;

/// What the values of an NPY array are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Number(Element, Endian),
    /// Fixed-width text: `width` characters of UCS-4.
    Unicode {
        width: usize,
        endian: Endian,
    },
    /// Fixed-width bytes, zero-padded.
    Bytes {
        width: usize,
    },
}

/// A parsed header.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) kind: Type,
    pub(super) order: Order,
    pub(super) shape: Vec<usize>,
    /// Offset of the first value.
    pub(super) data: u64,
}

impl Header {
    /// The layout of a numeric array.
    pub(super) fn layout(&self, path: &Path) -> Result<Layout> {
        match self.kind {
            Type::Number(element, endian) => {
                Ok(Layout { element, endian, order: self.order, shape: self.shape.clone() })
            }
            Type::Unicode { .. } | Type::Bytes { .. } => Err(Error::Unsupported {
                path: path.to_owned(),
                found: "an array of text".into(),
                advice: "save numbers, or a table as CSV or Parquet".into(),
            }),
        }
    }

    /// Bytes of one element.
    pub(super) fn element_size(&self) -> usize {
        match self.kind {
            Type::Number(element, _) => element.size(),
            Type::Unicode { width, .. } => width.saturating_mul(4),
            Type::Bytes { width } => width,
        }
    }

    /// Bytes of header and values together.
    pub(super) fn file_bytes(&self) -> u128 {
        super::strided::count(&self.shape).saturating_mul(self.element_size() as u128).saturating_add(self.data.into())
    }
}

/// Reads the header at the start of `storage`, which holds `length` bytes.
pub(super) fn read(path: &Path, storage: &Storage, length: u64) -> Result<Header> {
    let damaged = |found: String, expected: &str| Error::Format {
        path: path.to_owned(),
        format: "NPY",
        found,
        expected: expected.into(),
    };
    let fetch = |offset: u64, count: usize| -> Result<Vec<u8>> {
        if offset + count as u64 > length {
            return Err(damaged(format!("the file ends after {length} bytes, within the header"), "a complete header"));
        }
        let mut bytes = vec![0; count];
        storage.read_at(offset, &mut bytes).map_err(|source| io_error(path, "cannot read the header", source))?;
        Ok(bytes)
    };
    let start = fetch(0, 8)?;
    if start[..6] != *b"\x93NUMPY" {
        return Err(damaged(
            format!("it starts with {:?}", String::from_utf8_lossy(&start[..6])),
            "the magic \\x93NUMPY",
        ));
    }
    let (header, text) = match start[6] {
        1 => {
            let size = fetch(8, 2)?;
            (usize::from(u16::from_le_bytes([size[0], size[1]])), 10)
        }
        2 | 3 => {
            let size = fetch(8, 4)?;
            (u32::from_le_bytes([size[0], size[1], size[2], size[3]]) as usize, 12)
        }
        version => return Err(damaged(format!("version {version}"), "version 1, 2 or 3")),
    };
    if header > MAX_HEADER {
        return Err(damaged(format!("a header of {header} bytes"), "at most 1 MiB"));
    }
    let bytes = fetch(text, header)?;
    let mut parser = Parser { rest: &bytes };
    let fields = parser.dictionary().map_err(|problem| {
        let at = bytes.len() - parser.rest.len();
        damaged(
            format!("{problem} at byte {at} of the header"),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (rows, ...), }",
        )
    })?;
    let kind = number_type(&fields.descr).ok_or_else(|| Error::Unsupported {
        path: path.to_owned(),
        found: format!("values of NumPy type {:?}", fields.descr),
        advice: "save booleans, integers, float16, float32 or float64".into(),
    })?;
    let order = if fields.fortran { Order::Fortran } else { Order::C };
    Ok(Header { kind, order, shape: fields.shape, data: text + header as u64 })
}

/// The type behind a `descr` such as `<f4`.
fn number_type(descr: &str) -> Option<Type> {
    let mut letters = descr.chars();
    let endian = match letters.next()? {
        '<' => Endian::Little,
        '|' | '=' if cfg!(target_endian = "little") => Endian::Little,
        '>' | '|' | '=' => Endian::Big,
        _ => return None,
    };
    let element = match letters.as_str() {
        "b1" => Element::Bool,
        "i1" => Element::I8,
        "u1" => Element::U8,
        "i2" => Element::I16,
        "u2" => Element::U16,
        "i4" => Element::I32,
        "u4" => Element::U32,
        "i8" => Element::I64,
        "u8" => Element::U64,
        "f2" => Element::F16,
        "f4" => Element::F32,
        "f8" => Element::F64,
        other => {
            let width = other.get(1..)?.parse().ok()?;
            return match other.as_bytes().first()? {
                b'U' => Some(Type::Unicode { width, endian }),
                b'S' => Some(Type::Bytes { width }),
                _ => None,
            };
        }
    };
    Some(Type::Number(element, endian))
}

#[derive(Default)]
struct Fields {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

/// Reads the dictionary literal, one token after the other.
struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    fn dictionary(&mut self) -> Result<Fields, String> {
        let mut fields = Fields::default();
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect(b'{')?;
        loop {
            if self.accept(b'}') {
                break;
            }
            let key = self.string()?;
            self.expect(b':')?;
            match key.as_str() {
                "descr" => descr = Some(self.descr()?),
                "fortran_order" => fortran = Some(self.boolean()?),
                "shape" => shape = Some(self.tuple()?),
                other => return Err(format!("unknown key {other:?}")),
            }
            if !self.accept(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        fields.descr = descr.ok_or("no 'descr'")?;
        fields.fortran = fortran.ok_or("no 'fortran_order'")?;
        fields.shape = shape.ok_or("no 'shape'")?;
        Ok(fields)
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn accept(&mut self, byte: u8) -> bool {
        self.skip_space();
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.accept(byte) { Ok(()) } else { Err(format!("no {:?}", char::from(byte))) }
    }

    fn string(&mut self) -> Result<String, String> {
        self.skip_space();
        let Some(&quote @ (b'\'' | b'"')) = self.rest.first() else { return Err("no quoted name".into()) };
        let body = &self.rest[1..];
        let end = body.iter().position(|&byte| byte == quote).ok_or("no closing quote")?;
        self.rest = &body[end + 1..];
        Ok(String::from_utf8_lossy(&body[..end]).into_owned())
    }

    /// A structured type is a list; its text up to the bracket names it well enough in the message.
    fn descr(&mut self) -> Result<String, String> {
        self.skip_space();
        if self.rest.first() == Some(&b'[') { Err("a structured type".into()) } else { self.string() }
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.skip_space();
        for (text, value) in [(&b"True"[..], true), (b"False", false)] {
            if let Some(rest) = self.rest.strip_prefix(text) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err("neither True nor False".into())
    }

    fn tuple(&mut self) -> Result<Vec<usize>, String> {
        self.expect(b'(')?;
        let mut dims = Vec::new();
        loop {
            if self.accept(b')') {
                return Ok(dims);
            }
            if dims.len() == 32 {
                return Err("more than 32 dimensions".into());
            }
            dims.push(self.number()?);
            if !self.accept(b',') {
                self.expect(b')')?;
                return Ok(dims);
            }
        }
    }

    fn number(&mut self) -> Result<usize, String> {
        self.skip_space();
        let end = self.rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.rest.len());
        let digits = std::str::from_utf8(&self.rest[..end]).map_err(|_| "no number")?;
        let value = digits.parse().map_err(|_| format!("{digits:?} is not a dimension"))?;
        self.rest = self.rest[end..].strip_prefix(b"L").unwrap_or(&self.rest[end..]);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Fields, String> {
        Parser { rest: text.as_bytes() }.dictionary()
    }

    #[test]
    fn dictionaries_as_numpy_writes_them() {
        let fields = parse("{'descr': '<f8', 'fortran_order': True, 'shape': (6870, 16), }      \n").unwrap();
        assert_eq!((fields.descr.as_str(), fields.fortran, fields.shape.as_slice()), ("<f8", true, &[6870, 16][..]));
        assert_eq!(parse("{'shape':(3L,),\"descr\":'|u1','fortran_order':False}").unwrap().shape, [3]);
        assert_eq!(parse("{'descr': '<f8', 'fortran_order': False, 'shape': ()}").unwrap().shape, [0_usize; 0]);
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, problem) in [
            ("{'descr': '<f8', 'fortran_order': True}", "no 'shape'"),
            ("{'descr': [('a', '<f8')], }", "a structured type"),
            ("{'descr': '<f8', 'fortran_order': 1}", "neither True nor False"),
            ("{'shape': (99999999999999999999999,)}", "\"99999999999999999999999\" is not a dimension"),
            ("{'shape': (-1,)}", "\"\" is not a dimension"),
            ("{'other': 1}", "unknown key \"other\""),
            ("{'descr", "no closing quote"),
            ("", "no '{'"),
        ] {
            assert_eq!(parse(text).err().as_deref(), Some(problem), "{text}");
        }
    }
}
