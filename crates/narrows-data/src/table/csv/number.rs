//! Decimal numbers in text, each byte looked at once where the result is exact.
//!
//! A number of at most 15 or so digits and a small exponent is its digits as an integer times or divided by an exact
//! power of ten, one correctly rounded operation (Clinger, 1990); anything else goes to the standard library.

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The number at the start of `bytes` and its length, if one starts there whose value is exact by one operation.
#[inline]
pub(super) fn leading(bytes: &[u8]) -> Option<(f64, usize)> {
    let mut at = 0;
    let negative = match bytes.first()? {
        b'-' => {
            at = 1;
            true
        }
        b'+' => {
            at = 1;
            false
        }
        _ => false,
    };
    let mut mantissa = 0_u64;
    let whole = digits(bytes, &mut at, &mut mantissa);
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        fraction = digits(bytes, &mut at, &mut mantissa);
    }
    if whole + fraction == 0 || whole + fraction > 19 || mantissa > 1 << 53 {
        return None;
    }
    let mut exponent = -(fraction as i32);
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        let sign = match bytes.get(at) {
            Some(b'-') => -1,
            _ => 1,
        };
        at += usize::from(matches!(bytes.get(at), Some(b'-' | b'+')));
        let mut size = 0;
        let count = digits(bytes, &mut at, &mut size);
        if count == 0 || count > 4 {
            return None;
        }
        exponent += sign * size as i32;
    }
    let power = POWERS.get(exponent.unsigned_abs() as usize)?;
    let size = if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
    Some((if negative { -size } else { size }, at))
}

/// Reads digits into `value` (wrapping beyond 19 of them) and counts them.
#[inline]
fn digits(bytes: &[u8], at: &mut usize, value: &mut u64) -> usize {
    let start = *at;
    while let Some(digit) = bytes.get(*at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        *value = value.wrapping_mul(10).wrapping_add(digit.into());
        *at += 1;
    }
    *at - start
}

/// The number that is all of `cell`; infinity by name or by size is a number, too.
pub(super) fn whole(cell: &[u8]) -> Option<f64> {
    match leading(cell) {
        Some((value, length)) if length == cell.len() => Some(value),
        _ => {
            let value = std::str::from_utf8(cell).ok()?.parse::<f64>().ok()?;
            (!value.is_nan()).then_some(value)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(value: f64, digits in 0_usize..20) {
            prop_assume!(value.is_finite());
            for text in [format!("{value}"), format!("{value:e}"), format!("{:.digits$}", value % 1e12)] {
                prop_assert_eq!(whole(text.as_bytes()).unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits());
            }
        }
    }

    #[test]
    fn accepts_what_files_hold_and_nothing_else() {
        for (text, value) in [("+3", 3.0), (".5", 0.5), ("7.", 7.0), ("-0", -0.0), ("1e3", 1e3), ("2E-2", 0.02)] {
            assert_eq!(whole(text.as_bytes()).map(f64::to_bits), Some(value).map(|v: f64| v.to_bits()), "{text}");
        }
        assert_eq!(whole(b"inf"), Some(f64::INFINITY));
        assert_eq!(whole(b"1e999"), Some(f64::INFINITY));
        for text in ["", ".", "-", "1e", "e5", "1,5", "0x10", "12a", "nan", "1 2", "--1"] {
            assert_eq!(whole(text.as_bytes()), None, "{text}");
        }
    }
}
