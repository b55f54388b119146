//! How a token reads to those who have never seen ours: base64url by the letter of RFC 4648, serde_json, and numbers by
//! moving the point in their text.
//!
//! serde_json is not `JSON.parse` in two points, which are mended here: it refuses lone surrogates in texts, and
//! numbers beyond a double. So names and texts are taken as bytes, and values as they stand in the document.

use std::collections::BTreeMap;
use std::fmt;

use evertoken::engine::json::MAX_DEPTH;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

pub struct Reference {
    pub header: String,
    pub payload: String,
    /// `exp`, `iat` and `nbf` in milliseconds.
    pub dates: [Option<i64>; 3],
    /// `iss` and `sub`.
    pub texts: [Option<String>; 2],
}

pub fn read(token: &str) -> Result<Reference, &'static str> {
    if token.len() > 1_048_576 {
        return Err("too_long");
    }
    let segments: Vec<&str> = token.split('.').collect();
    let [header, payload, _] = segments[..] else {
        return Err(if segments.len() == 5 { "encrypted" } else { "segments" });
    };
    let header = object(header)?;
    let payload = object(payload)?;
    let claims: BTreeMap<Text, &RawValue> = serde_json::from_str(&payload).expect("it was JSON a moment ago");
    let claim = |name: &str| claims.get(&Text(name.to_owned())).map(|value| value.get());
    Ok(Reference {
        dates: ["exp", "iat", "nbf"].map(|name| claim(name).and_then(millis)),
        texts: ["iss", "sub"].map(|name| claim(name).filter(|value| value.starts_with('"')).map(text)),
        header,
        payload,
    })
}

fn object(segment: &str) -> Result<String, &'static str> {
    let bytes = base64url(segment).ok_or("base64")?;
    let document = String::from_utf8(bytes).map_err(|_| "utf8")?;
    let value: &RawValue = serde_json::from_str(&document).map_err(|_| "json")?;
    if depth(value.get()) > MAX_DEPTH {
        return Err("json");
    }
    if !value.get().starts_with('{') {
        return Err("not_an_object");
    }
    Ok(document)
}

pub fn base64url(segment: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut bits = 0_u32;
    let mut count = 0;
    for letter in segment.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    // Six bits left are a character that stands for nothing.
    (count < 6 && bits == 0).then_some(bytes)
}

/// How deep a document nests that is JSON.
fn depth(document: &str) -> usize {
    let mut deepest = 0;
    let mut depth = 0_usize;
    let mut in_text = false;
    let mut bytes = document.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn millis(value: &str) -> Option<i64> {
    let is_number = value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    is_number.then(|| {
        let thousandths = thousandths(value);
        let millis =
            if thousandths.abs() >= 1_000_000_000_000_000 { thousandths / 1_000 } else { thousandths };
        // Rust's own parser gives up on points that move further than a thousand digits.
        assert!(value.len() > 1_000 || is_near(millis, value), "a double makes something else of {value}");
        millis
    })
}

/// Moves the point, cuts the fraction off, and holds what is left within 9·10¹⁵.
fn thousandths(number: &str) -> i64 {
    const MOST: i64 = 9_000_000_000_000_000;
    let (sign, number) = number.strip_prefix('-').map_or((1, number), |rest| (-1, rest));
    let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    // A power that is too long to count is one that nothing makes up for.
    let power = power.parse::<i64>().unwrap_or(if power.starts_with('-') { -1 << 40 } else { 1 << 40 });
    let point = whole.len() as i64 - (all.len() - digits.len()) as i64 + power + 3;
    let magnitude = match usize::try_from(point) {
        _ if digits.is_empty() => 0,
        Err(_) => 0,
        Ok(point) if point > 16 => MOST,
        Ok(point) => format!("{digits:0<point$}")[..point].parse().unwrap_or(0).min(MOST),
    };
    sign * magnitude
}

/// Whether `millis` is, as far as a double can tell, what `JSON.parse` makes of `number`.
fn is_near(millis: i64, number: &str) -> bool {
    let double: f64 = number.parse().expect("a JSON number");
    let in_millis = double.clamp(-9e12, 9e12);
    let in_seconds = double * 1_000.0;
    let near = |expected: f64| (millis as f64 - expected).abs() <= 1.0 + expected.abs() * f64::EPSILON;
    // At the border a double is rounded to the other side.
    if (double.abs() - 1e12).abs() < 1.0 {
        return near(in_millis) || near(in_seconds);
    }
    near(if double.abs() < 1e12 { in_seconds } else { in_millis })
}

fn text(value: &str) -> String {
    serde_json::from_str::<Text>(value).expect("it was JSON a moment ago").0
}

/// A JSON string; lone surrogates become U+FFFD.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Text;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
        let mut text = String::new();
        let mut rest = bytes;
        loop {
            match std::str::from_utf8(rest) {
                Ok(good) => return Ok(Text(text + good)),
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    text += std::str::from_utf8(good).unwrap_or_default();
                    // serde_json spells a lone surrogate as three bytes.
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &bad[3..];
                }
            }
        }
    }
}
