//! Whatever happens in whatever order, the promises hold.
//!
//! The first property drives a [`World`], which checks on every step that calls are settled once, that one attempt flies
//! at a time, that nothing begins after a dispose, and that nothing shows a
//! token. The second gives the bare engine any times at all, clocks that run backwards included.
mod act;
mod strategies;

use crate::common::*;
use act::{Act, apply, options_of, outcome};
use evertoken::engine::{Config, Engine};
use proptest::prelude::*;
use std::collections::BTreeMap;
use strategies::{act, any_time};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_call_is_settled_once_and_nothing_breaks(
        kind in 0..4_u8,
        seed in any::<u64>(),
        acts in proptest::collection::vec(act(), 1..60),
    ) {
        let mut world = World::unread(|options| options_of(kind, options), seed);
        world.boot();
        for act in acts {
            apply(&mut world, act);
        }
        world.advance(secs(20));
        world.input(Input::Dispose);
        prop_assert_eq!(world.unsettled(), 0);
        prop_assert_eq!(world.armed(), None);
        world.store.mode = Mode::Sync;
        world.advance(hours(2));
        prop_assert_eq!(world.armed(), None);
    }

    /// I3: with a store and a server that answer, every call is settled within its wait, without a dispose.
    #[test]
    fn no_call_waits_longer_than_it_may(
        seed in any::<u64>(),
        acts in proptest::collection::vec(act(), 1..40),
    ) {
        let mut world = World::unread(|_| {}, seed);
        world.boot();
        for act in acts.into_iter().filter(|act| !matches!(act, Act::Dispose)) {
            apply(&mut world, act);
        }
        world.store.mode = Mode::Sync;
        world.wake(Wake::Shown);
        // The wait itself; or what is stored: six writes that meet something else, each with the look after it.
        world.advance(secs(6 * (2 + 2 + 2) + 4));
        prop_assert_eq!(world.unsettled(), 0);
    }

    /// Whatever has happened, the trail does it again.
    #[test]
    fn every_trail_can_be_done_again(
        kind in 0..4_u8,
        seed in any::<u64>(),
        acts in proptest::collection::vec(act(), 1..40),
    ) {
        let mut world = World::unread(|options| options_of(kind, options), seed);
        world.record_all(seed);
        world.boot();
        for act in acts {
            apply(&mut world, act);
        }
        world.expect_replay("random acts");
    }

    #[test]
    fn no_times_and_no_answers_make_it_panic(
        kind in 0..4_u8,
        seed in any::<u64>(),
        steps in proptest::collection::vec((any_time(), act()), 1..60),
    ) {
        let mut options = endpoint();
        options_of(kind, &mut options);
        let mut bare = Bare::new(options, seed);
        bare.handle(Now::default(), Input::Restore);
        for (now, act) in steps {
            bare.apply(now, act);
        }
        bare.handle(Now::default(), Input::Dispose);
        let open: Vec<_> = bare.calls.iter().filter(|(_, times)| **times != 1).collect();
        prop_assert!(open.is_empty(), "not settled once: {:?}", open);
        let steps = steps_of(&bare.engine);
        prop_assert_eq!(replay(&bare.config, &steps).steps, steps, "not done again");
    }
}

/// An engine without a world: what it asks for stays undone unless an act does it.
struct Bare {
    config: Config,
    engine: Engine,
    calls: BTreeMap<CallId, u32>,
    generation: Generation,
}

impl Bare {
    fn new(options: Options, seed: u64) -> Self {
        let config = Config { trail: usize::MAX, ..options.into_config().expect("valid options") };
        Self {
            engine: Engine::new(config.clone(), seed),
            config,
            calls: BTreeMap::new(),
            generation: Generation(0),
        }
    }

    fn apply(&mut self, now: Now, act: Act) {
        let generation = self.generation.0;
        let input = match act {
            Act::Answer(attempt, reply) => {
                Input::Answer { attempt: AttemptId(attempt), outcome: outcome(reply) }
            }
            Act::Call(ask) => ask.input(self.next_call(), generation),
            Act::Dispose => Input::Dispose,
            Act::Hand(pair, session) => {
                let response = Secret::new(pair.response());
                Input::SetTokens { call: self.next_call(), response, session }
            }
            Act::Replayed(generation, reception) => {
                Input::Replayed { generation: Generation(generation), reception }
            }
            Act::Start => Input::Start,
            Act::Stop => Input::Stop,
            Act::StoreRead(op, text) => {
                Input::StoreRead { op: StoreOp(op), text: Some(Secret::new(text)), fence: None }
            }
            Act::StoreWritten(op, stored) => Input::StoreWritten { op: StoreOp(op), stored },
            Act::Wake(wake) => Input::Wake(wake),
            _ => Input::Tick,
        };
        self.handle(now, input);
    }

    fn next_call(&mut self) -> CallId {
        let call = CallId(self.calls.len() as u32 + 1);
        self.calls.insert(call, 0);
        call
    }

    fn handle(&mut self, now: Now, input: Input) {
        self.engine.handle(now, input);
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Settle(call, _) => *self.calls.entry(call).or_default() += 1,
                Output::Snapshot(snapshot) => self.generation = snapshot.generation,
                _ => {}
            }
        }
        self.engine.poll_timeout();
    }
}
