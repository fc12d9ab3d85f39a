//! Rust source with comments and literals blanked, so that a word found in it is code.

/// `text` with every comment, string and character literal replaced by spaces; lines and columns stay.
pub(super) fn masked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        if end == at {
            at += 1;
            continue;
        }
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The end of the comment or literal that begins at `at`, or `at` where none does.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => at + block_comment(rest),
        [b'"', ..] => at + string(rest, 1),
        [b'b' | b'c', b'"', ..] if !in_word => at + string(rest, 2),
        [b'r', b'"' | b'#', ..] if !in_word => at + raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !in_word => at + raw_string(rest, 2),
        [b'\'', ..] => at + character(rest),
        _ => at,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string(rest: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8], start: usize) -> usize {
    let hashes = rest[start..].iter().take_while(|b| **b == b'#').count();
    if rest.get(start + hashes) != Some(&b'"') {
        return 0;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let body = start + hashes + 1;
    rest[body..].windows(close.len()).position(|w| w == close).map_or(rest.len(), |p| body + p + close.len())
}

/// A lifetime is no literal: its quote is not closed after one character.
fn character(rest: &[u8]) -> usize {
    match rest {
        [_, b'\\', _, tail @ ..] => 3 + tail.iter().position(|b| *b == b'\'').map_or(0, |p| p + 1),
        [_, first, tail @ ..] => {
            let width = match first {
                0xF0.. => 4,
                0xE0.. => 3,
                0xC0.. => 2,
                _ => 1,
            };
            if tail.get(width - 1) == Some(&b'\'') { width + 2 } else { 0 }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn code_stays_and_literals_go() {
        let cases = [
            ("let a = \"x // y\"; // z", "let a =         ;     "),
            ("/* a /* b */ c */ d", "                  d"),
            ("fn f<'a>(x: &'a str) { 'b' }", "fn f<'a>(x: &'a str) {     }"),
            (r##"r#"a " b"# + b'\'' + '\n'"##, "           + b     +     "),
            ("bar(\"a\\\"b\")", "bar(      )"),
            ("'é' x", "     x"),
        ];
        for (source, expected) in cases {
            let masked = masked(source);
            assert_eq!(masked.trim_end(), expected.trim_end(), "{source}");
            assert_eq!(masked.len(), source.len());
        }
        assert_eq!(masked("\"a\nb\" c"), "  \n   c");
    }
}
