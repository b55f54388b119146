//! What is asked while the store is read is answered in its order: found by the simulator.
use crate::common::*;
use evertoken::engine::Engine;

#[test]
fn a_call_gets_the_token_of_its_own_moment_and_not_what_came_after_it() {
    let mut before = World::new();
    before.sign_in("ada");
    let stored = before.store.text.clone().map(Secret::new);
    let now = before.clock.now();
    for leave in [true, false] {
        let mut engine = Engine::new(before.config.clone(), 1);
        engine.handle(now, Input::Restore);
        let op = std::iter::from_fn(|| engine.poll_output()).find_map(|output| match output {
            Output::ReadStore(op) => Some(op),
            _ => None,
        });
        engine.handle(now, Input::Need { call: CallId(1), min_validity: Millis::ZERO });
        engine.handle(
            now,
            if leave {
                Input::SignOut { call: CallId(2), revocation: Revocation::Skip }
            } else {
                let response = Secret::new(before.server.sign_in("bob", before.clock.truth()));
                Input::SetTokens { call: CallId(2), response, session: SessionMode::New }
            },
        );
        engine.handle(now, Input::StoreRead { op: op.unwrap(), text: stored.clone(), fence: None });
        let mut verdict = None;
        let mut seen = Vec::new();
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Verdict(told) => verdict = told.map(|verdict| verdict.generation),
                Output::Settle(CallId(1), result) => seen.push((result.is_ok(), verdict)),
                _ => {}
            }
        }
        assert_eq!(seen, [(true, Some(Generation(1)))], "leave: {leave}");
        assert_eq!(verdict, if leave { None } else { Some(Generation(2)) }, "leave: {leave}");
    }
}
