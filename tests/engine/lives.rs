//! Tokens whose life is told in other ways, or not at all.
use crate::common::*;

/// JD1: an encrypted token cannot be read; the answer says how long it lives.
#[test]
fn a_token_that_cannot_be_read_is_scheduled_by_what_the_answer_says() {
    for token in ["eyJhbGciOiJkaXIifQ..iv.cipher.cAnArYx7", "opaque.cAnArYx7", "a.b.c", "eyJ.e30.cAnArYx7"] {
        let mut world = World::new();
        let pair = |token: &str| {
            format!(r#"{{"access_token":"{token}","refresh_token":"r-{CANARY}","expires_in":900}}"#)
        };
        world.set_tokens(&pair(token), SessionMode::Auto);
        world.server.always = Some(Reply::Fixed(answer(200, &pair("next.cAnArYx7"))));
        let began = world.clock.elapsed;
        world.advance(minutes(15));
        let after = world.server.times()[0] - began;
        assert!((540_000..=600_000).contains(&after), "{token}: {after}");
        assert_eq!(world.state(), State::Active, "{token}");
    }
}

/// JD1: nothing tells when it ends, so nothing is planned; a 401 shows it.
#[test]
fn a_token_of_which_nothing_is_told_arms_no_timer_and_is_refreshed_by_a_401() {
    let mut world = World::new();
    let pair = format!(r#"{{"access_token":"opaque-{CANARY}","refresh_token":"r-{CANARY}"}}"#);
    world.set_tokens(&pair, SessionMode::Auto);
    assert_eq!((world.armed(), world.snapshot().expires_at), (None, None));
    world.advance(hours(48));
    let call = world.need();
    world.expect(call, Settled::Done);
    assert_eq!((world.requests(), world.ticks, world.state()), (0, 0, State::Active));
    let next = answer(200, &pair.replace("opaque", "second"));
    world.server.always = Some(Reply::Fixed(next));
    let call = world.unauthorized();
    world.advance(secs(1));
    world.expect(call, Settled::Resend);
    assert_eq!((world.requests(), world.armed()), (1, None));
}

/// CK1: a fast clock makes every end seem past; where no `Date` can be read, only a 401 tells.
#[test]
fn without_a_readable_date_an_end_in_the_past_is_no_end() {
    let mut world = World::new();
    world.server.dated = false;
    world.clock.ahead = 86_400_000 * 365;
    let pair = |world: &World| {
        let ends = world.clock.truth() / 1_000 + 900;
        let token = jwt_of(&format!(r#"{{"sub":"ada","exp":{ends}}}"#));
        format!(r#"{{"access_token":"{token}","refresh_token":"r-{CANARY}"}}"#)
    };
    let first = pair(&world);
    world.set_tokens(&first, SessionMode::Auto);
    assert_eq!((world.state(), world.snapshot().expires_at), (State::Active, None));
    world.advance(minutes(14));
    let call = world.need();
    world.expect(call, Settled::Done);
    assert_eq!(world.requests(), 0, "no loop of refreshes");
    world.advance(minutes(2));
    let next = pair(&world);
    world.server.always = Some(Reply::Fixed(answer(200, &next)));
    let call = world.unauthorized();
    world.advance(secs(1));
    world.expect(call, Settled::Resend);
    assert_eq!((world.requests(), world.state()), (1, State::Active));
}

/// CK4: the margin is a share of a short life.
#[test]
fn the_margin_of_a_short_life_is_a_quarter_of_it() {
    for (lifetime, margin) in [(20, 5_000), (60, 15_000), (100, 25_000), (120, 30_000), (3_600, 30_000)] {
        let used_with = |left: u64| {
            let mut world = World::with(|options| options.number("lead", 0.0).unwrap());
            world.server.lifetime = lifetime;
            world.sign_in("ada");
            world.advance_to_end(Millis(left));
            let until = world.verdict.as_ref().and_then(|verdict| verdict.until).expect("a known end");
            let call = world.need();
            world.expect(call, Settled::Done);
            (world.requests(), until.mono <= world.clock.now().mono)
        };
        assert_eq!(used_with(margin + 1), (0, false), "{lifetime}");
        assert_eq!(used_with(margin - 1), (1, true), "{lifetime}");
    }
}

/// What has failed is tried again when it was announced, also where no end makes a schedule.
#[test]
fn a_refresh_of_an_endless_token_that_failed_is_tried_again_when_it_says() {
    let mut world = World::new();
    let pair = format!(r#"{{"access_token":"opaque-{CANARY}","refresh_token":"r-{CANARY}"}}"#);
    world.set_tokens(&pair, SessionMode::Auto);
    world.advance(secs(10));
    world.server.always = Some(Reply::Unreachable);
    world.force();
    world.advance_until(secs(60), |world| world.failures().iter().any(|(_, exhausted)| *exhausted));
    let made = world.requests();
    let announced = world.snapshot().next_retry_at.expect("a moment");
    world.advance(announced.since(world.clock.now().wall));
    assert_eq!(world.requests(), made + 1);
    assert_eq!(world.state(), State::Active);
}
