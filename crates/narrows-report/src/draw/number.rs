//! Numbers as a reader expects them: four significant digits, grouped thousands, scientific at the extremes.

/// `value` with four significant digits: `13.87`, `0.0412`, `12,346`, `1.234e-7`.
pub(crate) fn significant(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "not a number".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "infinite".to_owned() } else { "-infinite".to_owned() }
    } else if size == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e9).contains(&size) {
        format!("{value:.3e}")
    } else if size.fract() == 0.0 {
        decimal(value, 0)
    } else {
        let digits_before_point = size.log10().floor() as i32 + 1;
        decimal(value, usize::try_from(4 - digits_before_point).unwrap_or(0))
    }
}

/// `value` with exactly `places` digits after the point and grouped thousands.
pub(crate) fn decimal(value: f64, places: usize) -> String {
    let text = format!("{:.places$}", value.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut out = String::new();
    if value < 0.0 && text.bytes().any(|b| matches!(b, b'1'..=b'9')) {
        out.push('-');
    }
    out.push_str(&grouped(whole));
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A whole number with grouped thousands.
pub(crate) fn count(value: usize) -> String {
    grouped(&value.to_string())
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_significant_digits() {
        let cases = [
            (0.0, "0"),
            (13.868, "13.87"),
            (-0.041_234, "-0.04123"),
            (12_345.6, "12,346"),
            (1_234_567.0, "1,234,567"),
            (9.0, "9"),
            (1.234_56e-7, "1.235e-7"),
            (f64::NAN, "not a number"),
            (f64::NEG_INFINITY, "-infinite"),
        ];
        for (value, text) in cases {
            assert_eq!(significant(value), text);
        }
    }

    #[test]
    fn no_negative_zero() {
        assert_eq!(decimal(-0.001, 1), "0.0");
        assert_eq!(decimal(-1_000.0, 0), "-1,000");
        assert_eq!(count(60_000), "60,000");
    }
}
