//! Token responses as real servers spell them.

use alloc::borrow::ToOwned;
use alloc::string::String;

use super::encode;
use super::json::{self, Object, Value};
use super::secret::Secret;
use super::time::UnixMillis;
use super::words::words;
use super::{date, decimal, jwt};

/// Where a server keeps things: dotted paths. What is not named is looked for under its usual spellings, at the
/// top level or under `data`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    pub access: Option<String>,
    pub refresh: Option<String>,
    pub expires_in: Option<String>,
    pub expires_at: Option<String>,
    /// `expires_in` counts milliseconds, not seconds.
    pub in_millis: bool,
}

impl Fields {
    /// Takes over from `other` what is not set here.
    pub fn fill_from(&mut self, other: &Self) {
        if self.expires_in.is_none() {
            self.expires_in = other.expires_in.clone();
            self.in_millis |= other.in_millis;
        }
        let pairs = [
            (&mut self.access, &other.access),
            (&mut self.refresh, &other.refresh),
            (&mut self.expires_at, &other.expires_at),
        ];
        for (mine, theirs) in pairs {
            if mine.is_none() {
                *mine = theirs.clone();
            }
        }
    }
}

/// A response that can be used.
#[derive(Debug)]
pub struct TokenResponse {
    /// Absent only where the access token is an HttpOnly cookie.
    pub access: Option<Secret>,
    /// Absent, null or empty: the old one stays (RFC 6749 §6).
    pub refresh: Option<Secret>,
    /// Milliseconds from receipt; may be negative.
    pub expires_in: Option<i64>,
    pub expires_at: Option<UnixMillis>,
    /// Milliseconds from receipt until the refresh token ends.
    pub refresh_expires_in: Option<i64>,
    /// The other members, as a JSON object.
    pub extras: Option<String>,
}

/// Why a response cannot be used.
#[derive(Clone, Debug)]
pub enum ResponseError {
    /// Not a JSON object with an access token that fits a header (RFC 6750 §2.1).
    Unusable,
    /// `token_type` is not `Bearer` (RFC 6749 §7.1). The refresh token that came with it is good.
    UnsupportedTokenType(Option<Secret>),
}

/// Reads `body`. `access_in_cookie`: a response without an access token is good.
pub fn parse(body: &str, fields: &Fields, access_in_cookie: bool) -> Result<TokenResponse, ResponseError> {
    let root = json::parse_object(body).ok_or(ResponseError::Unusable)?;
    let data = root.object("data");
    let reader = Reader { root, data };
    let refresh = reader.find(fields.refresh.as_ref(), REFRESH).and_then(Value::as_text);
    let refresh = refresh.map(|token| Secret::new(token.decode())).filter(|token| !token.expose().is_empty());
    if refresh.as_ref().is_some_and(|token| !token.is_storable()) {
        return Err(ResponseError::Unusable);
    }
    if reader.find(None, TOKEN_TYPE).is_some_and(|kind| !is_bearer(kind)) {
        return Err(ResponseError::UnsupportedTokenType(refresh));
    }
    let access = match reader.find(fields.access.as_ref(), ACCESS) {
        Some(Value::String(token)) => Some(Secret::new(token.decode()))
            .filter(Secret::is_sendable)
            .ok_or(ResponseError::Unusable)?
            .into(),
        None | Some(Value::Null) if access_in_cookie => None,
        _ => return Err(ResponseError::Unusable),
    };
    let unit = if fields.in_millis { 1_000 } else { 1 };
    Ok(TokenResponse {
        expires_in: reader.find(fields.expires_in.as_ref(), EXPIRES_IN).and_then(number).map(|ms| ms / unit),
        expires_at: reader.find(fields.expires_at.as_ref(), EXPIRES_AT).and_then(time),
        refresh_expires_in: reader.find(None, REFRESH_EXPIRES_IN).and_then(number),
        extras: reader.extras(fields, [access.as_ref(), refresh.as_ref()]),
        access,
        refresh,
    })
}

struct Reader<'a> {
    root: Object<'a>,
    data: Option<Object<'a>>,
}

