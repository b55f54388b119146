//! Requests and their answers.

use evertoken::engine::answer::Outcome;
use evertoken::engine::endpoint::HttpRequest;
use evertoken::engine::error::{ErrorCode, TokenError};
use evertoken::engine::ids::{AttemptId, CallId, Generation};
use evertoken::engine::input::{Input, Reception};
use evertoken::engine::json::{self, Value};
use evertoken::engine::output::{Settled, TokenRequest};
use evertoken::engine::time::Millis;

use super::invariant::Invariant;
use super::network::{Fate, Hears, answered};
use super::provider::{Receipt, RefreshId, Ruling};
use super::sabotage::Sabotage;
use super::tab::Purpose;
use super::world::{Due, Page, World};

/// A token request that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) page: Page,
    pub(crate) attempt: AttemptId,
    pub(crate) token: Option<RefreshId>,
    pub(crate) course: Course,
    /// An earlier answer to the same token was lost, so that it may be sent again.
    pub(crate) excused: bool,
    pub(crate) aborted: bool,
}

/// What its sender knows of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// Given up, not answered in time, or not in a way that tells anything.
    Failed,
    Flying,
    /// Its tokens were taken.
    Taken,
}

/// An answer on its way back.
#[derive(Debug)]
pub(crate) struct TokenAnswer {
    request: usize,
    outcome: Outcome,
    ruling: Option<Ruling>,
}

/// A request of the app.
#[derive(Clone, Debug)]
pub(crate) struct ApiRequest {
    page: Page,
    token: String,
    generation: Generation,
    /// It was sent before, and answered 401.
    again: bool,
}

impl TokenAnswer {
    /// The connection broke.
    pub(crate) fn broken(self) -> Self {
        Self { outcome: Outcome::Unreachable, ruling: None, ..self }
    }
}

impl World {
    pub(crate) fn send_token_request(&mut self, tab: usize, attempt: AttemptId, request: &TokenRequest) {
        let token = match request {
            TokenRequest::Http(http) => sent_token(http, "refresh_token"),
            TokenRequest::Call(_) => None,
        };
        let page = self.tabs[tab].page;
        self.requests.push(Request {
            page,
            attempt,
            token,
            course: Course::Flying,
            excused: false,
            aborted: false,
        });
        self.watch_send(tab, self.requests.len() - 1);
        self.transmit(self.requests.len() - 1);
        if self.sabotage == Sabotage::SendTwice && self.dice.chance(100) {
            self.replay(self.requests.len() - 1);
        }
    }

    /// Sends a request once more that was sent before.
    pub(crate) fn replay(&mut self, request: usize) {
        let copy = Request { course: Course::Flying, ..self.requests[request].clone() };
        let tab = copy.page.tab;
        if self.is_open(copy.page) {
            self.requests.push(copy);
            self.watch_send(tab, self.requests.len() - 1);
            self.transmit(self.requests.len() - 1);
        }
    }

    fn transmit(&mut self, request: usize) {
        if self.clock.elapsed < self.offline_until {
            let answer = TokenAnswer { request, outcome: Outcome::Unreachable, ruling: None };
            return self.plan(20, Due::TokenAnswer(answer));
        }
        let fate = Fate::draw(&mut self.dice, &self.scenario.weather);
        self.trace.note(self.clock.elapsed, || {
            format!("token request {request} with {:?}: {fate:?}", self.requests[request].token)
        });
        match (fate.there, fate.back) {
            (Some(there), _) => {
                if self.sabotage == Sabotage::RepeatArrival && self.dice.chance(200) {
                    self.plan(there + 5_000, Due::TokenArrival(request, fate.clone()));
                }
                self.plan(there, Due::TokenArrival(request, fate));
            }
            (None, None) => {}
            (None, Some(back)) => {
                let outcome = match fate.hears {
                    Hears::Instead(answer) => Outcome::Answered(answer),
                    Hears::Cut | Hears::Nothing | Hears::Own => Outcome::Unreachable,
                };
                self.plan(back, Due::TokenAnswer(TokenAnswer { request, outcome, ruling: None }));
            }
        }
    }

