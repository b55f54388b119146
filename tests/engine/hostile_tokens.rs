//! JD1, JD2: whatever a token is, the reader of dates, the full decoder and a JSON parser of others agree on it.
#[path = "../corpora/jwt/mod.rs"]
mod corpus;
mod reference;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use corpus::{Case, Read};
use evertoken::engine::jwt;

#[test]
fn the_corpus_has_more_than_600_different_tokens_with_names_of_their_own() {
    let cases = cases();
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    let tokens: BTreeSet<_> = cases.iter().map(|case| &case.token).collect();
    assert_eq!(names.len(), cases.len());
    assert!(tokens.len() > 600, "{} different tokens in {} cases", tokens.len(), cases.len());
}

#[test]
fn every_token_is_read_as_it_should_be_and_by_all_three_alike() {
    for Case { name, token, expected } in cases() {
        assert_agreement(&token, &name);
        assert_eq!(corpus::dates(jwt::claims(&token).as_ref()), expected, "{name}");
    }
}

/// Each byte of each payload replaced, left out and doubled.
#[test]
fn they_agree_on_every_payload_that_is_broken_at_any_place() {
    let mut count = 0;
    for Case { name, token, .. } in corpus::lines() {
        let segment = token.split('.').nth(1).unwrap_or_default();
        let Some(payload) = reference::base64url(segment) else {
            continue;
        };
        for broken in broken(&payload, b"\"\\{}[]:,.0-eu \n\0\x80\xe2") {
            assert_agreement(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(broken)), &name);
            count += 1;
        }
    }
    assert!(count > 200_000, "{count}");
}

/// Each character of each token replaced, left out and doubled.
#[test]
fn they_agree_on_every_token_that_is_broken_at_any_place() {
    let mut count = 0;
    for Case { name, token, .. } in corpus::lines() {
        for broken in broken(token.as_bytes(), b".=+/_-A \n") {
            if let Ok(token) = String::from_utf8(broken) {
                assert_agreement(&token, &name);
                count += 1;
            }
        }
    }
    assert!(count > 200_000, "{count}");
}

/// Asserts that all three read the same: dates or reason, header, payload, `iss` and `sub`.
#[track_caller]
fn assert_agreement(token: &str, name: &str) {
    let shown = || format!("{name}: {}", &token[..token.floor_char_boundary(1_000)]);
    let expected = reference::read(token);
    let dates: Read = expected.as_ref().map(|reference| reference.dates).map_err(|reason| *reason);
    let claims = jwt::claims(token);
    assert_eq!(corpus::dates(claims.as_ref()), dates, "reader and reference: {}", shown());
    let decoded = jwt::decode(token);
    let reason = decoded.as_ref().err().map(|error| error.as_str());
    assert_eq!(reason, dates.err(), "decoder and reference: {}", shown());
    if let (Ok(claims), Ok(decoded), Ok(expected)) = (claims, decoded, expected) {
        assert!(decoded.header == expected.header, "header: {}", shown());
        assert!(decoded.payload == expected.payload, "payload: {}", shown());
        let texts = [claims.issuer(), claims.subject()].map(|text| text.map(|text| text.to_string()));
        assert!(texts == expected.texts, "iss and sub: {}", shown());
    }
}

fn cases() -> Vec<Case> {
    let mut cases = corpus::lines();
    cases.extend(corpus::big::cases());
    cases
}

fn broken<'a>(good: &'a [u8], bytes: &'a [u8]) -> impl Iterator<Item = Vec<u8>> + 'a {
    (0..good.len()).flat_map(move |at| {
        let (before, behind) = (&good[..at], &good[at + 1..]);
        let other = bytes.iter().map(move |byte| [before, &[*byte], behind].concat());
        other.chain([[before, behind].concat(), [before, &[good[at]], &good[at..]].concat()])
    })
}
