//! A refresh that finds the store busy with a write waits for its end, whatever happens meanwhile.
use crate::common::*;
use evertoken::engine::ids::Epoch;
use evertoken::engine::notice::Notice;

#[test]
fn a_refresh_that_waits_for_a_write_goes_on_though_another_tab_has_told_of_something() {
    for told in [false, true] {
        let mut world = World::new();
        world.store.mode = Mode::Delayed(1_500);
        world.sign_in("ada");
        world.store.mode = Mode::Delayed(100);
        let call = world.force();
        world.advance(ms(500));
        world.expect_waiting(call);
        if told {
            let notice = Notice { epoch: Epoch(1 << 51), generation: Generation(1) };
            world.input(Input::Notice(notice.encode()));
        }
        world.advance(secs(3));
        world.expect(call, Settled::Done);
        assert_eq!((world.requests(), world.lock), (1, None), "told: {told}");
    }
}
