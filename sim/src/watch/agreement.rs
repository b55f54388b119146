//! What must be so when the calm is over.

use evertoken::engine::output::State;
use evertoken::engine::time::Millis;

use super::eye::{Eye, Session};
use crate::invariant::Invariant;
use crate::locks::Locking;
use crate::store::Manner;
use crate::world::World;

impl World {
    pub(crate) fn watch_end(&mut self, tab: usize) {
        let view = &self.tabs[tab];
        let (state, eye, open) = (view.state(), &view.eye, view.calls.len());
        // Where nobody asks, nobody knows before the token has ended.
        let bearer = view.verdict.as_ref().map(|verdict| verdict.bearer.expose());
        // It may have ended right after the last call.
        let accepted = eye.last_status == Some(200)
            || bearer.is_some_and(|bearer| self.provider.accepts(bearer, &self.clock));
        let refreshable = eye.family.is_some_and(|family| self.provider.is_alive(family));
        let alive = accepted || refreshable;
        // Refused, or left behind by a pair that is lost, an access token serves to its end.
        let serves_out = accepted && (!refreshable || eye.news().is_some());
        // A caller that does not wait for a refresh gets its 401.
        let waits = self.scenario.config.max_wait >= Millis::from_secs(2);
        let served = !waits || eye.last_status == Some(200);
        // A lock that is never granted is waited for a little beyond the token's end.
        let queues = self.scenario.locking == Locking::Never && view.is_refreshing();
        let is_new = self.watch.last_left_at + LATELY >= self.clock.elapsed;
        let fine = match eye.session {
            Session::Open if state == State::Ending => serves_out && served,
            // Where writes are not compared over tabs they take the only live token from one another for ever, and users
            // sign in again: who has done so just now may not have asked since.
            Session::Open if self.scenario.manner == Manner::Lagging => alive && (served || is_new),
            Session::Open => alive && served && (state == State::Active || state == State::Stale && queues),
            Session::Closed => state == State::SignedOut,
            Session::Refused => serves_out && served && state == State::Ending,
        };
        if !fine || open > 0 {
            let session = eye.session;
            self.broke(Invariant::Calm, || {
                format!(
                    "tab {tab}: {state:?}, {open} calls open; {session:?}, alive at the server: {alive}, served: {served}"
                )
            });
        }
    }

    /// Tabs that share a store hold what is in it.
    pub(crate) fn watch_agreement(&mut self) {
        if !self.scenario.is_ordered() {
            return;
        }
        for tab in 0..self.tabs.len() {
            let view = &self.tabs[tab];
            let sight = self.store.sight(tab, u64::MAX);
            // A pair that is lost can be had by nobody who does not hold it.
            let Some(record) = sight.newest().filter(|_| !view.gone && !sight.is_behind()) else {
                continue;
            };
            // Known: what is stored in a store that was emptied, by who has not heard of a later sign-in or when the clock
            // was set back, seems older than what a page remembers; so does what is in one that could not be read at the
            // page's start to what was done there since.
            if record.stamp().order() < view.eye.order && (self.watch.emptied || view.eye.blind) {
                continue;
            }
            // Known: who holds what such a page remembers writes it over the other.
            if self.watch.emptied && self.clock.lies().set_back > 0 {
                continue;
            }
            // Who has ended a session that is over at the server, and could not store that, is right.
            let family = sight.pair().and_then(Eye::family_in);
            let is_over = family.is_some_and(|family| !self.provider.is_alive(family));
            let is_same = match &record.session {
                None => view.state() == State::SignedOut,
                Some(_) if is_over && view.state() == State::SignedOut => true,
                // Refused, it is begun by nobody whose page is loaded since; who was refused an older pair, as the store had
                // been emptied, serves out the token of that one.
                Some(session)
                    if session.refused && matches!(view.state(), State::Ending | State::SignedOut) =>
                {
                    true
                }
                Some(_) => view.state() != State::SignedOut && view.generation() == record.generation,
            };
            if !is_same {
                let (state, generation) = (view.state(), view.generation());
                let stamp = record.stamp();
                self.broke(Invariant::Calm, || {
                    format!("tab {tab} is {state:?} with {generation:?}; the store has {stamp:?}")
                });
            }
        }
    }
}

/// How far back a sign-in or sign-out is just now; in milliseconds.
const LATELY: u64 = 60_000;
