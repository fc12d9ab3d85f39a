//! `cargo xtask tidy`: rules of the house that neither compiler nor clippy checks.

pub mod arrows;
mod contracts;
mod masked;
mod places;
mod source;
mod words;

use std::fmt;

use crate::{Result, repository};
use source::Source;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, relative to the root.
    pub path: String,
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Finding {
    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Checks the repository and prints what is wrong.
///
/// # Errors
///
/// When a rule is broken or a file cannot be read.
pub fn run() -> Result {
    let findings = check()?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() { Ok(()) } else { Err(format!("tidy: {} rule(s) broken", findings.len()).into()) }
}

/// Everything that is wrong with the repository.
///
/// # Errors
///
/// When a file cannot be read or Cargo fails.
pub fn check() -> Result<Vec<Finding>> {
    let files = repository::files()?;
    let mut findings = places::check(&files);
    findings.extend(arrows::check()?);
    for path in &files {
        // Pictures and data are no text.
        let Ok(text) = repository::read(path) else { continue };
        findings.extend(words::machine_paths(path, &text));
        if repository::is_kind(path, "rs") {
            findings.extend(check_source(path, &text));
        }
    }
    findings.sort();
    Ok(findings)
}

fn check_source(path: &str, text: &str) -> Vec<Finding> {
    let source = Source::new(path, text);
    let rules = [source::size, source::first_line, words::forbidden, words::unsafe_code, contracts::check];
    rules.iter().flat_map(|rule| rule(&source)).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_is_tidy() {
        let findings: Vec<String> = super::check().unwrap().iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
}