impl<'a> Reader<'a> {
    fn find(&self, path: Option<&String>, spellings: &str) -> Option<Value<'a>> {
        if let Some(path) = path {
            return self.root.at(path);
        }
        within(self.root, spellings).or_else(|| within(self.data?, spellings))
    }

    /// The members that carry no token, of the object that the tokens stand in.
    fn extras(&self, fields: &Fields, tokens: [Option<&Secret>; 2]) -> Option<String> {
        let in_root = fields.access.is_some() || within(self.root, ACCESS).is_some();
        let place = if in_root { self.root } else { self.data.unwrap_or(self.root) };
        let paths = [&fields.access, &fields.refresh, &fields.expires_in, &fields.expires_at];
        let is_extra = |name: &str| {
            !KNOWN.iter().any(|known| words(known, b' ').any(|known| known == name.as_bytes()))
                && !paths.iter().copied().flatten().any(|path| begins_with(path, name))
        };
        members_without(place, tokens, &is_extra)
    }
}

fn within<'a>(place: Object<'a>, spellings: &str) -> Option<Value<'a>> {
    words(spellings, b' ').find_map(|name| place.find(name))
}

/// `extras` without the members that repeat one of `tokens`; an empty one is none.
pub fn without(extras: &str, tokens: [Option<&Secret>; 2]) -> Option<String> {
    members_without(json::parse_object(extras)?, tokens, &|_| true)
}

fn members_without(
    object: Object<'_>,
    tokens: [Option<&Secret>; 2],
    is_wanted: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let mut wanted = "{".to_owned();
    for (name, value) in object.members() {
        let name = name.decode();
        let value = core::str::from_utf8(value).unwrap_or(NULL);
        let repeats = |token: &Secret| [value, &name].iter().any(|text| repeats(text, token.expose()));
        if is_wanted(&name) && !tokens.into_iter().flatten().any(repeats) {
            encode::json_name(&mut wanted, &name);
            wanted.push_str(value);
        }
    }
    wanted.push('}');
    (wanted.len() > 2).then_some(wanted)
}

/// Whether `text`, a value as it stands or a decoded name, has `token` in it; some servers escape its slashes. Rather
/// too much is left out than too little.
fn repeats(text: &str, token: &str) -> bool {
    if token.is_empty() {
        return false;
    }
    // Nobody escapes plain letters but to hide them.
    let hides = text.as_bytes().windows(5).any(|part| matches!(part, [b'\\', b'u', b'0', b'0', b'2'..=b'7']));
    // The end is as telling as the whole, and found without a search that takes square time.
    let end = &token.as_bytes()[token.len().saturating_sub(TELLING)..];
    let length = unescaped(end).count();
    // A run of backslashes begins as what follows it, and is passed once.
    let mut begins = (0..text.len()).filter(|at| *at == 0 || text.as_bytes()[*at] != b'\\');
    hides || begins.any(|at| unescaped(&text.as_bytes()[at..]).take(length).eq(unescaped(end)))
}

fn unescaped(text: &[u8]) -> impl Iterator<Item = &u8> {
    text.iter().filter(|byte| **byte != b'\\')
}

/// Whether `name` is the first name of `path`.
fn begins_with(path: &str, name: &str) -> bool {
    path.as_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| matches!(rest, [] | [b'.', ..]))
}

fn is_bearer(kind: Value<'_>) -> bool {
    match kind {
        Value::Null => true,
        Value::String(kind) => kind.decode().eq_ignore_ascii_case("bearer"),
        _ => false,
    }
}

/// A number or a numeric string, in thousandths.
fn number(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Number(digits) => decimal::thousandths(digits),
        Value::String(text) => decimal::thousandths(text.decode().as_bytes()),
        _ => None,
    }
}

/// Seconds, milliseconds or an ISO date.
fn time(value: Value<'_>) -> Option<UnixMillis> {
    match number(value) {
        Some(thousandths) => Some(jwt::epoch(thousandths)),
        None => value.as_text().and_then(|text| date::iso_date(text.decode().as_bytes())),
    }
}

/// Bytes at the end of a token that no other has: of a JWT they are its signature's.
const TELLING: usize = 64;
const NULL: &str = "null";
const ACCESS: &str = "access_token accessToken access";
const REFRESH: &str = "refresh_token refreshToken refresh";
const EXPIRES_IN: &str = "expires_in expiresIn";
const EXPIRES_AT: &str = "expires_at expiresAt";
const REFRESH_EXPIRES_IN: &str =
    "refresh_expires_in refresh_token_expires_in refreshExpiresIn refreshTokenExpiresIn";
