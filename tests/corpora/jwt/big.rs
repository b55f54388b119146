//! Tokens as large as they may be, each of one thing again and again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evertoken::engine::json::MAX_DEPTH;
use evertoken::engine::jwt::MAX_LENGTH;

use super::{Case, Read};

pub fn cases() -> Vec<Case> {
    let mut cases = long(ROOM);
    cases.extend(nested());
    cases.extend(others());
    cases
}

/// Tokens whose payload has about `room` bytes.
pub fn long(room: usize) -> Vec<Case> {
    const END: &str = r#"","exp":1}"#;
    let filled = |begin, unit, end| filled(room, begin, unit, end);
    let zeros = room - 40;
    let shapes = [
        ("text_before", exp(1_000), filled(r#"{"a":""#, "x", END)),
        ("text_behind", exp(1_000), filled(r#"{"exp":1,"a":""#, "x", r#""}"#)),
        ("text_of_the_subject", exp(1_000), filled(r#"{"sub":""#, "ada ", END)),
        ("text_of_the_issuer_in_escapes", exp(1_000), filled(r#"{"iss":""#, r"\u0061", END)),
        ("text_of_escapes", exp(1_000), filled(r#"{"a":""#, r"\u0041", END)),
        ("text_of_short_escapes", exp(1_000), filled(r#"{"a":""#, r"\n", END)),
        ("text_of_backslashes", exp(1_000), filled(r#"{"a":""#, r"\\", END)),
        ("text_of_escaped_quotes", exp(1_000), filled(r#"{"a":""#, r#"\""#, END)),
        ("text_of_lone_surrogates", exp(1_000), filled(r#"{"sub":""#, r"\ud800", END)),
        ("text_of_emoji", exp(1_000), filled(r#"{"a":""#, "🦀", END)),
        ("text_of_brackets", exp(1_000), filled(r#"{"a":""#, "[{", END)),
        ("text_without_end", Err("json"), filled(r#"{"exp":1,"a":""#, "x", "")),
        ("name", exp(1_000), filled(r#"{"exp"#, "x", r#"":0,"exp":1}"#)),
        ("name_of_escapes", exp(1_000), filled(r#"{""#, r"\u0065", r#"":0,"exp":1}"#)),
        ("duplicates", exp(2_000), filled("{", r#""exp":1,"#, r#""exp":2}"#)),
        ("duplicates_in_escapes", exp(2_000), filled("{", r#""\u0065xp":1,"#, r#""exp":2}"#)),
        ("duplicates_of_the_subject", exp(1_000), filled("{", r#""sub":"eve","#, r#""exp":1}"#)),
        ("duplicates_that_end_with_a_text", Ok([None; 3]), filled("{", r#""exp":1,"#, r#""exp":"2"}"#)),
        ("members", exp(1_000), filled("{", r#""a":0,"#, r#""exp":1}"#)),
        ("members_without_a_name", exp(1_000), filled("{", r#""":0,"#, r#""exp":1}"#)),
        ("objects", exp(1_000), filled(r#"{"a":["#, r#"{"exp":2},"#, r#"{}],"exp":1}"#)),
        ("empty_objects", exp(1_000), filled(r#"{"a":["#, "{},", r#"{}],"exp":1}"#)),
        ("empty_arrays", exp(1_000), filled(r#"{"a":["#, "[],", r#"[]],"exp":1}"#)),
        ("numbers", exp(1_000), filled(r#"{"a":["#, "-1.5e-7,", r#"0],"exp":1}"#)),
        ("words", exp(1_000), filled(r#"{"a":["#, "true,null,", r#"false],"exp":1}"#)),
        ("spaces_before", exp(1_000), filled("", " ", r#"{"exp":1}"#)),
        ("spaces_within", exp(1_000), filled(r#"{"exp":"#, "\r\n\t ", "1}")),
        ("spaces_behind", exp(1_000), filled(r#"{"exp":1}"#, " ", "")),
        ("commas", Err("json"), filled(r#"{"exp":1"#, ",", "}")),
        ("arrays_without_end", Err("json"), filled(r#"{"exp":1,"a":"#, "[", "")),
        ("objects_without_end", Err("json"), filled("", r#"{"a":"#, "")),
        ("arrays_and_objects_without_end", Err("json"), filled("", r#"{"a":["#, "")),
        ("closing_brackets", Err("json"), filled(r#"{"exp":1"#, "}", "")),
        ("digits", exp(9_000_000_000_000), filled(r#"{"exp":"#, "9", "}")),
        ("digits_of_a_fraction", exp(1_333), filled(r#"{"exp":1."#, "3", "}")),
        ("digits_of_an_exponent", exp(9_000_000_000_000), filled(r#"{"exp":1e"#, "9", "}")),
        ("digits_of_a_negative_exponent", exp(0), filled(r#"{"exp":1e-"#, "9", "}")),
        ("zeros_before_an_exponent", exp(1_700_000_000_000), filled(r#"{"exp":1.7e"#, "0", "9}")),
        ("zeros_that_are_no_number", Err("json"), filled(r#"{"exp":"#, "0", "}")),
        ("zeros_that_an_exponent_makes_up_for", exp(1_000), {
            format!(r#"{{"exp":0.{}1e{}}}"#, "0".repeat(zeros), zeros + 1)
        }),
        ("zeros_that_an_exponent_takes_away", exp(1_000), {
            format!(r#"{{"exp":1{}e-{zeros}}}"#, "0".repeat(zeros))
        }),
    ];
    shapes.into_iter().map(|(name, expected, payload)| case(name, expected, token(payload))).collect()
}

fn nested() -> Vec<Case> {
    let arrays = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let objects = |depth: usize| r#"{"exp":"#.repeat(depth) + "1" + &"}".repeat(depth);
    let claims = |value: String| format!(r#"{{"exp":1,"a":{value}}}"#);
    let inner = MAX_DEPTH - 1;
    let shapes = [
        ("arrays_to_the_limit", exp(1_000), claims(arrays(inner))),
        ("arrays_beyond_the_limit", Err("json"), claims(arrays(inner + 1))),
        ("objects_to_the_limit", exp(1_000), claims(objects(inner))),
        ("objects_beyond_the_limit", Err("json"), claims(objects(inner + 1))),
        ("exp_at_the_limit", Ok([None; 3]), objects(MAX_DEPTH)),
        ("limit_again_and_again", exp(1_000), {
            filled(ROOM, r#"{"exp":1,"a":["#, &(arrays(inner - 1) + ","), "0]}")
        }),
        ("arrays_100000_deep", Err("json"), claims(arrays(100_000))),
        ("objects_50000_deep", Err("json"), objects(50_000)),
        ("objects_100000_deep", Err("json"), claims(objects(100_000)[..ROOM - 20].to_owned())),
        ("array_100000_deep_at_the_top", Err("json"), arrays(100_000)),
    ];
    shapes.into_iter().map(|(name, expected, payload)| case(name, expected, token(payload))).collect()
}

fn others() -> Vec<Case> {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1}"#);
    let flawed = |end: &[u8]| {
        let mut payload = filled(ROOM, r#"{"exp":1,"a":""#, "x", "").into_bytes();
        payload.extend(end);
        token(payload)
    };
    let of_length = |length: usize| {
        let begin = format!("e30.{claims}.");
        let rest = length - begin.len();
        begin + &"A".repeat(rest)
    };
    let mut wrong = token(filled(ROOM, r#"{"exp":1,"a":""#, "x", r#""}"#));
    wrong.insert(wrong.len() - SIGNATURE.len(), '=');
    vec![
        case("header", exp(1_000), {
            let header = filled(ROOM, r#"{"alg":""#, "x", r#""}"#);
            format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(&header[..ROOM - 100]) + "eCJ9")
        }),
        case("header_100000_deep", Err("json"), {
            format!("{}.{claims}.", URL_SAFE_NO_PAD.encode("[".repeat(100_000)))
        }),
        case("wrong_at_the_end", Err("base64"), wrong),
        case("cut_off_in_a_character", Err("utf8"), flawed(b"\xf0\x9f")),
        case("latin_1_at_the_end", Err("utf8"), flawed(b"\xeb\"}")),
        case("longest", exp(1_000), of_length(MAX_LENGTH)),
        case("longest_and_one", Err("too_long"), of_length(MAX_LENGTH + 1)),
        case("far_too_long", Err("too_long"), of_length(4 * MAX_LENGTH)),
        case("opaque", Err("segments"), "a".repeat(MAX_LENGTH)),
        case("opaque_with_two_dots", Err("json"), format!("{0}.{0}.", "A".repeat(MAX_LENGTH / 2 - 4))),
        case("dots", Err("segments"), ".".repeat(MAX_LENGTH)),
        case("padding", Err("base64"), format!("e30.{}.", "=".repeat(MAX_LENGTH - 5))),
        case("letters_beyond_ascii", Err("base64"), format!("e30.{}.", "é".repeat(MAX_LENGTH / 2 - 4))),
    ]
}

fn case(name: &str, expected: Read, token: String) -> Case {
    Case { name: format!("big/{name}"), expected, token }
}

fn token(payload: impl AsRef<[u8]>) -> String {
    format!("e30.{}{SIGNATURE}", URL_SAFE_NO_PAD.encode(payload))
}

/// `begin` and `end` with as much of `unit` between them as there is room for.
fn filled(room: usize, begin: &str, unit: &str, end: &str) -> String {
    let count = (room - begin.len() - end.len()) / unit.len();
    format!("{begin}{}{end}", unit.repeat(count))
}

fn exp(millis: i64) -> Read {
    Ok([Some(millis), None, None])
}

const SIGNATURE: &str = ".c2ln";
/// How long a payload may be, with a little left for whoever adds something.
const ROOM: usize = MAX_LENGTH / 4 * 3 - 32;
