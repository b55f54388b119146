//! JSON that strangers send, read in place.
//!
//! [`parse`] checks a whole document once, without recursion or allocation; the borrowed [`Value`]s are then
//! walked without checking again. Nesting is held to [`MAX_DEPTH`], so no document can exhaust a stack. It works on
//! bytes: patterns over `str` cost several times the code.
//!
//! A token's claims are read by the same check while they are decoded.

pub(super) mod check;
pub(super) mod source;

use alloc::string::String;
use alloc::vec::Vec;

use check::Checker;
use source::Source;

use super::words::words;

/// How deep arrays and objects may nest: more than any token or token response needs.
pub const MAX_DEPTH: usize = 128;

/// A value that borrows the checked document.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Array(Array<'a>),
    Bool,
    Null,
    /// The digits as they stand.
    Number(&'a [u8]),
    Object(Object<'a>),
    String(Text<'a>),
}

/// An array.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a>(&'a [u8]);

/// An object; of members with one name the last counts (RFC 7519 §4, RFC 8259 §4).
#[derive(Clone, Copy, Debug)]
pub struct Object<'a>(&'a [u8]);

/// A string as it stands between its quotes, escapes unresolved.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(pub(super) &'a [u8]);

/// The document is not JSON, or nests deeper than [`MAX_DEPTH`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid;

/// Checks `document` (RFC 8259; a byte order mark is not JSON) and returns its value.
pub fn parse(document: &str) -> Result<Value<'_>, Invalid> {
    Checker::new(&mut Source::plain(document)).document(&mut |_, _| {})?;
    Ok(value_of(document.as_bytes().trim_ascii()))
}

/// Checks `document` and returns it as an object, if it is one.
pub fn parse_object(document: &str) -> Option<Object<'_>> {
    parse(document).ok()?.as_object()
}

impl<'a> Value<'a> {
    /// The first element when this is an array that has one.
    pub fn first(self) -> Option<Self> {
        match self {
            Value::Array(Array(source)) => {
                let elements = source[1..source.len() - 1].trim_ascii();
                (!elements.is_empty()).then(|| value_of(split_value(elements).0))
            }
            _ => None,
        }
    }

    pub fn as_object(self) -> Option<Object<'a>> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    pub fn as_text(self) -> Option<Text<'a>> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

impl<'a> Object<'a> {
    /// The last member called `name`.
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        self.find(name.as_bytes())
    }

    /// As [`get`](Self::get), by bytes.
    pub(super) fn find(self, name: &[u8]) -> Option<Value<'a>> {
        let mut found = None;
        for (key, raw) in self.members() {
            if key.equals(name) {
                found = Some(raw);
            }
        }
        found.map(value_of)
    }

    /// The last member called `name`, if it is a text.
    pub fn text(self, name: &str) -> Option<Text<'a>> {
        self.get(name)?.as_text()
    }

    /// The last member called `name`, if it is an object.
    pub fn object(self, name: &str) -> Option<Self> {
        self.get(name)?.as_object()
    }

    /// The member at `path`: names parted by dots.
    pub fn at(self, path: &str) -> Option<Value<'a>> {
        let mut value = Value::Object(self);
        for name in words(path, b'.') {
            value = value.as_object()?.find(name)?;
        }
        Some(value)
    }

    /// Every member with the source of its value, in order.
    pub fn members(self) -> Members<'a> {
        // The brace behind the last one ends them.
        Members(self.0[1..].trim_ascii())
    }
}

/// Iterator of [`Object::members`].
#[derive(Debug)]
pub struct Members<'a>(&'a [u8]);

impl<'a> Iterator for Members<'a> {
    type Item = (Text<'a>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let (key, rest) = split_value(self.0);
        let (value, rest) = split_value(rest.trim_ascii().strip_prefix(b":")?.trim_ascii());
        self.0 = rest.trim_ascii().strip_prefix(b",").unwrap_or_default().trim_ascii();
        Some((Text(&key[1..key.len() - 1]), value))
    }
}

impl Text<'_> {
    /// Whether this string, escapes resolved, equals `other`.
    pub fn is(self, other: &str) -> bool {
        self.equals(other.as_bytes())
    }

    fn equals(self, other: &[u8]) -> bool {
        // (`contains` would bring a search of its own into the module.)
        if self.0.iter().any(|byte| matches!(byte, b'\\')) {
            self.decode().as_bytes() == other
        } else {
            self.0 == other
        }
    }

    /// The string with its escapes resolved; a lone surrogate becomes U+FFFD.
    pub fn decode(self) -> String {
        let mut decoded = Vec::with_capacity(self.0.len());
        let mut rest = self.0;
        while let [byte, tail @ ..] = rest {
            rest = tail;
            if *byte != b'\\' {
                decoded.push(*byte);
                continue;
            }
            let [escape, tail @ ..] = rest else {
                break;
            };
            rest = tail;
            match escape {
                b'b' => decoded.push(8),
                b'f' => decoded.push(12),
                b'n' => decoded.push(b'\n'),
                b'r' => decoded.push(b'\r'),
                b't' => decoded.push(b'\t'),
                b'u' => {
                    let plain = code_point(&mut rest);
                    decoded.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
                }
                other => decoded.push(*other),
            }
        }
        String::from_utf8(decoded).unwrap_or_default()
    }
}

