//! Words that may stand only in some places: `unsafe`, printing, files, paths of one machine.

use super::Finding;
use super::source::Source;

/// A word, the crates in which it is welcome, and why it is not elsewhere.
struct Rule {
    words: &'static [&'static str],
    /// Names of crates; empty means no crate at all.
    allowed: &'static [&'static str],
    /// Crates that the rule is about; empty means all.
    only: &'static [&'static str],
    reason: &'static str,
}

/// Programs for people at a terminal.
const PROGRAMS: &[&str] = &["narrows-cli", "narrows-bench", "xtask", "examples"];

const RULES: [Rule; 4] = [
    Rule {
        words: &["println", "print", "eprintln", "eprint", "dbg"],
        allowed: PROGRAMS,
        only: &[],
        reason: "only the CLI prints: return the text, or log it with tracing",
    },
    Rule {
        words: &["env::args", "env::args_os", "process::exit"],
        allowed: PROGRAMS,
        only: &[],
        reason: "only the CLI reads argv or exits",
    },
    Rule {
        words: &["fs::write"],
        allowed: &["xtask"],
        only: &[],
        reason: "a reader may see half a file: write beside it, then rename",
    },
    Rule {
        words: &["std::fs", "File::open", "File::create"],
        allowed: &[],
        only: &["narrows-core", "narrows-models", "narrows-eval", "narrows-report"],
        reason: "this crate knows no file: the facade and narrows-data read and write",
    },
];

/// Folders of machines, never of the project.
const MACHINE_PATHS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

pub(super) fn forbidden(source: &Source<'_>) -> Vec<Finding> {
    if !source.path.contains("/src/") {
        return Vec::new();
    }
    let package = source.package();
    let mut findings = Vec::new();
    for rule in &RULES {
        let about = rule.only.is_empty() || rule.only.contains(&package);
        if !about || rule.allowed.contains(&package) {
            continue;
        }
        for (line, code) in source.product_code() {
            let found = rule.words.iter().filter(|word| has_word(code, word) && !is_definition(code, word));
            findings.extend(found.map(|word| Finding::at(source.path, line, format!("`{word}`: {}", rule.reason))));
        }
    }
    findings
}

pub(super) fn unsafe_code(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (i, code) in source.code.iter().enumerate().filter(|(_, code)| has_word(code, "unsafe")) {
        if source.package() != "narrows-tensor" {
            let message = "`unsafe` may stand only in narrows-tensor, behind a safe function";
            findings.push(Finding::at(source.path, i + 1, message));
        } else if !justified(source, i) {
            let message = format!("`{}` needs a `// SAFETY:` comment directly above", code.trim());
            findings.push(Finding::at(source.path, i + 1, message));
        }
    }
    findings
}

/// The comments and attributes directly above the statement, or the line itself, hold the reason.
fn justified(source: &Source<'_>, line: usize) -> bool {
    let states_reason = |text: &str| text.contains("SAFETY:") || text.contains("# Safety");
    let above = source.lines[..line].iter().rev().map(|text| text.trim());
    let belongs = |text: &&str| {
        // `let x =` may stand on the line before its `unsafe` block.
        text.starts_with("//") || text.starts_with("#[") || text.ends_with('=') || text.ends_with('(')
    };
    states_reason(source.lines[line]) || above.take_while(belongs).any(states_reason)
}

pub(super) fn machine_paths(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (i, line) in text.lines().enumerate() {
        for folder in MACHINE_PATHS {
            let absolute = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~}*/".contains(c));
            if line.match_indices(folder).any(|(at, _)| absolute(at)) {
                let message =
                    format!("`{folder}` is a folder of one machine: name the file relative to the repository");
                findings.push(Finding::at(path, i + 1, message));
            }
        }
    }
    findings
}

/// Whether `word` stands in `code` on its own.
pub(super) fn has_word(code: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word)
        .any(|(at, _)| !code[..at].ends_with(part_of_word) && !code[at + word.len()..].starts_with(part_of_word))
}

/// `fn print(...)`, `self.print(...)` and `print: ...` are names of ours; the macro has an exclamation mark.
fn is_definition(code: &str, word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase()) && !code.contains(&format!("{word}!"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path, text);
        forbidden(&source).into_iter().chain(unsafe_code(&source)).map(|f| f.to_string()).collect()
    }

    #[test]
    fn words_are_found_in_code_only() {
        let text = "//! fs::write\nfs::write(path, b\"\"); // fs::write\nlet s = \"fs::write\";\nmy_fs::write_all();\n";
        let found = messages("crates/narrows-data/src/a.rs", text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("crates/narrows-data/src/a.rs:2: `fs::write`"));
    }

    #[test]
    fn printing_and_files_stay_where_they_belong() {
        let text = "println!(\"x\");\nself.print(3);\nstd::fs::read(p);\n";
        assert_eq!(messages("crates/narrows-models/src/a.rs", text).len(), 2);
        assert_eq!(messages("crates/narrows-data/src/a.rs", text).len(), 1);
        assert_eq!(messages("crates/narrows-cli/src/a.rs", text).len(), 0);
        let tested = format!("#[cfg(test)]\nmod tests {{\n{text}}}\n");
        assert_eq!(messages("crates/narrows-models/src/a.rs", &tested).len(), 0);
    }

    #[test]
    fn unsafe_code_has_its_place_and_its_reason() {
        let bare = "fn f() {\n    unsafe { g() }\n}\n";
        let reasoned =
            "fn f() {\n    // SAFETY: `g` has no precondition here.\n    let x =\n        unsafe { g() };\n}\n";
        assert!(messages("crates/narrows-core/src/a.rs", reasoned)[0].contains("only in narrows-tensor"));
        assert!(messages("crates/narrows-tensor/src/a.rs", bare)[0].contains("SAFETY"));
        assert!(messages("crates/narrows-tensor/src/a.rs", reasoned).is_empty());
        assert!(messages("crates/narrows-core/src/a.rs", "#![forbid(unsafe_code)]\n").is_empty());
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let folder = MACHINE_PATHS[0];
        assert_eq!(machine_paths("a.md", &format!("x\nsee {folder}main\n"))[0].line, 2);
        assert!(machine_paths("a.md", &format!("a link to docs{folder}x\n")).is_empty());
    }
}
