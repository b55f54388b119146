//! What a test does to a world, and what it sees there.

use evertoken::engine::error::{ErrorCode, TokenError};
use evertoken::engine::ids::{CallId, Generation};
use evertoken::engine::input::{Input, Reception, Revocation, SessionMode, Urgency, Wake};
use evertoken::engine::output::{Event, Settled, Snapshot, State};
use evertoken::engine::secret::Secret;
use evertoken::engine::session::EndReason;
use evertoken::engine::time::Millis;

use super::store::Mode;
use super::world::World;

/// Doing.
impl World {
    #[track_caller]
    pub fn boot(&mut self) {
        self.input(Input::Restore);
    }

    #[track_caller]
    pub fn call(&mut self, input: impl FnOnce(CallId) -> Input) -> CallId {
        let call = CallId(self.asked.len() as u32 + 1);
        self.input(input(call));
        call
    }

    /// A caller wants a token.
    #[track_caller]
    pub fn need(&mut self) -> CallId {
        self.need_for(Millis::ZERO)
    }

    #[track_caller]
    pub fn need_for(&mut self, min_validity: Millis) -> CallId {
        self.call(|call| Input::Need { call, min_validity })
    }

    #[track_caller]
    pub fn refresh(&mut self) -> CallId {
        self.call(|call| Input::Refresh { call, urgency: Urgency::Normal })
    }

    #[track_caller]
    pub fn force(&mut self) -> CallId {
        self.call(|call| Input::Refresh { call, urgency: Urgency::Forced })
    }

    /// A resource server answers 401 to a request sent with the token held now.
    #[track_caller]
    pub fn unauthorized(&mut self) -> CallId {
        let generation = self.generation();
        self.unauthorized_for(generation)
    }

    #[track_caller]
    pub fn unauthorized_for(&mut self, generation: Generation) -> CallId {
        self.call(|call| Input::Unauthorized { call, generation, challenge: None })
    }

    #[track_caller]
    pub fn replayed(&mut self, reception: Reception) {
        let generation = self.generation();
        self.input(Input::Replayed { generation, reception });
    }

    #[track_caller]
    pub fn set_tokens(&mut self, response: &str, session: SessionMode) -> CallId {
        self.call(|call| Input::SetTokens { call, response: Secret::new(response.into()), session })
    }

    /// The clock is set back by an hour and the app signs `user` in, which the store takes when its time is over.
    #[track_caller]
    pub fn sign_in_stored_late(&mut self, user: &str) {
        self.set_wall(-3_600_000);
        self.store.mode = Mode::Delayed(2_500);
        self.sign_in(user);
        self.advance(Millis::from_secs(3));
        assert!(self.store.holds("refresh.1.0"), "stored, and late");
        self.store.mode = Mode::Sync;
    }

    /// The app signs `user` in and hands over the pair.
    #[track_caller]
    pub fn sign_in(&mut self, user: &str) -> CallId {
        let response = self.server.sign_in(user, self.clock.truth());
        self.set_tokens(&response, SessionMode::Auto)
    }

    #[track_caller]
    pub fn sign_out(&mut self) -> CallId {
        self.call(|call| Input::SignOut { call, revocation: Revocation::Revoke })
    }

    /// The lock that is asked for is this page's now.
    #[track_caller]
    pub fn grant_lock(&mut self) {
        let lock = self.lock.expect("a lock that is asked for");
        self.input(Input::LockGranted(lock));
    }

    #[track_caller]
    pub fn wake(&mut self, wake: Wake) {
        self.input(Input::Wake(wake));
    }

    /// Advances until the access token has `left` to live.
    #[track_caller]
    pub fn advance_to_end(&mut self, left: Millis) {
        let ends = self.snapshot().expires_at.expect("a token whose end is known");
        let now = self.clock.now().wall;
        self.advance(ends.since(now).saturating_sub(left));
    }

