//! Which crate may depend on which. This table, `cargo metadata` and ARCHITECTURE.md must agree.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::Result;
use crate::repository::{self, Package};

/// Every crate of the workspace with the workspace crates that it may use.
pub const ARROWS: [(&str, &[&str]); 12] = [
    ("narrows-tensor", &[]),
    ("narrows-core", &["narrows-tensor"]),
    ("narrows-data", &[]),
    ("narrows-report", &[]),
    ("narrows-models", &["narrows-core", "narrows-tensor"]),
    ("narrows-train", &["narrows-core", "narrows-tensor"]),
    ("narrows-eval", &["narrows-core", "narrows-tensor"]),
    (
        "narrows",
        &[
            "narrows-core",
            "narrows-data",
            "narrows-eval",
            "narrows-models",
            "narrows-report",
            "narrows-tensor",
            "narrows-train",
        ],
    ),
    ("narrows-cli", &["narrows"]),
    ("narrows-bench", &["narrows-tensor"]),
    ("narrows-examples", &["narrows"]),
    ("xtask", &[]),
];

/// Crates that must build without tensors.
const WITHOUT_TENSORS: [&str; 3] = ["narrows-data", "narrows-report", "xtask"];

const DOCUMENT: &str = "ARCHITECTURE.md";

type Arrows = BTreeMap<String, BTreeSet<String>>;

pub(super) fn check() -> Result<Vec<Finding>> {
    let mut findings = in_use(&repository::metadata()?.packages);
    findings.extend(drawn(&repository::read(DOCUMENT)?));
    Ok(findings)
}

fn allowed() -> Arrows {
    let targets = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ARROWS.iter().map(|(name, to)| ((*name).to_owned(), targets(to))).collect()
}

/// Dependencies of any kind, tests included: a test that needs another crate belongs above both.
fn in_use(packages: &[Package]) -> Vec<Finding> {
    let allowed = allowed();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in packages {
        let mut object = |message: String| findings.push(Finding::at("Cargo.toml", 0, message));
        let name = &package.name;
        let Some(targets) = allowed.get(name) else {
            object(format!("crate `{name}` has no row in the table of arrows: add it to xtask/src/tidy/arrows.rs"));
            continue;
        };
        for dependency in &package.dependencies {
            let to = &dependency.name;
            if ours.contains(to.as_str()) && to != name && !targets.contains(to) {
                object(format!("`{name}` depends on `{to}`: no arrow allows it"));
            }
            if to.starts_with("candle") && WITHOUT_TENSORS.contains(&name.as_str()) {
                object(format!("`{name}` depends on `{to}`: it must build without tensors"));
            }
        }
    }
    for (name, _) in ARROWS.iter().filter(|(name, _)| !ours.contains(name)) {
        findings.push(Finding::at(
            "Cargo.toml",
            0,
            format!("the table of arrows names `{name}`, which does not exist"),
        ));
    }
    findings
}

/// The table in the document: lines `crate -> a, b` between `<!-- arrows -->` and `<!-- /arrows -->`.
fn drawn(document: &str) -> Vec<Finding> {
    let mut open = false;
    let mut rows = Arrows::new();
    let mut seen = false;
    for line in document.lines().map(str::trim) {
        match line {
            "<!-- arrows -->" => (open, seen) = (true, true),
            "<!-- /arrows -->" => open = false,
            _ if open => {
                if let Some((from, to)) = line.split_once("->") {
                    let to = to.split(',').map(str::trim).filter(|name| !name.is_empty());
                    rows.insert(from.trim().to_owned(), to.map(str::to_owned).collect());
                }
            }
            _ => {}
        }
    }
    if !seen {
        return vec![Finding::at(DOCUMENT, 0, "no table of arrows: expected `<!-- arrows -->` ... `<!-- /arrows -->`")];
    }
    let allowed = allowed();
    let names: BTreeSet<&String> = rows.keys().chain(allowed.keys()).collect();
    let shown = |arrows: Option<&BTreeSet<String>>| match arrows {
        None => "no row".to_owned(),
        Some(to) => format!("`-> {}`", to.iter().cloned().collect::<Vec<_>>().join(", ")),
    };
    names
        .into_iter()
        .filter(|name| rows.get(*name) != allowed.get(*name))
        .map(|name| {
            let (here, there) = (shown(rows.get(name)), shown(allowed.get(name)));
            Finding::at(DOCUMENT, 0, format!("`{name}` has {here}, but xtask/src/tidy/arrows.rs has {there}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Dependency;

    fn package(name: &str, on: &[&str]) -> Package {
        let dependency = |name: &&str| Dependency { name: (*name).to_owned(), kind: None };
        Package { name: name.to_owned(), dependencies: on.iter().map(dependency).collect() }
    }

    fn workspace() -> Vec<Package> {
        ARROWS.iter().map(|(name, to)| package(name, to)).collect()
    }

    #[test]
    fn an_arrow_that_nobody_allowed_is_found() {
        assert!(in_use(&workspace()).is_empty());
        let mut crates = workspace();
        crates[4] = package("narrows-models", &["narrows-core", "narrows-train"]);
        assert!(in_use(&crates)[0].message.contains("`narrows-models` depends on `narrows-train`"));
        crates[4] = package("narrows-models", &[]);
        crates[2] = package("narrows-data", &["candle-core"]);
        assert!(in_use(&crates)[0].message.contains("without tensors"));
        crates[2] = package("narrows-novel", &[]);
        assert_eq!(in_use(&crates).len(), 2, "one crate without a row, one row without a crate");
    }

    #[test]
    fn the_document_must_draw_the_same_arrows() {
        let rows: Vec<String> = ARROWS.iter().map(|(name, to)| format!("{name} -> {}", to.join(", "))).collect();
        let document = |rows: &[String]| format!("# A\n<!-- arrows -->\n{}\n<!-- /arrows -->\n", rows.join("\n"));
        assert!(drawn(&document(&rows)).is_empty());
        assert_eq!(drawn(&document(&rows[1..])).len(), 1);
        assert_eq!(drawn(&document(&rows).replace("narrows-cli -> narrows", "narrows-cli -> narrows-core")).len(), 1);
        assert!(drawn("# A\n")[0].message.contains("no table"));
    }
}
