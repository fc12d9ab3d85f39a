//! What lies where: entries at the top, names of files and folders.

use super::Finding;

/// Everything that may lie at the top of the repository.
const TOP_LEVEL: [&str; 20] = [
    ".cargo",
    ".ci",
    ".gitattributes",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "examples",
    "rustfmt.toml",
    "xtask",
];

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 8] = ["utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"];

pub(super) fn check(files: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in files {
        let top = path.split('/').next().unwrap_or(path);
        if !TOP_LEVEL.contains(&top) {
            findings.push(Finding::at(path, 0, format!("`{top}` has no place at the top of the repository")));
        }
        let names = path.split('/').map(|name| name.split('.').next().unwrap_or(name));
        let words = names.flat_map(|name| name.split(['_', '-'])).map(str::to_ascii_lowercase);
        if let Some(word) = words.into_iter().find(|word| EMPTY_NAMES.contains(&word.as_str())) {
            findings.push(Finding::at(path, 0, format!("`{word}` says nothing: name the file after its concept")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn strangers_and_empty_names_are_found() {
        let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(check(&files(&["Cargo.toml", "crates/narrows/src/lib.rs"])).is_empty());
        assert_eq!(check(&files(&["notes.txt"])).len(), 1);
        for name in ["crates/a/src/utils.rs", "crates/a/src/csv_helpers.rs", "crates/a/src/common/mod.rs"] {
            assert_eq!(check(&files(&[name])).len(), 1, "{name}");
        }
    }
}
