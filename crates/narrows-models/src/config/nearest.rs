//! The nearest of several names, for "did you mean" behind an unknown key or model.

/// The candidate that differs least from `name` by Levenshtein's distance, if at most a third of its letters differ.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + name.chars().count() / 3;
    let scored = candidates.into_iter().map(|candidate| (distance(name, candidate), candidate));
    scored.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// From serde's message for an unknown field or variant (``unknown field `widht`, expected one of `code`, `widths` ``)
/// the nearest of the names that it lists.
pub fn suggestion(message: &str) -> Option<&str> {
    let start = message.find("unknown field `").or_else(|| message.find("unknown variant `"))?;
    let mut quoted = message[start..].split('`').skip(1).step_by(2);
    let name = quoted.next()?;
    nearest(name, quoted)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_in_serdes_message() {
        let message = "unknown field `widht`, expected one of `code`, `widths`, `skip`";
        assert_eq!(suggestion(message), Some("widths"));
        assert_eq!(suggestion("unknown field `colour`, expected `code` or `skip`"), None);
        assert_eq!(suggestion("invalid type: string"), None);
    }
}
