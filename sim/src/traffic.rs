//! Requests and their answers.

use evertoken::engine::answer::Outcome;
use evertoken::engine::endpoint::HttpRequest;
use evertoken::engine::ids::{AttemptId, Order};
use evertoken::engine::input::Input;
use evertoken::engine::json::{self, Value};
use evertoken::engine::output::{TokenRequest, Write};
use evertoken::engine::secret::Secret;

use super::invariant::Invariant;
use super::network::{Fate, Hears, answered, echoed};
use super::provider::{CANARY, Receipt, RefreshId, Ruling};
use super::sabotage::Sabotage;
use super::scenario::{REFRESH_URL, REVOKE_URL};
use super::watch::Lease;
use super::world::{Due, Page, World};

/// A token request that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) page: Page,
    pub(crate) attempt: AttemptId,
    pub(crate) token: Option<RefreshId>,
    pub(crate) course: Course,
    /// Its answer was not read, or what it brought may not have been stored: the token may be sent again.
    pub(crate) troubled: bool,
    pub(crate) aborted: bool,
    pub(crate) sent: u64,
    /// The claim that was made for it, if it was stored.
    pub(crate) claim: Option<Lease>,
    /// Where the pair stands among others, in the eyes of its sender.
    pub(crate) order: Order,
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
    pub(crate) request: usize,
    outcome: Outcome,
    ruling: Option<Ruling>,
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
            TokenRequest::Http(http) => self.token_in(http, REFRESH_URL, "refresh_token"),
            TokenRequest::Call(_) => None,
        };
        let page = self.tabs[tab].page;
        self.requests.push(Request {
            page,
            attempt,
            token,
            course: Course::Flying,
            troubled: false,
            aborted: false,
            sent: self.clock.elapsed,
            claim: None,
            order: self.tabs[tab].eye.order,
        });
        self.watch_send(tab, self.requests.len() - 1);
        self.transmit(self.requests.len() - 1);
        if self.sabotage == Sabotage::SendTwice && self.dice.chance(100) {
            self.replay(self.requests.len() - 1);
        }
    }

    /// Sends a request once more that was sent before.
    pub(crate) fn replay(&mut self, request: usize) {
        let sent = self.clock.elapsed;
        let copy = Request { course: Course::Flying, sent, ..self.requests[request].clone() };
        let tab = copy.page.tab;
        if self.is_open(copy.page) && self.tabs[tab].is_run() {
            self.requests.push(copy);
            self.watch_send(tab, self.requests.len() - 1);
            self.transmit(self.requests.len() - 1);
        }
    }

    fn transmit(&mut self, request: usize) {
        if self.clock.elapsed < self.offline_until {
            let answer = TokenAnswer { request, outcome: Outcome::Unreachable, ruling: None };
            self.requests[request].troubled = true;
            return self.plan(20, Due::TokenAnswer(answer));
        }
        let fate = Fate::draw(&mut self.dice, &self.scenario.weather);
        self.requests[request].troubled |= !matches!(fate.hears, Hears::Own) || fate.back.is_none();
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
                    Hears::Echo => {
                        let token = self.requests[request].token.map(RefreshId::token);
                        Outcome::Answered(echoed(&token.unwrap_or_default()))
                    }
                    Hears::Instead(answer) => Outcome::Answered(answer),
                    Hears::Cut | Hears::Nothing | Hears::Own => Outcome::Unreachable,
                };
                self.plan(back, Due::TokenAnswer(TokenAnswer { request, outcome, ruling: None }));
            }
        }
    }

    pub(crate) fn token_arrival(&mut self, request: usize, fate: &Fate) {
        if self.requests[request].aborted && self.dice.chance(500) {
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
            (Hears::Echo | Hears::Nothing, _) => (Outcome::Unreachable, None),
        };
        self.plan(back, Due::TokenAnswer(TokenAnswer { request, outcome, ruling }));
    }

    /// An answer reaches the page that asked.
    pub(crate) fn token_answer(&mut self, answer: TokenAnswer) {
        let TokenAnswer { request, mut outcome, ruling } = answer;
        let Request { page, attempt, aborted, .. } = self.requests[request];
        if aborted {
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
        } else {
            self.watch_late_answer(page.tab, request, &outcome);
        }
        self.falsify(&mut outcome);
        let before = self.pairs_had(page.tab);
        self.feed(page.tab, Input::Answer { attempt, outcome });
        let adopted = self.pairs_had(page.tab) > before;
        // A store that answers at once may have shown another session meanwhile.
        let family = self.tabs[page.tab].eye.family;
        let is_held = |successor: &RefreshId| family == Some(successor.family);
        if let Some((Some(token), successor)) =
            granted.filter(|(_, successor)| !flying && adopted && is_held(successor))
        {
            self.taken(page, request, &token, successor);
        }
        if self.sabotage == Sabotage::ReplayRefresh && flying {
            self.plan(1_500, Due::Replay(request));
        }
    }

    /// How many pairs the engine was granted, and attempts failed: a pair that has ended on the way is kept, and counts as
    /// a failure.
    fn pairs_had(&self, tab: usize) -> u64 {
        let metrics = self.tabs[tab].engine.metrics();
        u64::from(metrics.refreshed) + u64::from(metrics.failed)
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
        // A server that replaces none may have granted late what another page was refused.
        self.watch.turned_down.remove(&successor);
        self.tabs[page.tab].eye.taken(successor);
        let receipt = Receipt { elapsed: self.clock.elapsed, lies: self.clock.lies(), page };
        self.provider.received(token, receipt);
    }

    pub(crate) fn abort(&mut self, page: Page, attempt: AttemptId) {
        let same = |request: &Request| request.page == page && request.attempt == attempt;
        if let Some(request) = self.requests.iter().rposition(same) {
            let gone = &mut self.requests[request];
            (gone.aborted, gone.troubled) = (true, true);
            let flying = &mut self.tabs[page.tab].eye.flying;
            *flying = flying.filter(|flying| *flying != request);
        }
    }

    pub(crate) fn revoke(&mut self, request: &HttpRequest) {
        let fate = Fate::draw(&mut self.dice, &self.scenario.weather);
        let token = self.token_in(request, REVOKE_URL, "token");
        if let (Some(id), Some(there)) = (token, fate.there) {
            self.plan(there, Due::Revocation(id.family));
        }
    }

    /// The one token that a request may carry, in the one place where it may be, for the one server.
    fn token_in(&mut self, request: &HttpRequest, url: &str, name: &str) -> Option<RefreshId> {
        let body = request.body.as_ref().map(Secret::expose).unwrap_or_default();
        let token = member(body, name).or_else(|| form_member(body, name));
        let elsewhere = self.sabotage == Sabotage::SendElsewhere;
        let right = request.endpoint.url == url && !elsewhere && body.matches(CANARY).count() == 1;
        if !right || request.headers().any(|(_, value)| value.contains(CANARY)) {
            let place = &request.endpoint.url;
            self.broke(Invariant::I7, || format!("a token went to {place}, or where it does not belong"));
        }
        token.and_then(|token| RefreshId::parse(&token))
    }

    pub(crate) fn falsify_write(&mut self, tab: usize, write: &mut Write) {
        if self.sabotage == Sabotage::KeepRecord && self.tabs[tab].eye.leaving {
            let old = self.store.truth().map(|kept| Secret::new(kept.text.clone()));
            write.text = old.or(write.text.take());
        }
    }
}

/// A text member of a form.
fn form_member(body: &str, name: &str) -> Option<String> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// A text member of a JSON object.
pub(crate) fn member(body: &str, name: &str) -> Option<String> {
    json::parse_object(body)?.get(name).and_then(Value::as_text).map(|text| text.decode())
}
