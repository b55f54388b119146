//! What a refresh sends, and what the app's callback is told.
use crate::common::*;
use evertoken::engine::endpoint::HttpRequest;

#[test]
fn an_endpoint_gets_the_refresh_token_in_a_json_body() {
    let mut world = World::expired();
    world.need();
    let TokenRequest::Http(request) = &world.sent[0].1 else { panic!("{:?}", world.sent[0]) };
    assert_eq!((request.endpoint.method.as_ref(), request.endpoint.url.as_ref()), ("POST", "/auth/refresh"));
    let body = request.body.as_ref().map(Secret::expose);
    assert_eq!(body, Some(r#"{"refresh_token":"refresh.0.0.cAnArYx7"}"#));
    assert!(!request.keepalive, "only a cookie's rotation is safe beyond the page");
}

#[test]
fn headers_and_parameters_of_the_app_go_along_each_to_its_endpoint() {
    let mut world = World::expired_with(|options| {
        for (option, value) in [("refresh.format", "form"), ("revoke.url", "/auth/revoke")] {
            options.text(option, value.into()).unwrap();
        }
        for (option, name) in [
            ("refresh.headers", "X-Refresh"),
            ("refresh.params", "audience"),
            ("revoke.headers", "X-Revoke"),
            ("revoke.params", "reason"),
        ] {
            options.text(&format!("{option}.{name}"), "1".into()).unwrap();
        }
    });
    world.need();
    world.sign_out();
    let TokenRequest::Http(refresh) = &world.sent[0].1 else { panic!("{:?}", world.sent[0]) };
    let revoke = &world.revoked[0];
    let of = |request: &HttpRequest| {
        let body = request.body.as_ref().map_or("", Secret::expose).to_owned();
        let headers = request.headers().map(|(name, value)| format!("{name}: {value}"));
        (headers.collect::<Vec<_>>(), body)
    };
    let (headers, body) = of(refresh);
    assert_eq!(headers, ["Content-Type: application/x-www-form-urlencoded", "X-Refresh: 1"]);
    assert_eq!(body, "grant_type=refresh_token&refresh_token=refresh.0.0.cAnArYx7&audience=1");
    let (headers, body) = of(revoke);
    assert_eq!(headers, ["Content-Type: application/json", "X-Revoke: 1"]);
    assert_eq!(body, r#"{"token":"refresh.0.0.cAnArYx7","reason":"1"}"#);
    assert!(revoke.keepalive, "the page may be left right after");
}

#[test]
fn the_old_access_token_goes_along_where_the_app_says_so() {
    for send in [0.0, 1.0] {
        let mut world =
            World::expired_with(|options| options.number("refresh.sendAccessToken", send).unwrap());
        let old = world.record().session.and_then(|session| session.access).unwrap().token;
        world.need();
        let TokenRequest::Http(request) = &world.sent[0].1 else { panic!("{:?}", world.sent[0]) };
        let bearer = format!("Bearer {}", old.expose());
        let sent = request.authorization.as_ref().map(Secret::expose);
        assert_eq!(sent, (send == 1.0).then_some(&*bearer));
    }
}

#[test]
fn a_callback_is_told_the_reason_the_attempt_and_both_tokens() {
    type Begin = fn(&mut World);
    let reasons: [(Reason, Begin); 4] = [
        (Reason::Scheduled, |world| world.advance_to_end(secs(300))),
        (Reason::Unauthorized, |world| {
            world.unauthorized();
        }),
        (Reason::Asked, |world| {
            world.refresh();
        }),
        (Reason::Expired, |world| {
            world.sleep(minutes(20));
            world.wake(Wake::Hidden);
            world.need();
        }),
    ];
    for (reason, begin) in reasons {
        let mut world = World::with(|options| options.text("refresh.kind", "callback".into()).unwrap());
        world.sign_in("ada");
        world.advance(secs(10));
        world.server.script.push_back(Reply::Unreachable);
        begin(&mut world);
        world.advance(secs(3));
        for (index, (_, request)) in world.sent[..2].iter().enumerate() {
            let TokenRequest::Call(call) = request else { panic!("{request:?}") };
            assert_eq!((call.reason, call.attempt as usize), (reason, index + 1));
            assert_eq!(call.refresh.as_ref().map(Secret::expose), Some("refresh.0.0.cAnArYx7"));
            assert!(call.access.as_ref().is_some_and(|token| token.expose().starts_with("eyJ")));
        }
    }
}

/// ST3: an answer without a refresh token keeps the old one, and its other members are handed on.
#[test]
fn the_old_refresh_token_stays_until_a_new_one_comes() {
    for absent in ["", r#","refresh_token":null"#, r#","refresh_token":"""#] {
        let mut world = World::expired();
        let access = jwt("ada", world.clock.truth() / 1_000, 900, 9);
        let body = format!(r#"{{"access_token":"{access}"{absent},"user":{{"plan":"pro"}}}}"#);
        world.server.script.push_back(Reply::Fixed(answer(200, &body)));
        world.need();
        world.advance(minutes(12));
        assert_eq!(world.server.requests[1].refresh_token.as_deref(), Some("refresh.0.0.cAnArYx7"));
        assert_eq!(world.state(), State::Active, "{absent}");
        let Some(Event::Refreshed { extras, .. }) = world.events.get(1) else { panic!("{:?}", world.events) };
        assert_eq!(extras.as_deref(), Some(r#"{"user":{"plan":"pro"}}"#));
    }
}

/// NE3: an answer that cannot be used is not stored.
#[test]
fn garbage_success_is_not_stored() {
    let huge = "x".repeat(10_000_000);
    let garbage = ["", "null", "[]", "{}", "<html>", "{\"access_token\":\"", "{\"access_token\":7}", &huge];
    for body in garbage {
        let mut world = World::expired();
        let stored = world.stored_pair();
        world.server.script.push_back(Reply::Fixed(answer(200, body)));
        world.need();
        world.advance(ms(300));
        let shown = &body[..body.len().min(30)];
        assert_eq!(world.failures()[0].0.cause, Some(Cause::BadResponse), "{shown}");
        assert_eq!((world.state(), world.ends()), (State::Stale, vec![]), "{shown}");
        assert_eq!(world.stored_pair(), stored, "{shown}");
        world.advance(secs(2));
        assert_eq!(world.state(), State::Active, "{shown}");
    }
}
