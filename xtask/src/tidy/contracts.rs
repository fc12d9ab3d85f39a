//! Public functions say what they take and how they fail: `# Shapes` where a tensor passes, `# Errors` where one returns
//! `Result`.

use super::Finding;
use super::source::Source;
use super::words::has_word;

/// Collections of tensors by name: each has the shape of the parameter that it belongs to.
const BY_NAME: [&str; 2] = ["BTreeMap<String, Tensor>", "(&str, &Tensor)"];

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    if !source.is_product() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut docs = String::new();
    let mut trait_depth = None;
    let mut depth = 0_i64;
    for (i, code) in source.code.iter().enumerate() {
        let text = source.lines[i].trim();
        let public_trait =
            code.trim_start().starts_with("pub trait ") || code.trim_start().starts_with("pub unsafe trait ");
        if public_trait {
            trait_depth = Some(depth + 1);
        }
        if !source.test[i] {
            if let Some(doc) = text.strip_prefix("///") {
                docs.push_str(doc.trim());
                docs.push('\n');
            } else if is_function(code, trait_depth == Some(depth)) {
                findings.extend(missing(source, i, &docs));
                docs.clear();
            } else if !text.starts_with("#[") && !text.starts_with("//") && !is_rest_of_attribute(code) {
                docs.clear();
            }
        }
        depth += code.matches('{').count() as i64 - code.matches('}').count() as i64;
        if trait_depth.is_some_and(|inside| depth < inside) && !public_trait {
            trait_depth = None;
        }
    }
    findings
}

/// `pub fn`, or `fn` directly in a public trait.
fn is_function(code: &str, in_trait: bool) -> bool {
    let mut words = code.split_whitespace().peekable();
    if words.peek() == Some(&"pub") {
        words.next();
    } else if !in_trait {
        return false;
    }
    words.find(|word| !matches!(*word, "const" | "async" | "unsafe" | "extern")) == Some("fn")
}

fn is_rest_of_attribute(code: &str) -> bool {
    code.trim() == ")]"
}

fn missing(source: &Source<'_>, line: usize, docs: &str) -> Vec<Finding> {
    let signature = signature(&source.code[line..]);
    let name = signature.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next()).unwrap_or_default();
    let mut findings = Vec::new();
    let mut require = |heading: &str, why: &str| {
        if !docs.lines().any(|doc| doc == heading) {
            let message = format!("`{name}` {why} and needs a section `{heading}`");
            findings.push(Finding::at(source.path, line + 1, message));
        }
    };
    let alone = BY_NAME.iter().fold(signature.clone(), |rest, map| rest.replace(map, ""));
    if has_word(&alone, "Tensor") {
        require("# Shapes", "takes or returns a tensor");
    }
    let returned = signature.rsplit_once("->").map_or("", |(_, returned)| returned);
    if has_word(returned, "Result") {
        require("# Errors", "returns a `Result`");
    }
    findings
}

/// Everything up to the body or the semicolon.
fn signature(code: &[String]) -> String {
    let mut signature = String::new();
    for line in code {
        let end = line.find('{').or_else(|| line.trim_end().ends_with(';').then_some(line.len()));
        signature.push_str(&line[..end.unwrap_or(line.len())]);
        signature.push(' ');
        if end.is_some() {
            break;
        }
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let source = Source::new("crates/narrows-core/src/a.rs", text);
        check(&source).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn missing_sections_are_found() {
        let text = "/// Encodes.\npub fn encode(\n    x: &Tensor,\n) -> Result<Tensor> {\n}\n";
        let findings = found(text);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains(":2: `encode` takes or returns a tensor"));
        let documented = text.replace(
            "Encodes.",
            "Encodes.\n///\n/// # Shapes\n///\n/// - `x`: `[N]`\n///\n/// # Errors\n///\n/// Never.",
        );
        assert!(found(&documented).is_empty());
    }

    #[test]
    fn traits_count_and_private_functions_do_not() {
        let text = "pub trait A {\n    /// Does.\n    fn f(&self) -> Result<()>;\n    fn g(&self) -> u8 {\n        0\n    }\n}\n";
        assert_eq!(found(text).len(), 1);
        assert!(found("pub(crate) fn f(x: &Tensor) -> Result<()> {}\nfn g(x: &Tensor) {}\n").is_empty());
        assert!(found("trait A {\n    fn f(&self) -> Result<()>;\n}\n").is_empty());
        assert!(found("pub fn f(x: &BTreeMap<String, Tensor>) {}\n").is_empty());
        assert!(found("pub fn f(x: TensorFile) -> ResultSet {}\n").is_empty());
        assert!(found("impl A for B {\n    fn f(&self) -> Result<()> {}\n}\n").is_empty());
    }

    #[test]
    fn attributes_may_stand_between() {
        let text = "/// F.\n///\n/// # Errors\n///\n/// Never.\n#[must_use]\n#[allow(\n    dead_code,\n)]\npub const fn f() -> Result<()> {}\n";
        assert!(found(&text.replace("#[allow(\n    dead_code,\n)]\n", "")).is_empty());
    }
}
