//! Numbers and times as text: the shortest decimal that reads back as the same number, and ISO 8601.

use std::io::Write;

/// Appends a finite number; whole ones without a fraction.
pub(super) fn append(value: impl zmij::Float, out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
}

/// Appends seconds since 1970 as `2014-07-01T00:30:00Z`, with microseconds where there are any.
pub(super) fn append_time(seconds: f64, out: &mut Vec<u8>) {
    let micros = (seconds * 1e6).round() as i64;
    let (whole, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let (days, second) = (whole.div_euclid(86_400), whole.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    // Writing to memory does not fail.
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if fraction != 0 {
        let _ = write!(out, ".{fraction:06}");
    }
    out.push(b'Z');
}

/// Seconds since 1970 in ISO 8601.
#[must_use]
pub fn time_text(seconds: f64) -> String {
    let mut text = Vec::new();
    append_time(seconds, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar: eras of 400 years that start in
/// March, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * march_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(append: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        append(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_short_and_exact() {
        for (value, expected) in [(0.1_f32, "0.1"), (5.0, "5"), (-0.0, "-0"), (1e-7, "1e-7")] {
            assert_eq!(text(|out| append(value, out)), expected);
        }
        assert_eq!(text(|out| append(1.0_f64 / 3.0, out)), "0.3333333333333333");
    }

    #[test]
    fn times_across_leap_years() {
        for (seconds, expected) in [
            (0.0, "1970-01-01T00:00:00Z"),
            (951_782_400.0, "2000-02-29T00:00:00Z"),
            (1_404_174_600.5, "2014-07-01T00:30:00.500000Z"),
            (-1.0, "1969-12-31T23:59:59Z"),
            (-2_203_891_200.0, "1900-03-01T00:00:00Z"),
        ] {
            assert_eq!(text(|out| append_time(seconds, out)), expected);
        }
    }
}
