//! Decoding of JSON Web Tokens (RFC 7519) in compact form.
//!
//! Nothing here verifies a signature, and `alg` decides nothing (RFC 8725 §3.1): what is read is a hint about
//! the token's life, never a proof of anything. One walk over both segments judges a token, for [`claims`] and for
//! [`decode`] alike, so that the two cannot disagree.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::json::Text;
use super::json::check::{Checker, Member, Name};
use super::json::source::{Flaw, Source};
use super::time::UnixMillis;
use super::words::words;

/// The longest token that is decoded, in bytes.
pub const MAX_LENGTH: usize = 1 << 20;

/// The two JSON objects of a JWT as text: checked, not verified.
#[derive(Debug)]
pub struct Decoded {
    pub header: String,
    pub payload: String,
}

/// Why a token is no readable JWT. Such a token can still be used: it is opaque (RFC 9068 §6). Of several reasons the
/// one counts that a reader meets first who splits, decodes the whole header and then the whole payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtError {
    /// A segment is not base64url without padding (RFC 7515 §2).
    Base64,
    /// Five segments: a JWE, whose claims only its recipient can read.
    Encrypted,
    /// A segment is not JSON, or nests too deep.
    Json,
    /// A segment is JSON but no object.
    NotAnObject,
    /// There are not three segments.
    Segments,
    /// Longer than [`MAX_LENGTH`].
    TooLong,
    /// A segment is not UTF-8.
    Utf8,
}

/// The claims that are about a token's life and owner (RFC 7519 §4.1), as they stand in the outermost object. Of claims
/// with one name the last counts, as in `JSON.parse`.
#[derive(Clone, Copy, Default)]
pub struct Claims<'a> {
    payload: &'a [u8],
    /// In the order of [`NAMES`].
    members: [Member; NAMES.len()],
}

impl JwtError {
    /// A stable name for the reason.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Encrypted => "encrypted",
            Self::Json => "json",
            Self::NotAnObject => "not_an_object",
            Self::Segments => "segments",
            Self::TooLong => "too_long",
            Self::Utf8 => "utf8",
        }
    }
}

impl Claims<'_> {
    /// `exp`
    pub fn expires_at(&self) -> Option<UnixMillis> {
        self.date(EXP)
    }

    /// `iat`
    pub fn issued_at(&self) -> Option<UnixMillis> {
        self.date(IAT)
    }

    /// `nbf`
    pub fn not_before(&self) -> Option<UnixMillis> {
        self.date(NBF)
    }

    /// A copy of `iss`; a lone surrogate becomes U+FFFD.
    pub fn issuer(&self) -> Option<Arc<str>> {
        self.text(ISS)
    }

    /// A copy of `sub`, likewise.
    pub fn subject(&self) -> Option<Arc<str>> {
        self.text(SUB)
    }

    /// A NumericDate is a number; strings are not dates (RFC 7519 §2). From 10¹² on it is taken for milliseconds.
    fn date(&self, at: usize) -> Option<UnixMillis> {
        match self.members[at] {
            Member::Number(thousandths) => Some(epoch(thousandths)),
            _ => None,
        }
    }

    fn text(&self, at: usize) -> Option<Arc<str>> {
        let Member::Text { begin, end } = self.members[at] else {
            return None;
        };
        let mut payload = Vec::new();
        Source::base64url(self.payload, Some(&mut payload)).flaw();
        Some(Text(payload.get(begin..end)?).decode().into())
    }
}

impl fmt::Debug for Claims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(…)")
    }
}

/// Decodes header and payload.
///
/// ```
/// let jwt = evertoken::engine::jwt::decode("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.").unwrap();
/// assert_eq!(jwt.payload, r#"{"sub":"ada"}"#);
/// ```
pub fn decode(token: &str) -> Result<Decoded, JwtError> {
    let (header, payload) = segments(token)?;
    Ok(Decoded { header: object(header)?, payload: object(payload)? })
}

/// Reads the claims that are about a token's life and owner, without allocating: a token of any length is decoded
/// through a small buffer on the stack, once. It errs when [`decode`] does, and with the same reason.
///
/// ```
/// let claims = evertoken::engine::jwt::claims("e30.eyJzdWIiOiJhZGEiLCJleHAiOjEuNX0.").unwrap();
/// assert_eq!(claims.expires_at().map(|millis| millis.0), Some(1_500));
/// assert_eq!(claims.subject().as_deref(), Some("ada"));
/// ```
pub fn claims(token: &str) -> Result<Claims<'_>, JwtError> {
    let (header, payload) = segments(token)?;
    walk(header, None, &mut |_, _| {})?;
    let mut claims = Claims { payload, ..Claims::default() };
    walk(payload, None, &mut |name, value| {
        if let Some(at) = NAMES.iter().position(|known| name == *known) {
            claims.members[at] = value;
        }
    })?;
    Ok(claims)
}

