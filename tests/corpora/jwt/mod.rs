//! Hostile tokens: one in each line of the text files, and large ones that are made.
//!
//! A line is a name, what the token says and the token, parted by tabs. What stands in angle brackets is base64url
//! once it is encoded; `%FF` is a byte. `exp`, `iat` and `nbf` are expected in milliseconds, or a reason not to read.

pub mod big;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evertoken::engine::jwt::{Claims, JwtError};

pub struct Case {
    pub name: String,
    pub expected: Read,
    pub token: String,
}

/// What a reader makes of a token: `exp`, `iat` and `nbf`, or the name of the reason.
pub type Read = Result<[Option<i64>; 3], &'static str>;

/// What the engine has read.
pub fn dates(claims: Result<&Claims<'_>, &JwtError>) -> Read {
    let claims = claims.map_err(|error| error.as_str())?;
    Ok([claims.expires_at(), claims.issued_at(), claims.not_before()].map(|date| date.map(|millis| millis.0)))
}

/// The cases that fit in a line.
pub fn lines() -> Vec<Case> {
    let files = [
        ("segments", include_str!("segments.txt")),
        ("base64", include_str!("base64.txt")),
        ("utf8", include_str!("utf8.txt")),
        ("json", include_str!("json.txt")),
        ("names", include_str!("names.txt")),
        ("numbers", include_str!("numbers.txt")),
    ];
    files.into_iter().flat_map(|(file, text)| lines_of(file, text)).collect()
}

fn lines_of(file: &'static str, text: &'static str) -> impl Iterator<Item = Case> {
    text.lines().filter(|line| !line.starts_with('#')).map(move |line| {
        let [name, expected, token] = line.split('\t').collect::<Vec<_>>().try_into().unwrap_or_else(|_| {
            panic!("{file}.txt: a name, what is expected and a token, parted by tabs, expected: {line}")
        });
        Case { name: format!("{file}/{name}"), expected: expectation(expected), token: spelled(token) }
    })
}

fn expectation(text: &'static str) -> Read {
    if text == "none" {
        return Ok([None; 3]);
    }
    if !text.contains('=') {
        return Err(text);
    }
    let dates: BTreeMap<_, i64> = text
        .split(' ')
        .filter_map(|date| date.split_once('='))
        .map(|(name, millis)| (name, millis.parse().expect("milliseconds")))
        .collect();
    assert!(dates.keys().all(|name| ["exp", "iat", "nbf"].contains(name)), "{text}");
    Ok(["exp", "iat", "nbf"].map(|name| dates.get(name).copied()))
}

fn spelled(token: &str) -> String {
    let mut spelled = Vec::new();
    for (at, part) in token.split(['<', '>']).enumerate() {
        let bytes = bytes(part);
        // Parts in brackets and parts outside of them take turns.
        if at % 2 == 0 {
            spelled.extend(bytes);
        } else {
            spelled.extend(URL_SAFE_NO_PAD.encode(bytes).into_bytes());
        }
    }
    String::from_utf8(spelled).expect("outside of brackets a token is UTF-8")
}

fn bytes(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two hexadecimal digits behind %"));
        bytes.extend(part[2..].bytes());
    }
    bytes
}