/// Reads the digits behind `\u`, and a low surrogate that follows a high one.
fn code_point(rest: &mut &[u8]) -> char {
    let high = code_unit(rest);
    *rest = &rest[4..];
    if (0xd800..0xdc00).contains(&high)
        && let [b'\\', b'u', digits @ ..] = *rest
    {
        let low = code_unit(digits);
        if (0xdc00..0xe000).contains(&low) {
            *rest = &digits[4..];
            return char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                .unwrap_or(REPLACEMENT);
        }
    }
    char::from_u32(high).unwrap_or(REPLACEMENT)
}

fn code_unit(digits: &[u8]) -> u32 {
    digits.iter().take(4).fold(0, |unit, digit| unit << 4 | hex_digit(*digit).unwrap_or(0))
}

fn hex_digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The value that a checked `source` spells.
pub(super) fn value_of(source: &[u8]) -> Value<'_> {
    match source[0] {
        b'{' => Value::Object(Object(source)),
        b'[' => Value::Array(Array(source)),
        b'"' => Value::String(Text(&source[1..source.len() - 1])),
        b't' | b'f' => Value::Bool,
        b'n' => Value::Null,
        _ => Value::Number(source),
    }
}

/// Parts the first value of a checked `text` from what follows it.
fn split_value(text: &[u8]) -> (&[u8], &[u8]) {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => {
                at += 1;
                while text[at] != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                if depth == 0 {
                    return text.split_at(at + 1);
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return text.split_at(at + depth),
            b'}' | b']' => depth -= 1,
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => break,
            _ => {}
        }
        at += 1;
    }
    text.split_at(at)
}

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

#[cfg(test)]
mod tests {
    use super::*;

    fn object(document: &str) -> Object<'_> {
        parse_object(document).unwrap()
    }

    #[test]
    fn accepts_what_rfc_8259_allows() {
        for good in [
            "0",
            "-0",
            "1.5e-7",
            "10E+2",
            " null ",
            "true",
            "false",
            "\"\"",
            "[]",
            "{}",
            "[1,[2,{}],\"x\"]",
            "{\"a\":{\"b\":[{}]},\"c\":\"\\u00e9\\n\"}",
            "\r\n\t {\"a\" : 1 , \"b\" : [ ] }",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_value_is_what_its_first_byte_says() {
        let object = object(r#"{"a":true,"b":false,"c":null,"d":-1,"e":[],"f":{},"g":""}"#);
        let kinds = ["a", "b", "c", "d", "e", "f", "g"].map(|name| match object.get(name) {
            Some(Value::Array(_)) => "array",
            Some(Value::Bool) => "bool",
            Some(Value::Null) => "null",
            Some(Value::Number(_)) => "number",
            Some(Value::Object(_)) => "object",
            Some(Value::String(_)) => "string",
            None => "nothing",
        });
        assert_eq!(kinds, ["bool", "bool", "null", "number", "array", "object", "string"]);
    }

    #[test]
    fn refuses_everything_else() {
        for bad in [
            "",
            " ",
            "nul",
            "nulll",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "1e+",
            "-",
            "-a",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\":1]",
            "[1}",
            "1 2",
            "{}{}",
            "\u{feff}{}",
            "'a'",
            "NaN",
            "{\"a\" 1}",
            "{1:1}",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert!(parse(&nested(MAX_DEPTH + 1)).is_err());
        assert!(parse(&nested(100_000)).is_err());
    }

    #[test]
    fn finds_members_by_path_and_takes_the_last_of_a_name() {
        let document = object(r#"{"a":{"x":1,"y":[{"z":2}],"x":3},"a.x":9,"b":"}\",:","é":4}"#);
        assert!(matches!(document.at("a.x"), Some(Value::Number(b"3"))));
        assert!(document.at("b").and_then(Value::as_text).is_some_and(|text| text.is("}\",:")));
        assert!(matches!(document.at("é"), Some(Value::Number(b"4"))));
        assert!(document.at("a.y.z").is_none());
        assert!(document.at("missing").is_none());
    }

    #[test]
    fn gives_the_first_element_of_an_array() {
        assert!(matches!(parse(r#"[ {"a":[1]} , 2]"#).unwrap().first(), Some(Value::Object(_))));
        assert!(matches!(parse("[7]").unwrap().first(), Some(Value::Number(b"7"))));
        assert!(parse("[ ]").unwrap().first().is_none());
        assert!(parse("{}").unwrap().first().is_none());
    }

    #[test]
    fn escaped_names_are_the_same_names() {
        assert!(matches!(object(r#"{"\u0065xp":5}"#).at("exp"), Some(Value::Number(b"5"))));
    }

    #[test]
    fn strings_decode_like_the_browser_does() {
        let document = object(r#"{"s":"a\"\\\/\b\f\n\r\t\u00e9\uD83d\uDe00\ud800x\udc00é"}"#);
        let text = document.at("s").and_then(Value::as_text).unwrap().decode();
        assert_eq!(text, "a\"\\/\u{8}\u{c}\n\r\té😀\u{fffd}x\u{fffd}é");
    }
}
