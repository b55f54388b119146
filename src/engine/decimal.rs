//! JSON numbers and numeric strings as thousandths, without floating point: never NaN, never infinity.

/// `text` (a JSON number) times 1,000, cut towards zero and held within ±9·10¹⁵ (exact as a JavaScript number).
/// `None` when it is not a number.
pub fn thousandths(text: &[u8]) -> Option<i64> {
    let (negative, bytes) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut digits = 0_i64;
    let mut scale = 3_i64;
    let mut seen_digit = false;
    let mut seen_point = false;
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'0'..=b'9' => {
                seen_digit = true;
                if digits < LIMIT {
                    digits = digits * 10 + i64::from(byte - b'0');
                    scale -= i64::from(seen_point);
                } else {
                    // Digits beyond the limit only move the point.
                    scale += i64::from(!seen_point);
                }
            }
            b'.' if !seen_point => seen_point = true,
            b'e' | b'E' => {
                scale = scale.saturating_add(exponent(tail)?);
                break;
            }
            _ => return None,
        }
        rest = tail;
    }
    if !seen_digit {
        return None;
    }
    while scale > 0 && digits != 0 && digits < LIMIT {
        digits = digits.saturating_mul(10);
        scale -= 1;
    }
    while scale < 0 && digits != 0 {
        digits /= 10;
        scale += 1;
    }
    let held = digits.min(LIMIT);
    Some(if negative { -held } else { held })
}

/// `text` when it is a whole number without point or exponent, within ±9·10¹⁵.
pub fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || digits.len() > 16 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    (magnitude <= LIMIT).then_some(if digits.len() < text.len() { -magnitude } else { magnitude })
}

fn exponent(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = (value * 10 + i64::from(byte - b'0')).min(1_000_000);
    }
    Some(if negative { -value } else { value })
}

const LIMIT: i64 = 9_000_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_json_calls_a_number() {
        for (text, expected) in [
            ("0", 0),
            ("-0", 0),
            ("3600", 3_600_000),
            ("0.5", 500),
            ("1700000000.5", 1_700_000_000_500),
            ("1700000000.123456789", 1_700_000_000_123),
            ("1.7e9", 1_700_000_000_000),
            ("1.5E+1", 15_000),
            ("25e-1", 2_500),
            ("-1", -1_000),
            ("1e400", LIMIT),
            ("-1e400", -LIMIT),
            ("1e-400", 0),
            ("1e99999999999999999999", LIMIT),
            ("0e99999999999999999999", 0),
            ("99999999999999999999999999", LIMIT),
            ("0.00000000000000000000000000001", 0),
        ] {
            assert_eq!(thousandths(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in ["", "-", ".", "e5", "1e", "1e+", "1.2.3", "abc", "1a", "NaN", "Infinity", " 1", "0x10"] {
            assert_eq!(thousandths(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_exact_or_nothing() {
        for (text, expected) in [("0", Some(0)), ("-5", Some(-5)), ("1700000000123", Some(1_700_000_000_123))]
        {
            assert_eq!(integer(text.as_bytes()), expected, "{text}");
        }
        for text in ["", "-", "1.0", "1e3", "99999999999999999", "9000000000000001"] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn long_fractions_keep_their_leading_digits() {
        let digits = alloc::string::String::from("1.") + &"3".repeat(5_000);
        assert_eq!(thousandths(digits.as_bytes()), Some(1_333));
    }
}