const TOKEN_TYPE: &str = "token_type tokenType";
/// Not handed on: it is a token too, though none of ours.
const ID_TOKEN: &str = "id_token idToken";
const KNOWN: [&str; 7] = [ACCESS, REFRESH, EXPIRES_IN, EXPIRES_AT, REFRESH_EXPIRES_IN, TOKEN_TYPE, ID_TOKEN];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<TokenResponse, ResponseError> {
        parse(body, &Fields::default(), false)
    }

    #[test]
    fn knows_the_usual_spellings_at_both_levels() {
        for body in [
            r#"{"access_token":"A","refresh_token":"R","expires_in":3600,"token_type":"bearer"}"#,
            r#"{"accessToken":"A","refreshToken":"R","expiresIn":"3600"}"#,
            r#"{"access":"A","refresh":"R","expires_in":3600.0}"#,
            r#"{"data":{"access_token":"A","refresh_token":"R","expires_in":3600}}"#,
        ] {
            let response = read(body).unwrap();
            assert_eq!(response.access.unwrap().expose(), "A", "{body}");
            assert_eq!(response.refresh.unwrap().expose(), "R", "{body}");
            assert_eq!(response.expires_in, Some(3_600_000), "{body}");
            assert_eq!(response.extras, None, "{body}");
        }
    }

    #[test]
    fn an_empty_or_missing_refresh_token_is_absent() {
        for refresh in ["", r#","refresh_token":null"#, r#","refresh_token":"""#, r#","refresh_token":5"#] {
            let body = alloc::format!(r#"{{"access_token":"A"{refresh}}}"#);
            assert!(read(&body).unwrap().refresh.is_none(), "{body}");
        }
    }

    #[test]
    fn extras_that_hold_a_token_are_left_out_however_it_is_written() {
        let token = "/".repeat(40) + "a" + &"b/".repeat(40);
        let with = |extra: &str| {
            let body = alloc::format!(r#"{{"access_token":"{token}","note":"{extra}"}}"#);
            read(&body).unwrap().extras
        };
        assert_eq!(with(&token[1..60]).unwrap(), alloc::format!(r#"{{"note":"{}"}}"#, &token[1..60]));
        for extra in [token.clone(), token.replace('/', "\\/"), alloc::format!("x{token}x"), r"\u0061".into()]
        {
            assert_eq!(with(&extra), None, "{extra}");
        }
    }

    #[test]
    fn garbage_is_unusable() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "<html>",
            r#"{"access_token":""}"#,
            r#"{"access_token":5}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\r\nX: y"}"#,
            r#"{"access_token":"A""#,
            r#"{"access_token":"A","refresh_token":"a\nb"}"#,
            r#"{"token":"A"}"#,
        ] {
            assert!(matches!(read(body), Err(ResponseError::Unusable)), "{body}");
        }
    }

    #[test]
    fn only_bearer_is_understood() {
        let dpop = read(r#"{"access_token":"A","refresh_token":"R","token_type":"DPoP"}"#);
        assert!(matches!(dpop, Err(ResponseError::UnsupportedTokenType(Some(_)))));
        assert!(read(r#"{"access_token":"A","token_type":null}"#).is_ok());
    }

    #[test]
    fn odd_lifetimes_are_finite_or_unknown() {
        for (value, expected) in [
            ("null", None),
            ("\"abc\"", None),
            ("\"\"", None),
            ("true", None),
            ("-1", Some(-1_000)),
            ("0", Some(0)),
            ("0.5", Some(500)),
            ("1e308", Some(9_000_000_000_000_000)),
            ("\"3600\"", Some(3_600_000)),
        ] {
            let body = alloc::format!(r#"{{"access_token":"A","expires_in":{value}}}"#);
            assert_eq!(read(&body).unwrap().expires_in, expected, "{value}");
        }
    }

    #[test]
    fn expires_at_may_be_seconds_milliseconds_or_a_date() {
        for value in ["1700000000", "1700000000000", "\"1700000000\"", "\"2023-11-14T22:13:20Z\""] {
            let body = alloc::format!(r#"{{"access_token":"A","expires_at":{value}}}"#);
            assert_eq!(read(&body).unwrap().expires_at, Some(UnixMillis(1_700_000_000_000)), "{value}");
        }
    }

    #[test]
    fn mapped_paths_replace_the_guess() {
        let fields = Fields {
            access: Some("meta.jwt".into()),
            expires_in: Some("meta.ttl".into()),
            in_millis: true,
            ..Fields::default()
        };
        let body = r#"{"access_token":"wrong","meta":{"jwt":"A","ttl":5000},"user":{"id":1}}"#;
        let response = parse(body, &fields, false).unwrap();
        assert_eq!(response.access.unwrap().expose(), "A");
        assert_eq!(response.expires_in, Some(5_000));
        assert_eq!(response.extras.as_deref(), Some(r#"{"user":{"id":1}}"#));
    }

    #[test]
    fn what_a_sign_in_does_not_name_is_where_it_is_in_refreshes() {
        let named = |name: &str| Some(name.to_owned());
        let refresh = Fields {
            access: named("a"),
            refresh: named("r"),
            expires_in: named("ttl"),
            expires_at: named("end"),
            in_millis: true,
        };
        let mut login = Fields::default();
        login.fill_from(&refresh);
        assert_eq!(login, refresh);
        let own = Fields { expires_in: named("life"), access: named("jwt"), ..Fields::default() };
        let mut login = own.clone();
        login.fill_from(&refresh);
        assert_eq!(login, Fields { refresh: named("r"), expires_at: named("end"), ..own });
        let mut seconds = Fields::default();
        seconds.fill_from(&Fields { in_millis: false, ..refresh });
        assert!(!seconds.in_millis);
    }

    #[test]
    fn extras_are_those_beside_the_tokens() {
        let outer = read(r#"{"access_token":"A","data":{"x":1}}"#).unwrap();
        assert_eq!(outer.extras.as_deref(), Some(r#"{"data":{"x":1}}"#));
        let inner = read(r#"{"data":{"access_token":"A","x":1},"y":2}"#).unwrap();
        assert_eq!(inner.extras.as_deref(), Some(r#"{"x":1}"#));
        let fields = Fields { expires_in: Some("life.ttl".into()), ..Fields::default() };
        let body = r#"{"access_token":"A","life":{"ttl":5},"lifetime":6}"#;
        let mapped = parse(body, &fields, false).unwrap();
        assert_eq!(mapped.extras.as_deref(), Some(r#"{"lifetime":6}"#));
    }

    #[test]
    fn other_members_are_handed_on_and_tokens_are_not() {
        let response =
            read(r#"{"access_token":"A","id_token":"I","user":{"n":"\u00e9"},"scope":"x"}"#).unwrap();
        assert_eq!(response.extras.as_deref(), Some(r#"{"user":{"n":"\u00e9"},"scope":"x"}"#));
    }

    #[test]
    fn a_member_that_repeats_a_token_is_dropped_alone() {
        let body = r#"{"access_token":"A1","log":"gave A1","A1":true,"path":"a\/b","user":7}"#;
        let extras = read(body).unwrap().extras.unwrap();
        assert_eq!(extras, r#"{"path":"a\/b","user":7}"#);
        let held = [Secret::default(), Secret::new("a/b".into())];
        assert_eq!(without(&extras, held.each_ref().map(Some)).as_deref(), Some(r#"{"user":7}"#));
    }

    #[test]
    fn a_member_that_hides_letters_is_dropped() {
        let response = read(r#"{"access_token":"A","user":{"rt":"\u0072\u0074"},"scope":"x"}"#).unwrap();
        assert_eq!(response.extras.as_deref(), Some(r#"{"scope":"x"}"#));
    }

    #[test]
    fn a_megabyte_of_backslashes_is_passed_once() {
        let run = r"\\".repeat(1 << 17);
        let body = format!(r#"{{"access_token":"A1","{run}":1,"note":"{run}A\\1","user":"{run}"}}"#);
        let extras = read(&body).unwrap().extras.unwrap();
        assert!(extras.contains("user") && !extras.contains("note"));
    }

    #[test]
    fn a_cookie_access_token_need_not_be_named() {
        assert!(
            parse(r#"{"refresh":true,"expires_in":60}"#, &Fields::default(), true).unwrap().access.is_none()
        );
    }
}