fn segments(token: &str) -> Result<(&[u8], &[u8]), JwtError> {
    if token.len() > MAX_LENGTH {
        return Err(JwtError::TooLong);
    }
    let mut segments = words(token, b'.');
    let read = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    match segments.count() {
        1 => Ok(read),
        3 => Err(JwtError::Encrypted),
        _ => Err(JwtError::Segments),
    }
}

fn object(segment: &[u8]) -> Result<String, JwtError> {
    let mut text = Vec::new();
    walk(segment, Some(&mut text), &mut |_, _| {})?;
    String::from_utf8(text).map_err(|_| JwtError::Utf8)
}

/// Checks that a segment is a JSON object and tells of its members.
fn walk<'a>(
    segment: &'a [u8],
    copy: Option<&'a mut Vec<u8>>,
    member: &mut dyn FnMut(Name, Member),
) -> Result<(), JwtError> {
    let mut source = Source::base64url(segment, copy);
    let checked = Checker::new(&mut source).document(member);
    match (source.flaw(), checked) {
        (Some(Flaw::Base64), _) => Err(JwtError::Base64),
        (Some(Flaw::Utf8), _) => Err(JwtError::Utf8),
        (None, Err(_)) => Err(JwtError::Json),
        (None, Ok(b'{')) => Ok(()),
        (None, Ok(_)) => Err(JwtError::NotAnObject),
    }
}

/// An epoch time given in thousandths of its unit, which is seconds or, when that would be absurd, milliseconds.
pub fn epoch(thousandths: i64) -> UnixMillis {
    // As seconds the year 33658, as milliseconds 2001: between `exp` of the year 9999 and any real time in ms.
    const MILLIS: i64 = 1_000_000_000_000_000;
    UnixMillis(if thousandths.abs() >= MILLIS { thousandths / 1_000 } else { thousandths })
}

const NAMES: [Name; 5] =
    [Name::new(*b"exp"), Name::new(*b"iat"), Name::new(*b"nbf"), Name::new(*b"iss"), Name::new(*b"sub")];
const EXP: usize = 0;
const IAT: usize = 1;
const NBF: usize = 2;
const ISS: usize = 3;
const SUB: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn claims_show_nothing_of_their_token() {
        let token = token(r#"{"sub":"ada"}"#);
        assert_eq!(format!("{:?}", claims(&token).unwrap()), "Claims(…)");
    }

    #[test]
    fn reads_utf8_claims_of_every_length() {
        for name in ["a", "ab", "abc", "Zoë 🦀", "日本"] {
            let token = token(&format!(r#"{{"sub":"{name}","exp":1700000000.5,"iat":1}}"#));
            let claims = claims(&token).unwrap();
            assert_eq!(claims.subject().as_deref(), Some(name));
            assert_eq!(claims.expires_at(), Some(UnixMillis(1_700_000_000_500)));
            assert_eq!(claims.issued_at(), Some(UnixMillis(1_000)));
        }
    }

    #[test]
    fn names_what_is_wrong() {
        let long = "a".repeat(MAX_LENGTH + 1);
        for (bad, expected) in [
            ("", JwtError::Segments),
            ("opaque", JwtError::Segments),
            ("a.b", JwtError::Segments),
            ("a.b.c.d", JwtError::Segments),
            ("a.b.c.d.e", JwtError::Encrypted),
            ("e30.e30=.x", JwtError::Base64),
            ("e30.e3 0.x", JwtError::Base64),
            ("e30.+/+/.x", JwtError::Base64),
            ("e30._w.x", JwtError::Utf8),
            ("e30.e2E.x", JwtError::Json),
            ("e30.W10.x", JwtError::NotAnObject),
            ("..", JwtError::Json),
            (&long, JwtError::TooLong),
        ] {
            assert_eq!(decode(bad).err(), Some(expected), "{}", &bad[..bad.len().min(20)]);
        }
    }

    #[test]
    fn what_is_no_date_is_no_expiry() {
        for exp in ["\"1700000000\"", "null", "true", "[1]", "{}"] {
            assert_eq!(claims(&token(&format!(r#"{{"exp":{exp}}}"#))).unwrap().expires_at(), None, "{exp}");
        }
        assert_eq!(claims(&token(r#"{"a":{"exp":5}}"#)).unwrap().expires_at(), None);
    }

    #[test]
    fn expiry_in_milliseconds_is_understood_and_absurd_ones_stay_finite() {
        let expiry = |exp: &str| claims(&token(&format!(r#"{{"exp":{exp}}}"#))).unwrap().expires_at();
        assert_eq!(expiry("1700000000000"), Some(UnixMillis(1_700_000_000_000)));
        assert_eq!(expiry("1e308"), Some(UnixMillis(9_000_000_000_000)));
        assert_eq!(expiry("-1"), Some(UnixMillis(-1_000)));
    }
}
