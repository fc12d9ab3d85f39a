//! The nearest of several names, by Damerau & Levenshtein's distance, for "did you mean" in messages.

/// The candidate that differs least from `name`, if it is near enough to be a slip of the keyboard.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |text: &str| text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let wanted = fold(name);
    // Another number is no slip of the keyboard.
    if wanted.chars().all(char::is_numeric) {
        return None;
    }
    let limit = 1 + wanted.chars().count() / 3;
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_ignores_strangers() {
        let names = ["age", "hours-per-week", "workclass"];
        assert_eq!(nearest("hours_per_week", names), Some("hours-per-week"));
        assert_eq!(nearest("workclas", names), Some("workclass"));
        assert_eq!(nearest("Age", names), Some("age"));
        assert_eq!(nearest("temperature", names), None);
        assert_eq!(nearest("12", ["1", "2"]), None);
        assert_eq!(nearest("", ["1", "a"]), None);
    }
}