    pub(crate) fn token_arrival(&mut self, request: usize, fate: &Fate) {
        if self.requests[request].aborted {
            return;
        }
        let ruling = self.provider.refresh(self.requests[request].token, &self.clock);
        self.trace.note(self.clock.elapsed, || format!("token request {request} arrived: {ruling:?}"));
        if matches!(ruling, Ruling::Refused { reuse: true }) {
            self.watch_reuse(request);
        }
        let Some(back) = fate.back else {
            return;
        };
        let own = match &ruling {
            Ruling::Granted { body, .. } => (200, body.clone()),
            Ruling::Refused { .. } => (400, r#"{"error":"invalid_grant"}"#.to_owned()),
        };
        let (outcome, ruling) = match (&fate.hears, own) {
            (Hears::Own, (status, body)) => (answered(status, body), Some(ruling)),
            (Hears::Cut, (200, body)) => (answered(200, body[..body.len() / 2].to_owned()), None),
            (Hears::Cut, (status, body)) => (answered(status, body), Some(ruling)),
            (Hears::Instead(answer), _) => (Outcome::Answered(answer.clone()), None),
            (Hears::Nothing, _) => (Outcome::Unreachable, None),
        };
        self.plan(back, Due::TokenAnswer(TokenAnswer { request, outcome, ruling }));
    }

    /// An answer reaches the page that asked.
    pub(crate) fn token_answer(&mut self, answer: TokenAnswer) {
        let TokenAnswer { request, mut outcome, ruling } = answer;
        let Request { page, attempt, aborted, .. } = self.requests[request];
        if !self.is_open(page) || aborted {
            return;
        }
        let flying = self.tabs[page.tab].eye.flying == Some(request);
        let granted = match &ruling {
            Some(Ruling::Granted { body, successor }) => Some((member(body, "access_token"), *successor)),
            _ => None,
        };
        if flying {
            self.watch_answer(page.tab, request, &outcome, ruling.as_ref());
            if let Some((Some(token), successor)) = &granted {
                self.taken(page, request, token, *successor);
            }
        }
        self.falsify(&mut outcome);
        let before = self.tabs[page.tab].engine.metrics().refreshed;
        self.feed(page.tab, Input::Answer { attempt, outcome });
        let adopted = self.tabs[page.tab].engine.metrics().refreshed > before;
        if let Some((Some(token), successor)) = granted.filter(|_| !flying && adopted) {
            self.taken(page, request, &token, successor);
        }
        if self.sabotage == Sabotage::ReplayRefresh && flying {
            self.plan(1_500, Due::Replay(request));
        }
    }

    fn falsify(&self, outcome: &mut Outcome) {
        match outcome {
            Outcome::Answered(answer) if self.sabotage == Sabotage::WithholdRetryAfter => {
                answer.retry_after = None;
            }
            Outcome::Answered(answer)
                if self.sabotage == Sabotage::TurnIntoRefusal && answer.status >= 500 =>
            {
                *outcome = answered(400, r#"{"error":"invalid_grant"}"#.into());
            }
            Outcome::Unreachable if self.sabotage == Sabotage::HideLoss => {
                *outcome = answered(502, String::new());
            }
            _ => {}
        }
    }

    /// The engine has taken a pair.
    fn taken(&mut self, page: Page, request: usize, token: &str, successor: RefreshId) {
        self.requests[request].course = Course::Taken;
        self.watch.refreshes += 1;
        self.tabs[page.tab].eye.taken(successor);
        let receipt = Receipt { elapsed: self.clock.elapsed, lies: self.clock.lies(), page };
        self.provider.received(token, receipt);
    }

    pub(crate) fn abort(&mut self, page: Page, attempt: AttemptId) {
        let same = |request: &Request| request.page == page && request.attempt == attempt;
        if let Some(request) = self.requests.iter().rposition(same) {
            self.requests[request].aborted = true;
            let flying = &mut self.tabs[page.tab].eye.flying;
            *flying = flying.filter(|flying| *flying != request);
        }
    }

    pub(crate) fn revoke(&mut self, request: &HttpRequest) {
        let fate = Fate::draw(&mut self.dice, &self.scenario.weather);
        if let (Some(id), Some(there)) = (sent_token(request, "token"), fate.there) {
            self.plan(there, Due::Revocation(id.family));
        }
    }

    /// A call of the app to its API, as the facade makes it.
    pub(crate) fn api_call(&mut self, tab: usize) {
        self.watch.calls += 1;
        let trusts = self.sabotage == Sabotage::TrustForEver && self.tabs[tab].verdict.is_some();
        if trusts || self.tabs[tab].is_good(self.now(tab)) {
            self.api_send(tab, None);
        } else {
            let call = self.ask(tab, Purpose::Request);
            self.feed(tab, Input::Need { call, min_validity: Millis::ZERO });
        }
    }

    /// Opens a call that waits as long as any caller may.
    pub(crate) fn ask(&mut self, tab: usize, purpose: Purpose) -> CallId {
        let now = self.now(tab);
        let bound = self.scenario.config.max_wait.saturating_add(BOOT);
        CallId(self.tabs[tab].expect(purpose, now, bound))
    }

    /// Sends a request with the token held now. `first`: the generation that drew a 401.
    fn api_send(&mut self, tab: usize, first: Option<Generation>) {
        let Some(verdict) = &self.tabs[tab].verdict else {
            return self.broke(Invariant::I4, || "a call was told to send and there is no token".into());
        };
        let token = verdict.bearer.expose().to_owned();
        let replays = self.sabotage == Sabotage::ResendSame;
        let generation = first.filter(|_| replays).unwrap_or(verdict.generation);
        self.watch_api_send(tab, &token, generation, first);
        let request = ApiRequest { page: self.tabs[tab].page, token, generation, again: first.is_some() };
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
        if let Some(back) = back {
            self.plan(back, Due::ApiAnswer(request, if good { 200 } else { 401 }));
        }
    }

    pub(crate) fn api_answer(&mut self, request: ApiRequest, status: u16) {
        let ApiRequest { page, generation, again, .. } = request;
        if !self.is_open(page) {
            return;
        }
        let tab = page.tab;
        self.tabs[tab].eye.last_status = Some(status);
        let rejected = status == 401;
        if again {
            let reception = if rejected { Reception::Rejected } else { Reception::Accepted };
            self.feed(tab, Input::Replayed { generation, reception });
        } else if rejected {
            self.recover(tab, generation);
        }
    }

    fn recover(&mut self, tab: usize, generation: Generation) {
        // What is due anyway happens first, so that a refresh begun below is begun for the 401.
        self.feed(tab, Input::Tick);
        let newest = self.tabs[tab].generation();
        let late = generation < newest && self.tabs[tab].verdict.is_some();
        let before = self.tabs[tab].is_refreshing();
        let call = self.ask(tab, Purpose::Resend(generation));
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
        let Some(call) = self.tabs[tab].calls.remove(&id) else {
            return self.broke(Invariant::I3, || format!("call {id} was settled twice: {result:?}"));
        };
        if self.sabotage == Sabotage::SettleTwice && self.dice.chance(20) {
            self.settled(tab, id, result);
        }
        match (call.purpose, result) {
            (Purpose::Request, Ok(_)) => self.api_send(tab, None),
            (Purpose::Resend(generation), Ok(Settled::Resend)) => self.api_send(tab, Some(generation)),
            (_, Err(error)) if error.code == ErrorCode::Disposed => {
                self.trace.note(self.clock.elapsed, || format!("call {id} was turned away at the end"));
            }
            _ => {}
        }
    }
}

fn sent_token(request: &HttpRequest, name: &str) -> Option<RefreshId> {
    member(request.body.as_ref()?.expose(), name).and_then(|token| RefreshId::parse(&token))
}

/// A text member of a JSON object.
pub(crate) fn member(body: &str, name: &str) -> Option<String> {
    json::parse_object(body)?.get(name).and_then(Value::as_text).map(|text| text.decode())
}

/// How much longer a call may take that comes while the store is read for the first time.
const BOOT: Millis = Millis::from_secs(2);
