//! What tabs ask for, carried out under the eye of the promises.

use evertoken::engine::ids::{AttemptId, Order, StoreOp};
use evertoken::engine::notice::Notice;
use evertoken::engine::output::{Event, Output, TokenRequest};
use evertoken::engine::record::{Record, Stored};
use evertoken::engine::secret::Secret;
use evertoken::engine::session::EndReason;

use super::server::Token;
use super::tab::{Fate, Live, Lock, Op, Request};
use super::world::World;
use crate::invariant::{Invariant, Violation};

/// A promise that was broken.
pub(super) type Broken = Box<Violation>;

impl World {
    pub(super) fn perform(&mut self, tab: usize, output: Output) -> Result<(), Broken> {
        match output {
            Output::Abort(attempt) => self.abort(tab, attempt),
            Output::Broadcast(message) => self.broadcast(tab, &message),
            Output::Event(event) => return self.on_event(tab, &event),
            Output::Lock(id) => {
                if self.queue.is_empty() {
                    self.held_since = self.elapsed;
                }
                self.queue.push_back((tab, id));
                let tab = self.tab(tab);
                tab.lock = Lock::Asked(id);
                tab.last.lock = id;
            }
            Output::ReadStore(op) => {
                let since = self.elapsed;
                let tab = self.tab(tab);
                tab.last.op = op;
                tab.asked.push_back((since, Op::Read(op)));
            }
            Output::Revoke(_) => {}
            Output::Send { attempt, request } => return self.send(tab, attempt, &request),
            Output::Settle(call, _) => {
                let calls = &mut self.tab(tab).calls;
                let before = calls.len();
                calls.retain(|waiting| *waiting != call);
                if calls.len() == before {
                    return broken(
                        Invariant::I3,
                        format!("tab {tab} settled {call:?}, which nobody waits for"),
                    );
                }
            }
            Output::Snapshot(snapshot) => {
                let tab = self.tab(tab);
                tab.state = snapshot.state;
                tab.refreshing = snapshot.refreshing;
                if !snapshot.refreshing {
                    tab.eye.attempt = None;
                }
            }
            Output::Unlock(_) => {
                self.leave_queue(tab);
                self.tab(tab).lock = Lock::Free;
            }
            Output::Verdict(verdict) => self.tab(tab).bearer = verdict.map(|verdict| verdict.bearer),
            Output::WriteStore(op, write) => {
                let since = self.elapsed;
                let tab = self.tab(tab);
                tab.last.op = op;
                tab.asked.push_back((since, Op::Write(op, write)));
            }
        }
        Ok(())
    }

    fn abort(&mut self, tab: usize, attempt: AttemptId) {
        let wire = &mut self.tab(tab).wire;
        let Some(at) = wire.iter().position(|request| request.attempt == attempt) else {
            return;
        };
        // The server may get it all the same.
        let request = wire.remove(at);
        if request.ruling.is_none() {
            self.orphans.push(request.token);
        }
    }

    fn broadcast(&mut self, by: usize, message: &str) {
        let Some(notice) = Notice::decode(message) else {
            return;
        };
        let order = |notice: &Notice| Order { epoch: notice.epoch, generation: notice.generation };
        for other in (0..self.tabs.len()).filter(|other| *other != by) {
            let tab = &self.tabs[other];
            let newest = tab.notice.as_ref().map_or(tab.eye.order, order);
            if tab.fate != Fate::Gone && order(&notice) > newest {
                self.tab(other).notice = Some(notice);
            }
        }
    }

    fn send(&mut self, tab: usize, attempt: AttemptId, request: &TokenRequest) -> Result<(), Broken> {
        let TokenRequest::Http(request) = request else {
            return Ok(());
        };
        let Some(token) = request.body.as_ref().and_then(|body| Token::find(body.expose())) else {
            return Ok(());
        };
        let (eye, locked) = (self.tabs[tab].eye, matches!(self.tabs[tab].lock, Lock::Held(_)));
        let is_spent = |stored: Option<Token>| stored.is_some_and(|stored| token < stored);
        if eye.blind > 1 && (eye.unread || self.tabs[tab].is_reading()) {
            // It has asked a store twice that failed or did not answer, and goes on without.
            self.ledger.excuse(Some(token));
        } else if is_spent(eye.knew) || is_spent(self.ledger.stored) && !self.ledger.excuses(token) {
            return broken(Invariant::I1, format!("tab {tab} sent {token}, whose successor is stored"));
        }
        if eye.unclaimed && !locked {
            // Neither lock nor claim can be had: nothing keeps it from others.
            self.ledger.excuse(Some(token));
        }
        if eye.over {
            return broken(Invariant::I5, format!("tab {tab} sent {token} and knows of the sign-out"));
        }
        self.alone(tab, locked)?;
        let since = self.elapsed;
        let tab = self.tab(tab);
        tab.last.attempt = attempt;
        tab.eye.attempt = Some(Live { id: attempt, since, locked });
        tab.eye.using = Some(token);
        tab.eye.unstored = eye.unclaimed.into();
        tab.wire.push(Request { attempt, token, ruling: None });
        Ok(())
    }

