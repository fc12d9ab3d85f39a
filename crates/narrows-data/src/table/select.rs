//! Which columns of a table are read, and what for.

use super::TableError;
use crate::schema::Role;
use crate::{ColumnKind, OpenOptions, Result, Schema};

/// What each column called `names` is read for; `None`: it is not read.
///
/// With an expected schema its columns rule and others are not read. Else all columns are features but those that the
/// options exclude or give another role.
pub(super) fn roles(origin: &str, names: &[String], options: &OpenOptions) -> Result<Vec<Option<Role>>, TableError> {
    match &options.expected {
        Some(expected) => complete(origin, names, expected, options)?,
        None => consistent(origin, options)?,
    }
    known(origin, names, options)?;
    Ok(names.iter().map(|name| role(name, options)).collect())
}

/// Checks that all columns that a model was trained on are there.
fn complete(origin: &str, names: &[String], expected: &Schema, options: &OpenOptions) -> Result<(), TableError> {
    let features = expected.columns.iter().filter(|column| column.role == Role::Feature).map(|column| &column.name);
    let needed = features.filter(|name| !options.optional.contains(name)).chain(&options.time);
    let mut missing = needed.filter(|name| !names.contains(name));
    let Some(name) = missing.next() else { return Ok(()) };
    let strangers = names.iter().map(String::as_str).filter(|name| expected.position(name).is_none());
    let nearest = crate::nearest(name, strangers).map(str::to_owned);
    let (origin, others) = (origin.to_owned(), missing.cloned().collect());
    Err(TableError::MissingColumn { origin, name: name.clone(), nearest, others })
}

/// Checks that no column is to be trained on and not.
fn consistent(origin: &str, options: &OpenOptions) -> Result<(), TableError> {
    for name in options.columns.iter().flatten() {
        let uses = match name {
            name if options.exclude.contains(name) => "chosen (columns) and left out (exclude)",
            name if options.label.as_ref() == Some(name) => {
                "chosen (columns) and the label, which no model is trained on"
            }
            _ => continue,
        };
        return Err(TableError::Contradiction { origin: origin.to_owned(), name: name.clone(), uses });
    }
    Ok(())
}

/// Checks that every column that `options` name is among `names`, and that the label is not left out.
pub(crate) fn known(origin: &str, names: &[String], options: &OpenOptions) -> Result<(), TableError> {
    if let Some(name) = options.label.as_ref().filter(|label| options.exclude.contains(label)) {
        let uses = "the label and left out (exclude)";
        return Err(TableError::Contradiction { origin: origin.to_owned(), name: name.clone(), uses });
    }
    let asked = options.columns.iter().flatten().chain(&options.exclude).chain(&options.keep);
    asked.chain(&options.label).chain(&options.time).try_for_each(|name| require(origin, names, name))
}

fn role(name: &String, options: &OpenOptions) -> Option<Role> {
    let usual = if let Some(expected) = &options.expected {
        expected.position(name).map(|place| expected.columns[place].role)
    } else {
        let chosen = options.columns.as_ref().is_none_or(|columns| columns.contains(name));
        (chosen && !options.exclude.contains(name)).then_some(Role::Feature)
    };
    if options.label.as_ref() == Some(name) {
        Some(Role::Label)
    } else if options.time.as_ref() == Some(name) {
        Some(Role::Time)
    } else if usual.is_none() && (options.keep_others || options.keep.contains(name)) {
        Some(Role::Kept)
    } else {
        usual
    }
}

/// The kind that a column must have, where one is prescribed.
pub(super) fn prescribed(name: &str, options: &OpenOptions) -> Option<ColumnKind> {
    let asked = options.kinds.iter().find(|(column, _)| column == name).map(|(_, kind)| *kind);
    let of = |expected: &Schema| expected.position(name).map(|place| expected.columns[place].kind);
    asked.or_else(|| options.expected.as_ref().and_then(of))
}

/// Each name once; an empty one becomes `c0`, `c1`, ... by its place.
pub(super) fn names(origin: &str, given: Vec<String>) -> Result<Vec<String>, TableError> {
    let fill = |(place, name): (usize, String)| if name.is_empty() { format!("c{place}") } else { name };
    let names: Vec<String> = given.into_iter().enumerate().map(fill).collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| names[*a].cmp(&names[*b]).then(a.cmp(b)));
    for pair in order.windows(2) {
        if names[pair[0]] == names[pair[1]] {
            let (origin, name) = (origin.to_owned(), names[pair[0]].clone());
            return Err(TableError::DuplicateName { origin, name, first: pair[0] + 1, second: pair[1] + 1 });
        }
    }
    Ok(names)
}

fn require(origin: &str, names: &[String], name: &String) -> Result<(), TableError> {
    if names.contains(name) {
        return Ok(());
    }
    Err(TableError::unknown_column(origin, name, names.to_vec()))
}
