//! The trail is enough to do again what happened, and holds nothing of a token.
mod runs;

use crate::common::*;
use evertoken::engine::Engine;
use evertoken::engine::metrics::{Mark, Trail};
use runs::{RUNS, options_of};

#[test]
fn a_trail_does_again_what_it_tells_of() {
    for (name, kind, run) in RUNS {
        for mode in [Mode::Sync, Mode::Delayed(70)] {
            let mut world = recorded(kind, 3);
            world.store.mode = mode;
            world.boot();
            run(&mut world);
            world.expect_replay(name);
        }
    }
}

/// Also of a page that begins with what another has stored.
#[test]
fn the_trail_of_a_reloaded_page_does_too() {
    for (name, kind, run) in RUNS {
        let mut world = recorded(kind, 4);
        world.boot();
        run(&mut world);
        let mut world = world.reload(5);
        world.need();
        world.advance(hours(2));
        world.expect_replay(name);
    }
}

/// A user's calls before the store has been read.
#[test]
fn calls_before_the_store_is_read_are_done_again_in_their_order() {
    let mut world = recorded("", 6);
    world.boot();
    let pair = world.server.sign_in("ada", world.clock.truth());
    world.set_tokens(&pair, SessionMode::Auto);
    world.store.mode = Mode::Delayed(900);
    let mut world = world.reload(7);
    world.need();
    world.advance(ms(300));
    world.set_tokens(&pair, SessionMode::Auto);
    world.force();
    world.sign_out();
    world.sign_in("bob");
    world.advance(secs(20));
    world.expect_replay("early calls");
}

/// I14: other tokens and other users of the same times make the very same trail.
#[test]
fn nothing_of_a_token_or_a_user_is_in_the_trail() {
    let run = |user: &str, skipped: u32| {
        let mut world = recorded("", 8);
        world.boot();
        for _ in 0..skipped {
            world.server.sign_in("nobody", world.clock.truth());
        }
        world.sign_in(user);
        world.advance(hours(2));
        world.sign_out();
        (world.store.history, steps_of(&world.engine))
    };
    let (ada, bartholomew) = (run("ada", 0), run("bartholomew", 5));
    assert_ne!(ada.0, bartholomew.0);
    assert_eq!(ada.1, bartholomew.1);
}

/// The numbers are public: who reads a report must know what they mean.
#[test]
fn the_numbers_of_a_refresh_are_these() {
    let mut world = recorded("", 9);
    world.boot();
    world.sign_in("ada");
    world.advance(secs(10));
    world.force();
    world.advance(ms(200));
    let (at, wall) = (5_000, START + 5_000);
    let id = world.record().session.expect("a session").id.number();
    let halves = |number: u64| [(number >> 32) as i64, (number & 0xffff_ffff) as i64];
    let ada = [3, 1, 1, wall, 1, wall + 900_000];
    let steps = steps_of(&world.engine);
    let later = wall + 10_000;
    let expected: Vec<Vec<i64>> = vec![
        vec![at, 72, wall, 0, 9],
        vec![at, 77, wall, 1, 0, 0],
        vec![at, 15, 0],
        vec![at, 1, 0],
        [&[at, 73, wall, 0, 0, 1][..], &ada[1..], &[2, 0, 0, 0, 1, 900_000, 0, 0]].concat(),
        vec![at, 2, 0],
        vec![at, 78, wall, 2, 1],
        vec![at, 16, 0],
    ];
    assert_eq!(steps[..expected.len()], expected);
    let ticks = |step: &&Vec<i64>| step[1] != 79;
    let rest: Vec<&Vec<i64>> = steps[expected.len()..].iter().filter(ticks).collect();
    let (at, wall) = (15_000, later);
    let refresh: Vec<Vec<i64>> = vec![
        vec![at, 70, wall, 0],
        vec![at, 4, 0],
        vec![at, 67, wall, 1],
        vec![at, 23, 1],
        [
            &[at, 77, wall, 3, 3, START + 5_000, 1, 0, 0, 0, 1],
            &halves(id)[..],
            &[0, 0, 2, 0, 0, 0, 0, 1, 1],
            &ada[1..],
            &[START + 5_000, 1, 900_000, 0],
        ]
        .concat(),
        vec![at, 15, 1],
        vec![at, 78, wall, 4, 1],
        vec![at, 16, 0],
        vec![at, 5, 1],
        [
            &[at + 200, 64, wall + 200, 1, 1, 200, 1, START + 15_000, 0, 4][..],
            &[3, 1, 1, START + 15_000, 1, START + 915_000],
            &[4, 0, 0, 0, 1, 900_000, 0, 0],
        ]
        .concat(),
        vec![at + 200, 6, 200],
        vec![at + 200, 7, 2],
        vec![at + 200, 78, wall + 200, 5, 1],
        vec![at + 200, 16, 0],
        vec![at + 200, 24, 1],
    ];
    assert_eq!(rest, refresh.iter().collect::<Vec<_>>());
}

#[test]
fn the_trail_keeps_the_last_two_hundred_steps() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(hours(24));
    let steps = steps_of(&world.engine);
    assert_eq!((steps.len(), Trail::LENGTH), (200, 200));
    let last = steps.last().map(|step| step[0] as u64);
    assert!(last.is_some_and(|at| world.clock.elapsed - at <= 120_000), "{last:?}");
    assert!(steps.iter().any(|step| step[1] == Mark::Granted as i64));
}

/// A million simulated engines have no room for it.
#[test]
fn a_trail_of_no_length_stays_empty() {
    let mut world = recorded("", 1);
    world.config.trail = 0;
    world.engine = Engine::new(world.config.clone(), 1);
    world.boot();
    world.sign_in("ada");
    world.advance(hours(1));
    assert_eq!(steps_of(&world.engine).len(), 0);
}

/// A page whose trail has room for the whole run, before its first input.
fn recorded(kind: &str, seed: u64) -> World {
    let mut world = World::unread(|options| options_of(kind, options), seed);
    world.record_all(seed);
    world
}
