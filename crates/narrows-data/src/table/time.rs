//! Dates and times in text as seconds since 1970-01-01 UTC: ISO 8601 and its usual relatives.
//!
//! `2014-02-14 14:30:00`, `2014-02-14T14:30:00.5Z`, `2014-02-14T14:30+01:00`, `2014/02/14 14:30`, `2014-02-14`. Without
//! an offset UTC is meant.

/// The time that is all of `text`.
pub(crate) fn seconds(text: &[u8]) -> Option<f64> {
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    let separator = *rest.first().filter(|byte| matches!(byte, b'-' | b'/'))?;
    let month = part(&mut rest, separator)?;
    let day = part(&mut rest, separator)?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = (days(year, month, day) * 86_400) as f64;
    if rest.is_empty() {
        return Some(midnight);
    }
    rest = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b" "))?;
    let hour = number(&mut rest, 2)?;
    let minute = part(&mut rest, b':')?;
    let second = if rest.first() == Some(&b':') { part(&mut rest, b':')? } else { 0 };
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let fraction = fraction(&mut rest)?;
    let offset = offset(rest)?;
    Some(midnight + (hour * 3600 + minute * 60 + second - offset) as f64 + fraction)
}

/// Exactly `digits` digits.
fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (text, behind) = rest.split_at_checked(digits)?;
    *rest = behind;
    text.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

fn part(rest: &mut &[u8], separator: u8) -> Option<i64> {
    *rest = rest.strip_prefix(&[separator])?;
    number(rest, 2)
}

fn fraction(rest: &mut &[u8]) -> Option<f64> {
    let Some(behind) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) else { return Some(0.0) };
    let count = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
    *rest = &behind[count..];
    let digits = &behind[..count.min(15)];
    let value = digits.iter().fold(0.0, |value, byte| value * 10.0 + f64::from(byte - b'0'));
    (count > 0).then(|| value / 10_f64.powi(digits.len() as i32))
}

/// `Z`, `+01:00`, `+0100`, `+01` or nothing, in seconds east of UTC.
fn offset(rest: &[u8]) -> Option<i64> {
    let sign = match rest.trim_ascii_start().first() {
        None => return Some(0),
        Some(b'Z' | b'z') if rest.trim_ascii_start().len() == 1 => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return None,
    };
    let mut rest = &rest.trim_ascii_start()[1..];
    let hours = number(&mut rest, 2)?;
    let minutes = match rest.first() {
        None => 0,
        Some(b':') => part(&mut rest, b':')?,
        Some(_) => number(&mut rest, 2)?,
    };
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_usual_forms() {
        for (text, expected) in [
            ("1970-01-01", 0.0),
            ("2014-02-14 14:30:00", 1_392_388_200.0),
            ("2014-02-14T14:30:00.25Z", 1_392_388_200.25),
            ("2014/02/14 14:30", 1_392_388_200.0),
            ("2014-02-14T15:30+01:00", 1_392_388_200.0),
            ("2014-02-14 15:30:00.000 +0100", 1_392_388_200.0),
            ("2000-02-29", 951_782_400.0),
            ("1969-12-31 23:59:59", -1.0),
        ] {
            assert_eq!(seconds(text.as_bytes()), Some(expected), "{text}");
        }
        for text in ["", "2014", "2014-13-01", "2014-1-1", "14-02-2014", "2014-02-14x", "2014-02-14 25:00", "12:30:00"]
        {
            assert_eq!(seconds(text.as_bytes()), None, "{text}");
        }
    }
}
