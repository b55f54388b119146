//! T15, SE3, I14: nothing that is shown holds a token, or eight consecutive characters of one.
//!
//! Every world checks each output of each test too; here everything public is shown at once.
use crate::common::*;
use evertoken::engine::record::Record;
use evertoken::engine::response::{self, Fields};

/// Everything that can be printed, while tokens are in every place that holds any.
#[test]
fn no_debug_output_shows_a_part_of_a_token() {
    let mut world = World::with(|options| {
        options.text("revoke.url", "/auth/revoke".into()).unwrap();
        options.number("refresh.sendAccessToken", 1.0).unwrap();
    });
    let pair = world.server.sign_in("ada", world.clock.truth());
    let handed =
        Input::SetTokens { call: CallId(1), response: Secret::new(pair.clone()), session: SessionMode::Auto };
    let mut shown = vec![format!("{handed:?}")];
    world.asked.insert(CallId(1));
    world.input(handed);
    world.sleep(minutes(20));
    world.store.mode = Mode::Delayed(100);
    world.need();
    for _ in 0..8 {
        shown.push(format!("{:?} {:#?} {:?}", world.engine, world.engine, world.engine.trail()));
        shown.push(format!("{:?} {:?} {:?}", world.verdict, world.snapshots, world.events));
        shown.push(format!("{:?} {:?}", world.sent, world.settled));
        world.advance(ms(100));
    }
    let answered = Outcome::Answered(answer(200, &pair));
    shown.push(format!(
        "{answered:?} {:?}",
        Input::Answer { attempt: AttemptId(1), outcome: answered.clone() }
    ));
    shown.push(format!("{:?}", answer(200, &pair).judge(&Fields::default(), false)));
    shown.push(format!("{:?}", response::parse(&pair, &Fields::default(), false)));
    let text = world.store.text.clone().unwrap();
    shown.push(format!("{:?}", Record::decode(&text, "default")));
    shown.push(format!(
        "{:?}",
        Input::StoreRead { op: StoreOp(1), text: Some(Secret::new(text)), fence: None }
    ));
    world.sign_out();
    shown.push(format!("{:?} {:?}", world.revoked, world.engine));
    assert_clean(&shown.join("\n"), &tokens(&pair));
}

/// What a server says beside its tokens is handed on, unless it repeats a token.
#[test]
fn extras_that_repeat_a_token_are_not_handed_on() {
    for (extra, handed_on) in [
        (r#""user":{"id":1}"#.to_owned(), true),
        (r#""session":{"access_token":"ACCESS"}"#.to_owned(), false),
        (r#""log":"issued REFRESH"#.to_owned() + r#"""#, false),
        (r#""data":{"refresh_token":"REFRESH"}"#.to_owned(), false),
        (r#""issued":{"REFRESH":1}"#.to_owned(), false),
        (r#""REFRESH":1"#.to_owned(), false),
        (r#""replaces":"OLD""#.to_owned(), false),
        (r#""OLD":1"#.to_owned(), false),
    ] {
        let mut world = World::new();
        world.sign_in("ada");
        world.advance(secs(5));
        let (access, refresh) = (jwt("ada", START / 1_000 + 5, 900, 7), format!("refresh.0.1.{CANARY}"));
        let extra = extra.replace("ACCESS", &access).replace("REFRESH", &refresh);
        let extra = extra.replace("OLD", &format!("refresh.0.0.{CANARY}"));
        let body =
            format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":900,{extra}}}"#);
        world.server.always = Some(Reply::Fixed(answer(200, &body)));
        world.refresh();
        world.advance(secs(1));
        let extras = world.events.iter().find_map(|event| match event {
            Event::Refreshed { extras, .. } => Some(extras.as_deref().map(str::to_owned)),
            _ => None,
        });
        let extras = extras.expect("a refresh");
        assert_eq!(extras.is_some(), handed_on, "{extra}");
    }
}

/// A server that repeats what was sent, wherever an error could carry it.
#[test]
fn an_error_repeats_nothing_of_what_was_sent() {
    let token = "abcdefgh_ijklmnop_qrstuvwx";
    for echo in [token, &token[..8], &token[5..14]] {
        for status in [400, 401, 403, 422, 429, 500] {
            let mut world = World::new();
            let pair = format!(r#"{{"access_token":"a","refresh_token":"{token}","expires_in":60}}"#);
            world.set_tokens(&pair, SessionMode::Auto);
            let body = format!(r#"{{"error":"{echo}","error_description":"{echo}"}}"#);
            let echoing = Answer {
                request_id: Some(format!("id-{echo}")),
                retry_after: Some(echo.into()),
                ..answer(status, &body)
            };
            world.server.always = Some(Reply::Fixed(echoing));
            world.sleep(minutes(5));
            let call = world.need();
            world.advance(secs(10));
            let error = world.result(call).clone().unwrap_err();
            let shown = format!("{error:?} {:?} {:?}", world.events, world.snapshots);
            assert_clean(&shown, &[token.to_owned()]);
        }
    }
}

/// An identifier that repeats nothing helps to find the request in the server's log.
#[test]
fn a_plain_request_id_is_told() {
    let mut world = World::expired();
    let refused = Answer { request_id: Some("req-7".into()), ..answer(503, "") };
    world.server.always = Some(Reply::Fixed(refused));
    let call = world.need();
    world.advance(secs(10));
    let error = world.expect_error(call, ErrorCode::RefreshUnavailable);
    assert_eq!(error.request_id.as_deref(), Some("req-7"));
}

fn tokens(pair: &str) -> Vec<String> {
    pair.split('"').filter(|part| part.contains(CANARY)).map(str::to_owned).collect()
}

#[track_caller]
fn assert_clean(shown: &str, tokens: &[String]) {
    assert!(!tokens.is_empty() && !shown.is_empty());
    for token in tokens {
        for part in token.as_bytes().windows(8) {
            let part = std::str::from_utf8(part).expect("tokens are ASCII");
            let at = shown.find(part);
            assert_eq!(at, None, "{part} shows in {}", &shown[at.unwrap_or(0)..][..60.min(shown.len())]);
        }
    }
}
