//! JSON numbers and numeric strings as thousandths, without floating point: never NaN, never infinity.

/// A JSON number that comes in byte by byte, however long it is.
#[derive(Debug, Default)]
pub struct Decimal {
    part: Part,
    /// `part` has a digit.
    has_digit: bool,
    negative: bool,
    /// The leading digits, without the point.
    digits: i64,
    /// How far the point has to move to the right.
    shift: i64,
    power: i64,
    power_negative: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    #[default]
    Sign,
    Whole,
    Fraction,
    PowerSign,
    Power,
}

impl Decimal {
    /// Takes in the next byte, if the number goes on with it.
    pub fn push(&mut self, byte: u8) -> bool {
        let is_mantissa = self.part < Part::PowerSign;
        match byte {
            // A zero in front stands alone.
            b'0'..=b'9' if self.part == Part::Whole && self.has_digit && self.digits == 0 => return false,
            b'0'..=b'9' => {
                let digit = i64::from(byte - b'0');
                let is_fraction = self.part == Part::Fraction;
                if !is_mantissa {
                    self.part = Part::Power;
                    self.power = (self.power * 10 + digit).min(FAR);
                } else if self.digits < LIMIT {
                    self.digits = self.digits * 10 + digit;
                    self.shift -= i64::from(is_fraction);
                } else {
                    // Digits beyond the limit only move the point.
                    self.shift += i64::from(!is_fraction);
                }
                self.part = self.part.max(Part::Whole);
                self.has_digit = true;
                return true;
            }
            b'-' if self.part == Part::Sign => {
                self.negative = true;
                self.part = Part::Whole;
            }
            b'+' | b'-' if self.part == Part::PowerSign => {
                self.power_negative = byte == b'-';
                self.part = Part::Power;
            }
            b'.' if self.part == Part::Whole && self.has_digit => self.part = Part::Fraction,
            b'e' | b'E' if is_mantissa && self.has_digit => self.part = Part::PowerSign,
            _ => return false,
        }
        self.has_digit = false;
        true
    }

    /// The number times 1,000, cut towards zero and held within ±9·10¹⁵ (exact as a JavaScript number). `None` when
    /// it is not complete.
    pub fn thousandths(&self) -> Option<i64> {
        if !self.has_digit {
            return None;
        }
        let power = if self.power_negative { -self.power } else { self.power };
        let mut digits = self.digits;
        let mut shift = self.shift + power + 3;
        while shift > 0 && digits != 0 && digits < LIMIT {
            digits *= 10;
            shift -= 1;
        }
        while shift < 0 && digits != 0 {
            digits /= 10;
            shift += 1;
        }
        let held = digits.min(LIMIT);
        Some(if self.negative { -held } else { held })
    }
}

/// `text` times 1,000, as [`Decimal::thousandths`]; `None` when it is not a number. Zeros may lead.
pub fn thousandths(mut text: &[u8]) -> Option<i64> {
    while let [b'0', rest @ ..] = text
        && rest.first().is_some_and(u8::is_ascii_digit)
    {
        text = rest;
    }
    let mut number = Decimal::default();
    text.iter().all(|byte| number.push(*byte)).then(|| number.thousandths())?
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

const LIMIT: i64 = 9_000_000_000_000_000;
/// More digits than any text has, so that no number of zeros makes up for a power that was held here.
const FAR: i64 = 1 << 50;

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
            ("0003600", 3_600_000),
            ("00.5", 500),
        ] {
            assert_eq!(thousandths(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in [
            "", "-", ".", ".5", "1.", "1.e5", "-00", "--1", "e5", "1e", "1e+", "1.2.3", "abc", "1a", "NaN",
            "Infinity", " 1", "0x10",
        ] {
            assert_eq!(thousandths(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_exact_or_nothing() {
        for (text, expected) in [
            ("0", 0),
            ("-5", -5),
            ("1700000000123", 1_700_000_000_123),
            ("8999999999999999", 8_999_999_999_999_999),
            ("-9000000000000000", -LIMIT),
        ] {
            assert_eq!(integer(text.as_bytes()), Some(expected), "{text}");
        }
        for text in ["", "-", "1.0", "1e3", "99999999999999999", "9000000000000001", "99999999999999999999"] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn long_fractions_keep_their_leading_digits() {
        let digits = alloc::string::String::from("1.") + &"3".repeat(5_000);
        assert_eq!(thousandths(digits.as_bytes()), Some(1_333));
    }
}
