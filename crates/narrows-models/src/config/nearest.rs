//! The nearest of several names, for "did you mean" behind an unknown key or model.

/// The candidate that differs least from `name` by Damerau & Levenshtein's distance, if at most a third of its letters
/// differ. Capitals do not count.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let limit = 1 + name.chars().count() / 3;
    let distance = |candidate: &str| strsim::damerau_levenshtein(&name, &candidate.to_lowercase());
    let scored = candidates.into_iter().map(|candidate| (distance(candidate), candidate));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_in_serdes_message() {
        let message = "unknown field `widht`, expected one of `code`, `widths`, `skip`";
        assert_eq!(suggestion(message), Some("widths"));
        assert_eq!(suggestion("unknown field `colour`, expected `code` or `skip`"), None);
        assert_eq!(suggestion("invalid type: string"), None);
        assert_eq!(nearest("VEA", ["ae", "vae"]), Some("vae"));
    }
}