    /// A tab sends: no other may be waiting for an answer, unless one of them had to do without the lock and the claim
    /// of the other is over or was never stored.
    fn alone(&self, tab: usize, locked: bool) -> Result<(), Broken> {
        for (other, rival) in self.tabs.iter().enumerate() {
            let Some(live) = rival.eye.attempt else {
                continue;
            };
            let claimed = !self.ledger.unclaimed && self.elapsed - live.since <= CLAIM;
            if other == tab || locked && live.locked || claimed {
                return broken(
                    Invariant::I2,
                    format!("tab {tab} sent while tab {other} waits for an answer"),
                );
            }
        }
        Ok(())
    }

    /// The server has seen a spent refresh token.
    pub(super) fn reused(&self, token: Token) -> Result<(), Broken> {
        if self.ledger.excuses(token) {
            return Ok(());
        }
        broken(Invariant::I6, format!("the server saw {token} again, and nothing was lost"))
    }

    /// What has come into the store.
    pub(super) fn store(&mut self, text: Option<Secret>) -> Result<(), Broken> {
        let Some(text) = text else {
            return Ok(());
        };
        let Stored::Record(record) = Record::decode(text.expose(), &self.rules.config.name) else {
            return broken(Invariant::I10, "what was stored is no record".into());
        };
        let order = record.order();
        if order < self.ledger.order {
            let code = if self.ledger.over { Invariant::I5 } else { Invariant::I10 };
            return broken(code, format!("{order:?} was stored after {:?}", self.ledger.order));
        }
        self.ledger.order = order;
        let token = record.session.as_ref().and_then(|session| session.refresh.as_ref());
        match token.and_then(|token| Token::find(token.expose())) {
            Some(_) if self.ledger.over => {
                return broken(Invariant::I5, "a session was stored after its end".into());
            }
            Some(token) => self.stored(token)?,
            None => self.ended()?,
        }
        self.store = Some(text);
        Ok(())
    }

    fn stored(&mut self, token: Token) -> Result<(), Broken> {
        if self.ledger.stored.is_some_and(|stored| token < stored) {
            return broken(Invariant::I10, format!("{token} was stored in the place of its successor"));
        }
        self.ledger.stored = Some(token);
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].eye.using.is_some_and(|used| used < token) {
                self.tab(tab).eye.using = None;
            }
        }
        Ok(())
    }

    /// The end of the session has come into the store.
    fn ended(&mut self) -> Result<(), Broken> {
        let held = self.store.as_ref().and_then(|text| Token::find(text.expose()));
        let alive = !self.server.revoked && held == Some(self.server.live);
        if alive && !self.ledger.wished {
            return broken(Invariant::Logout, "the end was stored over a session that was alive".into());
        }
        self.ledger.over = true;
        Ok(())
    }

    /// A tab is about to be told what it has read.
    pub(super) fn saw(&mut self, tab: usize, op: StoreOp, text: Option<&Secret>) {
        let name = self.rules.config.name.clone();
        let eye = &mut self.tab(tab).eye;
        eye.refused = eye.refused.filter(|last| op <= *last);
        if let Some(Stored::Record(record)) = text.map(|text| Record::decode(text.expose(), &name)) {
            eye.order = eye.order.max(record.order());
            eye.over |= record.session.is_none();
        }
    }

    fn on_event(&mut self, tab: usize, event: &Event) -> Result<(), Broken> {
        match event {
            Event::Adopted { .. } | Event::RefreshFailed { .. } => self.tab(tab).eye.attempt = None,
            Event::SessionEnded(refusal) => {
                let eye = self.tabs[tab].eye;
                let fair = match refusal.reason {
                    EndReason::SignedOut => self.ledger.wished,
                    EndReason::SignedOutElsewhere => self.ledger.over,
                    EndReason::Refused | EndReason::RefreshResponseLostPossible => self.server.revoked,
                    EndReason::Callback | EndReason::Expired | EndReason::Superseded => false,
                };
                let reason = refusal.reason.as_str();
                if !fair {
                    return broken(Invariant::Logout, format!("tab {tab} ended the session as {reason}"));
                }
                // That the session is over elsewhere a look shows, also one that was begun before.
                let is_told = refusal.reason == EndReason::SignedOutElsewhere;
                if eye.refused.is_some() && !is_told {
                    return broken(Invariant::I12, format!("tab {tab} ended the session before it read"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What must hold of a tab after each input.
    pub(super) fn inspect(&self, tab: usize) -> Result<(), Broken> {
        let held = &self.tabs[tab];
        let idle = match held.lock {
            Lock::Asked(_) => !held.refreshing,
            Lock::Free => false,
            // What could not be stored is tried again under it, while the claim keeps others away.
            Lock::Held(_) => !held.is_storing() && held.eye.attempt.is_none() && !held.eye.strained,
        };
        if idle {
            return broken(Invariant::I15, format!("tab {tab} has the lock, or waits for it, for nothing"));
        }
        Ok(())
    }
}

pub(super) fn broken(invariant: Invariant, text: String) -> Result<(), Broken> {
    Err(Box::new(Violation { invariant, text }))
}

/// How long a claim counts: the attempt timeout and two seconds, in milliseconds.
const CLAIM: u64 = 12_000;