    /// Advances in steps of a tenth of a second until `is_so`, at most `limit`.
    #[track_caller]
    pub fn advance_until(&mut self, limit: Millis, is_so: impl Fn(&Self) -> bool) {
        let end = self.clock.elapsed + limit.0;
        while !is_so(self) {
            assert!(self.clock.elapsed < end, "not within {limit:?}");
            self.advance(Millis(100));
        }
    }
}

/// Seeing.
impl World {
    #[track_caller]
    pub fn snapshot(&self) -> &Snapshot {
        self.snapshots.last().expect("a snapshot")
    }

    #[track_caller]
    pub fn state(&self) -> State {
        self.snapshot().state
    }

    #[track_caller]
    pub fn generation(&self) -> Generation {
        self.snapshot().generation
    }

    /// The token that may be sent.
    pub fn bearer(&self) -> Option<&str> {
        self.verdict.as_ref().map(|verdict| verdict.bearer.expose())
    }

    #[track_caller]
    pub fn result(&self, call: CallId) -> &Result<Settled, TokenError> {
        match self.settled.get(&call) {
            Some(done) => &done.result,
            None => panic!("{call:?} still waits: {:?}", self.engine),
        }
    }

    /// When `call` was settled.
    #[track_caller]
    pub fn settled_at(&self, call: CallId) -> u64 {
        assert!(self.settled.contains_key(&call), "{call:?} still waits");
        self.settled[&call].at
    }

    #[track_caller]
    pub fn expect(&self, call: CallId, settled: Settled) {
        match self.result(call) {
            Ok(found) => assert_eq!(*found, settled),
            Err(error) => panic!("expected {settled:?}, found {error:?}"),
        }
    }

    #[track_caller]
    pub fn expect_error(&self, call: CallId, code: ErrorCode) -> &TokenError {
        match self.result(call) {
            Ok(found) => panic!("expected {code:?}, found {found:?}"),
            Err(error) => {
                assert_eq!(error.code, code, "{error:?}");
                error
            }
        }
    }

    #[track_caller]
    pub fn expect_waiting(&self, call: CallId) {
        assert!(self.asked.contains(&call), "{call:?} was never asked");
        assert!(!self.settled.contains_key(&call), "{call:?} is settled: {:?}", self.settled[&call]);
    }

    /// Calls that nobody has answered.
    pub fn unsettled(&self) -> usize {
        self.asked.len() - self.settled.len()
    }

    pub fn requests(&self) -> usize {
        self.server.requests.len()
    }

    pub fn count(&self, event: &str) -> usize {
        self.events.iter().filter(|seen| seen.name() == event).count()
    }

    pub fn event_names(&self) -> Vec<&'static str> {
        self.events.iter().map(Event::name).collect()
    }

    /// What the engine has done since the trace was last cleared, of what touches lock, store, network and app.
    pub fn deeds(&self) -> Vec<&'static str> {
        self.trace.iter().copied().filter(|deed| !matches!(*deed, "snapshot" | "verdict")).collect()
    }

    pub fn count_deeds(&self, deed: &str) -> usize {
        self.trace.iter().filter(|done| **done == deed).count()
    }

    /// Why sessions have ended, in order.
    pub fn ends(&self) -> Vec<EndReason> {
        let ends = self.events.iter().filter_map(|event| match event {
            Event::SessionEnded(refusal) => Some(refusal.reason),
            _ => None,
        });
        ends.collect()
    }

    /// The failures that were told, each with whether the refresh gave up.
    pub fn failures(&self) -> Vec<(&TokenError, bool)> {
        let failures = self.events.iter().filter_map(|event| match event {
            Event::RefreshFailed { error, exhausted } => Some((error, *exhausted)),
            _ => None,
        });
        failures.collect()
    }

    /// The retries and refreshes that waited, in milliseconds between one request and the next.
    pub fn gaps(&self) -> Vec<u64> {
        self.server.times().windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}
