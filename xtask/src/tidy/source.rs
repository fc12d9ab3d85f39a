//! One Rust file as the rules see it, and the rules about its size and its first line.

use super::Finding;
use super::masked::masked;

/// Lines that a file may have, tests included.
const CEILING: usize = 400;

/// One Rust file.
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) lines: Vec<&'a str>,
    /// The same lines without comments and literals.
    pub(super) code: Vec<String>,
    /// For each line, whether it is test code.
    pub(super) test: Vec<bool>,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &'a str, text: &'a str) -> Self {
        let code: Vec<String> = masked(text).lines().map(str::to_owned).collect();
        let whole = path.contains("/tests/") || path.contains("/benches/");
        let test = if whole { vec![true; code.len()] } else { test_lines(&code) };
        Self { path, lines: text.lines().collect(), code, test }
    }

    /// The crate that the file belongs to, `examples` and `xtask` included.
    pub(super) fn package(&self) -> &'a str {
        let mut folders = self.path.split('/');
        match folders.next() {
            Some("crates") => folders.next().unwrap_or_default(),
            first => first.unwrap_or_default(),
        }
    }

    /// Whether the file is part of a library or binary, rather than a test, a benchmark or an example.
    pub(super) fn is_product(&self) -> bool {
        self.path.starts_with("crates/") && self.path.contains("/src/")
    }

    /// Line numbers of code outside tests, from 1, with the code.
    pub(super) fn product_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.iter().zip(&self.test).enumerate();
        lines.filter(|(_, (_, test))| !**test).map(|(i, (code, _))| (i + 1, code.as_str()))
    }
}

/// Marks the items behind `#[cfg(test)]`, to their closing brace or semicolon.
fn test_lines(code: &[String]) -> Vec<bool> {
    let mut test = vec![false; code.len()];
    let mut line = 0;
    while line < code.len() {
        if !code[line].trim_start().starts_with("#[cfg(test)]") {
            line += 1;
            continue;
        }
        let mut depth = 0_i64;
        while line < code.len() {
            test[line] = true;
            let opens = code[line].matches('{').count() as i64;
            let closes = code[line].matches('}').count() as i64;
            depth += opens - closes;
            let ended = depth == 0 && (opens > 0 || closes > 0 || code[line].trim_end().ends_with(';'));
            line += 1;
            if ended {
                break;
            }
        }
    }
    test
}

pub(super) fn size(source: &Source<'_>) -> Vec<Finding> {
    let lines = source.lines.len();
    if lines <= CEILING {
        return Vec::new();
    }
    let message = format!("{lines} lines, the ceiling is {CEILING}: give a concept of its own a file of its own");
    vec![Finding::at(source.path, 0, message)]
}

pub(super) fn first_line(source: &Source<'_>) -> Vec<Finding> {
    match source.lines.first() {
        Some(line) if line.starts_with("//! ") => Vec::new(),
        _ => vec![Finding::at(source.path, 1, "the first line must say what the file holds: `//! ...`")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_and_missing_headers_are_found() {
        let text = "fn f() {}\n".repeat(CEILING + 1);
        let source = Source::new("crates/a/src/b.rs", &text);
        assert!(size(&source)[0].message.starts_with("401 lines"));
        assert_eq!(first_line(&source)[0].line, 1);
        let source = Source::new("crates/a/src/b.rs", "//! A formula.\n");
        assert!(size(&source).is_empty() && first_line(&source).is_empty());
    }

    #[test]
    fn test_modules_end_where_they_end() {
        let text = "//! x\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod d;\nfn e() {}\n";
        let source = Source::new("crates/a/src/b.rs", text);
        let product: Vec<usize> = source.product_code().map(|(line, _)| line).collect();
        assert_eq!(product, [1, 2, 7, 10]);
    }
}
