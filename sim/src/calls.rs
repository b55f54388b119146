//! Calls of the app to its API, as the facade makes them.

use evertoken::engine::error::{ErrorCode, TokenError};
use evertoken::engine::ids::{CallId, Generation};
use evertoken::engine::input::{Input, Reception};
use evertoken::engine::output::{Settled, Verdict};
use evertoken::engine::time::{Millis, Now};

use super::invariant::Invariant;
use super::network::{Fate, Hears};
use super::sabotage::Sabotage;
use super::tab::{Payload, Purpose};
use super::world::{Due, Page, World};

/// A request of the app.
#[derive(Clone, Debug)]
pub(crate) struct ApiRequest {
    pub(crate) page: Page,
    token: String,
    generation: Generation,
    payload: Payload,
    /// It was sent before, and answered 401.
    again: bool,
}

impl World {
    pub(crate) fn api_call(&mut self, tab: usize) {
        self.watch.calls += 1;
        let payload = Payload(self.watch.calls);
        let trusts = self.sabotage == Sabotage::TrustForEver && self.tabs[tab].verdict.is_some();
        if trusts || self.tabs[tab].is_good(self.now(tab)) {
            self.api_send(tab, payload, None);
        } else {
            let call = self.ask(tab, Purpose::Request(payload));
            self.feed(tab, Input::Need { call, min_validity: Millis::ZERO });
            // While the page is hidden or the store is looked at, what is good is not sure.
            let is_sure = |verdict: &Verdict| verdict.until.is_none_or(|until| until != Now::NEVER);
            let is_good = self.tabs[tab].verdict.as_ref().is_some_and(is_sure);
            if is_good && self.tabs[tab].calls.contains_key(&call.0) {
                self.broke(Invariant::I3, || format!("{call:?} waits though there is a good token"));
            }
        }
    }

    /// Opens a call that waits as long as any caller may.
    pub(crate) fn ask(&mut self, tab: usize, purpose: Purpose) -> CallId {
        let now = self.now(tab);
        let bound = self.scenario.config.max_wait.saturating_add(BOOT);
        CallId(self.tabs[tab].expect(purpose, now, bound))
    }

    /// Sends a request with the token held now. `first`: the generation that drew a 401.
    fn api_send(&mut self, tab: usize, payload: Payload, first: Option<Generation>) {
        let Some(verdict) = &self.tabs[tab].verdict else {
            return self.broke(Invariant::I4, || "a call was told to send and there is no token".into());
        };
        let token = verdict.bearer.expose().to_owned();
        let replays = self.sabotage == Sabotage::ResendSame;
        let generation = first.filter(|_| replays).unwrap_or(verdict.generation);
        self.watch_api_send(tab, &token, generation, first);
        let again = first.is_some();
        let request = ApiRequest { page: self.tabs[tab].page, token, generation, payload, again };
        if self.clock.elapsed < self.offline_until {
            return;
        }
        let fate = Fate::draw(&mut self.dice, &self.scenario.weather);
        if let (Some(there), Hears::Own | Hears::Cut) = (fate.there, fate.hears) {
            self.plan(there, Due::ApiArrival(request, fate.back));
        }
    }

    pub(crate) fn api_arrival(&mut self, request: ApiRequest, back: Option<u64>) {
        let refuses = self.clock.elapsed < self.refuses_until;
        let good = !refuses && self.provider.accepts(&request.token, &self.clock);
        self.watch_api_arrival(request.payload, request.again);
        if let Some(back) = back {
            self.plan(back, Due::ApiAnswer(request, if good { 200 } else { 401 }));
        }
    }

    pub(crate) fn api_answer(&mut self, request: ApiRequest, status: u16) {
        let ApiRequest { page, generation, payload, again, .. } = request;
        let tab = page.tab;
        self.tabs[tab].eye.last_status = Some(status);
        let rejected = status == 401;
        if again {
            let reception = if rejected { Reception::Rejected } else { Reception::Accepted };
            self.feed(tab, Input::Replayed { generation, reception });
        } else if rejected {
            self.watch.rejected.insert(payload);
            self.recover(tab, payload, generation);
        }
    }

    fn recover(&mut self, tab: usize, payload: Payload, generation: Generation) {
        // What is due anyway happens first, so that a refresh begun below is begun for the 401.
        self.feed(tab, Input::Tick);
        let held = self.tabs[tab].verdict.as_ref().map(|verdict| verdict.generation);
        let newest = held.unwrap_or(generation);
        let late = generation < newest;
        let before = self.tabs[tab].is_refreshing();
        let call = self.ask(tab, Purpose::Resend(payload, generation));
        let told = if self.sabotage == Sabotage::BlameNewest { newest } else { generation };
        self.feed(tab, Input::Unauthorized { call, generation: told, challenge: None });
        if late && !before && self.tabs[tab].is_refreshing() {
            self.broke(Invariant::I9, || {
                format!("a 401 for {generation:?} began a refresh while {newest:?} is held")
            });
        }
    }

    /// A call is answered.
    pub(crate) fn settled(&mut self, tab: usize, id: u32, result: &Result<Settled, TokenError>) {
        if self.sabotage == Sabotage::LoseSettle && self.dice.chance(20) {
            return;
        }
        let id = if self.sabotage == Sabotage::SwapCalls { self.tabs[tab].another_call(id) } else { id };
        let Some(call) = self.tabs[tab].calls.remove(&id) else {
            return self.broke(Invariant::I3, || format!("call {id} was settled twice: {result:?}"));
        };
        if self.sabotage == Sabotage::SettleTwice && self.dice.chance(20) {
            self.settled(tab, id, result);
        }
        if let Ok(settled) = result
            && !call.purpose.is_answered_by(*settled)
        {
            let purpose = call.purpose;
            self.broke(Invariant::I16, || format!("{purpose:?} was answered {settled:?}"));
        }
        match (call.purpose, result) {
            (Purpose::Request(payload), Ok(_)) => self.api_send(tab, payload, None),
            (Purpose::Resend(payload, generation), Ok(Settled::Resend)) => {
                self.api_send(tab, payload, Some(generation));
            }
            (_, Err(error)) if error.code == ErrorCode::Disposed => {
                self.trace.note(self.clock.elapsed, || format!("call {id} was turned away at the end"));
            }
            _ => {}
        }
    }
}

/// How much longer a call may take that comes while the store is read for the first time.
const BOOT: Millis = Millis::from_secs(2);
