//! What an answer of the token endpoint may look like and still be one.
use crate::common::*;

/// Tokens are tokens, whatever type a server gives its answer.
#[test]
fn good_tokens_labelled_as_html_are_a_grant() {
    for label in ["text/html", "text/html; charset=utf-8", "text/plain", ""] {
        let mut world = World::expired();
        let pair = world.server.sign_in("ada", world.clock.truth());
        let labelled = Answer { content_type: Some(label.into()), ..answer(200, &pair) };
        world.server.script.push_back(Reply::Fixed(labelled));
        let call = world.need();
        world.advance(secs(1));
        world.expect(call, Settled::Done);
        assert_eq!((world.requests(), world.state()), (1, State::Active), "{label}");
    }
}

/// The access token cannot be used, but the refresh token that came with it is the only live one.
#[test]
fn a_refresh_token_beside_a_foreign_kind_of_token_is_kept() {
    let mut world = World::expired();
    let pair = world.server.sign_in("ada", world.clock.truth()).replace("Bearer", "DPoP");
    world.server.script.push_back(Reply::Fixed(answer(200, &pair)));
    let call = world.need();
    world.advance(secs(1));
    world.expect_error(call, ErrorCode::UnsupportedTokenType);
    assert!(world.store.holds("refresh.1.0"), "{:?}", world.store.text);
    assert_eq!((world.state(), world.count("refreshed")), (State::Stale, 0));
    world.advance(secs(31));
    assert_eq!(world.server.requests[1].refresh_token.as_deref(), Some("refresh.1.0.cAnArYx7"));
    assert_eq!((world.requests(), world.state()), (2, State::Active));
}

/// Opaque to us: what fits into a body is sent as it came.
#[test]
fn a_refresh_token_with_a_space_is_kept() {
    for token in ["a b", " lead and trail ", "ä+/=%&\"\\"] {
        for (format, sent) in [("json", json_body(token)), ("form", form_body(token))] {
            let mut world = World::with(|options| options.text("refresh.format", format.into()).unwrap());
            let pair = format!(
                r#"{{"access_token":"A-{CANARY}","refresh_token":{},"expires_in":60}}"#,
                quoted(token)
            );
            let call = world.set_tokens(&pair, SessionMode::Auto);
            world.expect(call, Settled::Started);
            let mut world = world.reload(2);
            world.force();
            let TokenRequest::Http(request) = &world.sent[0].1 else { panic!("{:?}", world.sent[0]) };
            assert_eq!(request.body.as_ref().map(Secret::expose), Some(&*sent));
        }
    }
}

#[test]
fn an_answer_that_is_cut_off_may_have_held_the_tokens() {
    for cut in ["", "{", "{\"access_token\":\"abc", "{\"access_token\":\"abc\",\"refresh_token\":\"de"] {
        let mut world = World::expired();
        world.server.script.push_back(Reply::Fixed(answer(200, cut)));
        world.need();
        world.server.revoke(0);
        world.advance(secs(2));
        assert_eq!(world.ends(), [EndReason::RefreshResponseLostPossible], "{cut}");
        assert_eq!(world.requests(), 2, "{cut}");
    }
}

/// Of an error there is nothing to lose.
#[test]
fn an_error_that_is_cut_off_has_held_none() {
    let mut world = World::expired();
    world.server.script.push_back(Reply::Fixed(answer(502, "{\"access_token\":\"abc")));
    world.need();
    world.server.revoke(0);
    world.advance(secs(2));
    assert_eq!(world.ends(), [EndReason::Refused]);
}

fn quoted(token: &str) -> String {
    format!("\"{}\"", token.replace('\\', "\\\\").replace('"', "\\\""))
}

fn json_body(token: &str) -> String {
    format!(r#"{{"refresh_token":{}}}"#, quoted(token))
}

/// As `application/x-www-form-urlencoded` has it.
fn form_body(token: &str) -> String {
    let encoded: String = token
        .bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!("grant_type=refresh_token&refresh_token={encoded}")
}
