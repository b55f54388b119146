//! What is watched of the app's own requests.

use evertoken::engine::ids::Generation;

use crate::invariant::Invariant;
use crate::provider::Receipt;
use crate::tab::Payload;
use crate::world::World;

impl World {
    /// A request of the app leaves with `token`.
    pub(crate) fn watch_api_send(
        &mut self,
        tab: usize,
        token: &str,
        generation: Generation,
        first: Option<Generation>,
    ) {
        if first.is_some_and(|first| generation <= first) {
            self.broke(Invariant::I8, || format!("sent again with {generation:?} after {first:?}"));
        }
        let Some(access) = self.provider.access(token).copied() else {
            return self.broke(Invariant::I4, || "a token was sent that nobody made".into());
        };
        if self.tabs[tab].eye.gone.contains(&access.family) {
            self.broke(Invariant::I5, || format!("an access token of sign-in {} after it", access.family));
        }
        let (Some(life), Some((first, last))) = (self.provider.told_life(), access.received) else {
            return;
        };
        let lies = self.clock.lies();
        let page = self.tabs[tab].page;
        let age = |receipt: Receipt| self.clock.elapsed - receipt.elapsed;
        let is_over = |receipt: Receipt| {
            // Either clock alone tells the time, the monotonic one only in the page that got the token.
            let mono_tells = receipt.page == page && lies.stood_still == receipt.lies.stood_still;
            let hidden = if mono_tells { 0 } else { lies.set_back - receipt.lies.set_back };
            age(receipt) >= life + hidden
        };
        // What the page that had it first has stored may be what the store shows.
        if is_over(first) && is_over(last) {
            let age = age(last);
            self.broke(Invariant::I4, || format!("a token of {life} ms was sent at the age of {age} ms"));
        }
    }

    /// A request of the app arrives. `again`: it says that it was sent before and refused.
    pub(crate) fn watch_api_arrival(&mut self, payload: Payload, again: bool) {
        let times = self.watch.arrived.entry(payload).or_default();
        *times += 1;
        let (times, rejected) = (*times, self.watch.rejected.contains(&payload));
        if times > 2 || again && !rejected || !again && times > 1 {
            self.broke(Invariant::I16, || format!("{payload:?} arrived {times} times; refused: {rejected}"));
        }
    }
}
