//! Writes that find something else in the store than was read.
use crate::common::*;

/// I2: what another tab writes and takes back is no reason to write without comparing.
#[test]
fn a_claim_that_came_and_went_is_still_compared_with() {
    let mut world = World::new();
    world.sign_in("ada");
    world.advance(secs(5));
    let before = world.store.text.clone().unwrap_or_default();
    let claimed = claimed_elsewhere(&world);
    world.store.mode = Mode::Delayed(300);
    world.refresh();
    // Read, then the claim is on its way.
    world.advance(ms(450));
    world.store.put(claimed.as_str());
    // The claim is denied, then what is there is read.
    world.advance(ms(300));
    world.store.put(before);
    // The next claim is on its way.
    world.advance(ms(300));
    world.store.put(claimed.as_str());
    world.advance(ms(300));
    assert_eq!((world.requests(), world.store.text.as_deref()), (0, Some(claimed.as_str())));
}

/// The record in the store, with the claim of a tab that is alone.
fn claimed_elsewhere(world: &World) -> String {
    let claim = Claim { owner: 7, hold: Hold::Alone, at: world.clock.now().wall, life: secs(12) };
    Record { claim: Some(claim), ..world.record() }.encode().expose().to_owned()
}
