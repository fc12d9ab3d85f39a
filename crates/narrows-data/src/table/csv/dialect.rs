//! Delimiter and encoding of a text file, from its first bytes.

use std::path::PathBuf;

use super::row::{cells, rows};
use crate::{Error, Result};

/// The delimiters that are told apart.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Rows that are compared.
const COMPARED: usize = 100;

/// Bytes of a byte-order mark at the start of `head`. Leniently, zero bytes behind the first line are damage, which a log has
/// where a machine lost its power.
///
/// # Errors
/// The text is UTF-16, or no text.
pub(super) fn byte_order_mark(origin: &str, head: &[u8], lenient: bool) -> Result<usize> {
    let first = memchr::memchr(b'\n', head).filter(|_| lenient).unwrap_or(4096);
    let refuse = |found: &str| {
        Err(Error::Format {
            path: PathBuf::from(origin),
            format: "delimited text",
            found: found.to_owned(),
            expected: "UTF-8 text; convert it".to_owned(),
        })
    };
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => refuse("UTF-16 text"),
        head if head.iter().take(first).any(|byte| *byte == 0) => refuse("zero bytes"),
        [0xef, 0xbb, 0xbf, ..] => Ok(3),
        _ => Ok(0),
    }
}

/// The delimiter by which most of the first rows have the same number of cells, more than one; of equal ones that with
/// most cells. A comma where there is none.
pub(super) fn delimiter(head: &[u8], complete: bool) -> u8 {
    let whole = if complete { head } else { &head[..memchr::memrchr(b'\n', head).map_or(head.len(), |end| end + 1)] };
    let score = |delimiter: u8| {
        let counts: Vec<usize> =
            rows(whole, delimiter).take(COMPARED).map(|(_, row)| cells(row, delimiter).len()).collect();
        let agreeing = |count: usize| counts.iter().filter(|other| **other == count).count();
        counts.iter().filter(|count| **count > 1).map(|count| (agreeing(*count), *count)).max()
    };
    let scored = DELIMITERS.iter().filter_map(|delimiter| Some((score(*delimiter)?, *delimiter)));
    scored.rev().max_by_key(|(score, _)| *score).map_or(b',', |(_, delimiter)| delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found() {
        assert_eq!(delimiter(b"a,b\n1,2\n", true), b',');
        assert_eq!(delimiter(b"a;b\n1,5;2\n1,5;3,5\n", true), b';');
        assert_eq!(delimiter(b"a\tb, c\n1\t2\n", true), b'\t');
        assert_eq!(delimiter(b"a|b\n1|2\n", true), b'|');
        assert_eq!(delimiter(b"a\n1\n", true), b',');
        assert_eq!(delimiter(b"\"x;y\",b\n\"u;v\",c\n", true), b',');
    }
}
