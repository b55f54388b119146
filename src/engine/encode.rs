//! Text that the engine writes: JSON strings, numbers, forms.

use alloc::string::String;

/// Appends `text` as a JSON string.
pub fn json_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\0'..='\u{1f}' => {
                out.push_str("\\u00");
                out.push(hex_digit(character as u32 >> 4));
                out.push(hex_digit(character as u32 & 15));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// Appends `,"name":` and leaves the value to the caller; without the comma after an opening brace.
pub fn json_name(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    json_string(out, name);
    out.push(':');
}

/// Appends `"name":"value"`.
pub fn json_pair(out: &mut String, name: &str, value: &str) {
    json_name(out, name);
    json_string(out, value);
}

/// Appends `"name":number`.
pub fn json_number(out: &mut String, name: &str, number: i64) {
    json_name(out, name);
    integer(out, number);
}

/// Appends `number` in decimal.
pub fn integer(out: &mut String, number: i64) {
    if number < 0 {
        out.push('-');
    }
    let magnitude = number.unsigned_abs();
    let mut unit = 1_u64;
    while magnitude / unit >= 10 {
        unit *= 10;
    }
    while unit > 0 {
        out.push(char::from(b'0' + (magnitude / unit % 10) as u8));
        unit /= 10;
    }
}

/// Appends `number` as sixteen hexadecimal digits.
pub fn hex(out: &mut String, number: u64) {
    for shift in (0..16).rev() {
        out.push(hex_digit((number >> (shift * 4)) as u32 & 15));
    }
}

/// What [`hex`] wrote.
pub fn from_hex(text: &str) -> Option<u64> {
    let digits = text.len() == 16;
    let value = text.bytes().try_fold(0, |value, byte| match byte {
        b'0'..=b'9' => Some(value << 4 | u64::from(byte - b'0')),
        b'a'..=b'f' => Some(value << 4 | u64::from(byte - b'a' + 10)),
        _ => None,
    });
    value.filter(|_| digits)
}

/// Appends `name=value` to an `application/x-www-form-urlencoded` body (WHATWG URL §5.2).
pub fn form_pair(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    form_text(out, name);
    out.push('=');
    form_text(out, value);
}

fn form_text(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                out.push('%');
                out.push(hex_digit(u32::from(byte) >> 4).to_ascii_uppercase());
                out.push(hex_digit(u32::from(byte) & 15).to_ascii_uppercase());
            }
        }
    }
}

fn hex_digit(value: u32) -> char {
    char::from(b"0123456789abcdef"[(value & 15) as usize])
}

#[cfg(test)]
mod tests {
    use super::super::json::{self, Value};
    use super::*;

    #[test]
    fn json_strings_survive_a_round_trip() {
        for text in ["", "plain", "\"\\/\u{0}\u{1f}\n", "é😀", "\u{2028}"] {
            let mut out = String::new();
            json_string(&mut out, text);
            let back = json::parse(&out).ok().and_then(Value::as_text).unwrap();
            assert_eq!(back.decode(), text);
        }
    }

    #[test]
    fn integers_print_every_digit() {
        for number in [0, 7, 10, -10, 1_700_000_000_123, i64::MAX, i64::MIN] {
            let mut out = String::new();
            integer(&mut out, number);
            assert_eq!(out, alloc::format!("{number}"));
        }
    }

    #[test]
    fn hexadecimal_digits_are_sixteen_and_lower_case() {
        for (number, digits) in [
            (0, "0000000000000000"),
            (0x0123_4567_89ab_cdef, "0123456789abcdef"),
            (u64::MAX, "ffffffffffffffff"),
        ] {
            let mut out = String::new();
            hex(&mut out, number);
            assert_eq!(out, digits);
            assert_eq!(from_hex(digits), Some(number));
        }
        for text in ["", "0123456789abcde", "00123456789abcdef", "0123456789ABCDEF", "0123456789abcdeg"] {
            assert_eq!(from_hex(text), None, "{text}");
        }
    }

    #[test]
    fn forms_escape_what_could_part_pairs() {
        let mut out = String::new();
        form_pair(&mut out, "grant_type", "refresh_token");
        form_pair(&mut out, "a b", "x&y=z+é*");
        assert_eq!(out, "grant_type=refresh_token&a+b=x%26y%3Dz%2B%C3%A9*");
    }
}
