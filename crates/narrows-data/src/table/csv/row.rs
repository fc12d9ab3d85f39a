//! Where rows and cells end: RFC 4180 with any delimiter, and blanks around cells.
//!
//! A quote opens a quoted cell only where it is the first thing in the cell but blanks; elsewhere it is a character like
//! others (`5" pipe`). Within, two quotes are one, and newlines and delimiters are text.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The longest cell that is read; a longer one is taken for a quote that is never closed.
pub(super) const MAX_CELL: usize = 16 << 20;

/// The place of the newline that ends the row starting at `start`, or `None` where it is not in `bytes`.
pub(super) fn end_of_row(bytes: &[u8], start: usize, delimiter: u8) -> Option<usize> {
    let mut at = start;
    loop {
        let found = at + memchr2(b'\n', b'"', &bytes[at..])?;
        if bytes[found] == b'\n' {
            return Some(found);
        }
        at = if opens(bytes, start, found, delimiter) { closing(bytes, found + 1)? + 1 } else { found + 1 };
    }
}

/// Whether the quote at `quote` is the first thing in its cell.
fn opens(bytes: &[u8], start: usize, quote: usize, delimiter: u8) -> bool {
    let before = bytes[start..quote].iter().rev().find(|byte| !is_blank(**byte, delimiter));
    before.is_none_or(|byte| *byte == delimiter)
}

/// The quote that closes the cell whose text starts at `from`.
fn closing(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let quote = at + memchr(b'"', bytes.get(at..)?)?;
        match bytes.get(quote + 1) {
            Some(b'"') => at = quote + 2,
            _ => return Some(quote),
        }
    }
}

#[inline]
pub(super) fn is_blank(byte: u8, delimiter: u8) -> bool {
    matches!(byte, b' ' | b'\r') || (byte == b'\t' && delimiter != b'\t')
}

/// Without blanks at both ends.
#[inline]
pub(super) fn trim(mut cell: &[u8], delimiter: u8) -> &[u8] {
    while let [rest @ .., last] = cell
        && is_blank(*last, delimiter)
    {
        cell = rest;
    }
    while let [first, rest @ ..] = cell
        && is_blank(*first, delimiter)
    {
        cell = rest;
    }
    cell
}

/// Whether a line holds nothing; such lines are no rows.
pub(super) fn is_empty(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\r' | b'\t'))
}

/// Whether a quoted cell opens in `row` and never closes.
pub(super) fn is_open(row: &[u8], delimiter: u8) -> bool {
    let mut at = 0;
    while let Some(quote) = memchr(b'"', &row[at..]).map(|place| at + place) {
        at = match opens(row, 0, quote, delimiter).then(|| closing(row, quote + 1)) {
            Some(None) => return true,
            Some(Some(close)) => close + 1,
            None => quote + 1,
        };
    }
    false
}

/// Whether nothing but blanks stands between the end of each quoted cell of `row` and the next delimiter.
pub(super) fn is_well_quoted(row: &[u8], delimiter: u8) -> bool {
    let mut start = 0;
    while start < row.len() {
        let end = cell(row, start, delimiter).1;
        let text = trim(&row[start..end], delimiter);
        if text.first() == Some(&b'"') && closing(text, 1) != Some(text.len() - 1) {
            return false;
        }
        start = end + 1;
    }
    true
}

/// The cell that starts at `start` and the place of the delimiter or newline behind it (or the end of `bytes`).
#[inline]
pub(super) fn cell(bytes: &[u8], start: usize, delimiter: u8) -> (Cow<'_, [u8]>, usize) {
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        if byte == delimiter || byte == b'\n' {
            return (Cow::Borrowed(trim(&bytes[start..at], delimiter)), at);
        }
        if byte == b'"' && bytes[start..at].iter().all(|byte| is_blank(*byte, delimiter)) {
            return quoted(bytes, at + 1, delimiter);
        }
        at += 1;
    }
    (Cow::Borrowed(trim(&bytes[start..at], delimiter)), at)
}

/// The quoted cell whose text starts at `start`. What follows the closing quote belongs to it as it stands.
fn quoted(bytes: &[u8], start: usize, delimiter: u8) -> (Cow<'_, [u8]>, usize) {
    let close = closing(bytes, start).unwrap_or(bytes.len());
    let text = &bytes[start..close];
    let behind = bytes.get(close + 1..).unwrap_or_default();
    let length = behind.iter().position(|byte| *byte == delimiter || *byte == b'\n').unwrap_or(behind.len());
    let (tail, end) = (trim(&behind[..length], delimiter), (close + 1 + length).min(bytes.len()));
    if tail.is_empty() && memchr(b'"', text).is_none() {
        return (Cow::Borrowed(trim(text, delimiter)), end);
    }
    let mut own = Vec::with_capacity(text.len());
    let mut quotes = 0;
    for &byte in text {
        quotes = if byte == b'"' { quotes + 1 } else { 0 };
        if quotes % 2 == 0 {
            own.push(byte);
        }
    }
    own.extend_from_slice(tail);
    (Cow::Owned(trim(&own, delimiter).to_vec()), end)
}

/// All cells of the row in `line`.
pub(super) fn cells(line: &[u8], delimiter: u8) -> Vec<Cow<'_, [u8]>> {
    let mut cells = Vec::new();
    let mut at = 0;
    loop {
        let (text, end) = cell(line, at, delimiter);
        cells.push(text);
        match line.get(end) {
            Some(&byte) if byte == delimiter => at = end + 1,
            _ => return cells,
        }
    }
}

/// The rows of `bytes`, without empty lines, each with the place of its first byte.
pub(super) fn rows(bytes: &[u8], delimiter: u8) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let (start, end) = (at, end_of_row(bytes, at, delimiter).unwrap_or(bytes.len()));
            at = end + 1;
            if !is_empty(&bytes[start..end]) {
                return Some((start, &bytes[start..end]));
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        cells(line.as_bytes(), b',').iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
    }

    #[test]
    fn cells_are_trimmed_and_unquoted() {
        assert_eq!(texts("a, b ,c\r"), ["a", "b", "c"]);
        assert_eq!(texts("\"x, y\", \"say \"\"hi\"\"\",\"\""), ["x, y", "say \"hi\"", ""]);
        assert_eq!(texts("5\" pipe,3"), ["5\" pipe", "3"]);
        assert_eq!(texts(",,"), ["", "", ""]);
        assert_eq!(texts("\"\"\"\"\"\""), ["\"\""]);
    }

    #[test]
    fn quotes_that_end_within_a_cell_are_told() {
        for row in ["a,\"x\ny\" ,1", "\"say \"\"hi\"\"\"", "5\" pipe,3", "", "\"\""] {
            assert!(is_well_quoted(row.as_bytes(), b','), "{row}");
        }
        for row in ["1,\"abc,2\n3,\"x\",4", "\"a\"b", "\"a"] {
            assert!(!is_well_quoted(row.as_bytes(), b','), "{row}");
        }
    }

    #[test]
    fn newlines_in_quotes_end_no_row() {
        let text = b"a,\"x\ny\"\n\n \r\nb,5\"\nc,\"z\"\"\n\"";
        let found: Vec<_> = rows(text, b',').map(|(_, row)| String::from_utf8_lossy(row).into_owned()).collect();
        assert_eq!(found, ["a,\"x\ny\"", "b,5\"", "c,\"z\"\"\n\""]);
    }
}
