//! One browser with its tabs, and the server behind it.

use std::collections::VecDeque;
use std::sync::Arc;

use evertoken::engine::answer::{Answer, Outcome};
use evertoken::engine::config::Options;
use evertoken::engine::ids::{CallId, Epoch, Generation, LockId, SessionId};
use evertoken::engine::input::{Input, Revocation, Stored, Urgency};
use evertoken::engine::record::{Record, StoredAccess, StoredSession};
use evertoken::engine::secret::Secret;
use evertoken::engine::time::{Millis, Mono, Now, UnixMillis};
use evertoken::engine::{Config, Output};

use super::bounds::{Bounds, Locking, Setting};
use super::ledger::Ledger;
use super::outputs::Broken;
use super::server::{LIFE, Ruling, Server, Token};
use super::tab::{Fate, Lock, Op, Reply, Request, Tab};

/// A state. What is shared between states is copied when it is changed.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) rules: Arc<Rules>,
    /// Milliseconds since the world began.
    pub(super) elapsed: u64,
    pub(super) tabs: Vec<Arc<Tab>>,
    pub(super) store: Option<Secret>,
    /// Who has the lock, and who waits for it.
    pub(super) queue: VecDeque<(usize, LockId)>,
    /// Since when the first has it.
    pub(super) held_since: u64,
    pub(super) server: Server,
    /// Requests on their way whose tab has crashed or given them up.
    pub(super) orphans: Vec<Token>,
    pub(super) left: Left,
    pub(super) ledger: Ledger,
    /// Tabs opened so far: each has a seed of its own.
    opened: u64,
    /// What goes in and out of the engines, where somebody wants to read it.
    pub(super) trace: Option<Vec<String>>,
}

/// What does not change.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) config: Arc<Config>,
    pub(super) setting: Setting,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Left {
    pub(super) faults: u8,
    pub(super) late: u8,
    pub(super) calls: u8,
    pub(super) sign_outs: u8,
}

impl World {
    /// The tabs are open and hold the session that the store holds; nothing is under way.
    pub(super) fn new(bounds: &Bounds, setting: Setting) -> Result<Self, Broken> {
        let mut config = options(setting).into_config().expect("options that go together");
        config.trail = 0;
        #[cfg(feature = "broken")]
        {
            config.flaw = setting.flaw;
        }
        let config = Arc::new(config);
        let tabs = (0..bounds.tabs).map(|seed| Arc::new(Tab::gone(&config, seed.into()))).collect();
        let mut world = Self {
            rules: Arc::new(Rules { config, setting }),
            elapsed: 0,
            tabs,
            store: None,
            queue: VecDeque::new(),
            held_since: 0,
            server: Server::new(setting.grace),
            orphans: Vec::new(),
            left: Left {
                faults: bounds.faults,
                late: bounds.late,
                calls: bounds.calls,
                sign_outs: bounds.sign_outs,
            },
            ledger: Ledger::default(),
            opened: 0,
            trace: None,
        };
        world.sign_in();
        for tab in 0..world.tabs.len() {
            world.open(tab)?;
            world.work(tab)?;
            world.hear(tab)?;
        }
        Ok(world)
    }

    pub(super) fn now(&self) -> Now {
        Now { mono: Mono::new(BEGINNING + self.elapsed), wall: UnixMillis(START + self.elapsed as i64) }
    }

    /// One input under the law, with all that it asks for.
    pub(super) fn input(&mut self, tab: usize, input: Input) -> Result<(), Broken> {
        let now = self.now();
        self.note(|| format!("tab {tab} < {input:?}"));
        let held = self.tab(tab);
        held.engine.handle(now, input);
        let outputs: Vec<Output> = std::iter::from_fn(|| held.engine.poll_output()).collect();
        for output in outputs {
            self.note(|| format!("tab {tab} > {output:?}"));
            self.perform(tab, output)?;
        }
        self.inspect(tab)
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        let elapsed = self.elapsed;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:5}.{:03}  {}", elapsed / 1_000, elapsed % 1_000, line()));
        }
    }

    /// A tab, to be changed.
    pub(super) fn tab(&mut self, tab: usize) -> &mut Tab {
        let tab = Arc::make_mut(&mut self.tabs[tab]);
        tab.print = None;
        tab
    }

    /// Opens a tab: it reads the store.
    pub(super) fn open(&mut self, tab: usize) -> Result<(), Broken> {
        let fresh = Tab::gone(&self.rules.config, self.opened);
        self.opened += 1;
        *self.tab(tab) = Tab { fate: Fate::Open, ..fresh };
        self.input(tab, Input::Restore)
    }

    /// The store does the next thing that a tab has asked for.
    pub(super) fn work(&mut self, tab: usize) -> Result<(), Broken> {
        let Some((since, op)) = self.tab(tab).asked.pop_front() else {
            return Ok(());
        };
        let reply = match op {
            Op::Read(op) => {
                self.tab(tab).eye.knew = self.ledger.stored;
                Reply::Read(op, self.store.clone())
            }
            Op::Write(op, write) => {
                let current = self.store.as_ref().map(Secret::expose);
                if write.expected.is_met_by(current) {
                    self.store(write.text)?;
                    self.tab(tab).eye.knew = self.ledger.stored;
                    Reply::Written(op, Stored::Durably)
                } else {
                    Reply::Written(op, Stored::Conflict)
                }
            }
        };
        self.tab(tab).done.push_back((since, reply));
        Ok(())
    }

    /// A tab hears what the store has done for it.
    pub(super) fn hear(&mut self, tab: usize) -> Result<(), Broken> {
        match self.tab(tab).done.pop_front() {
            None => Ok(()),
            Some((_, Reply::Read(op, text))) => {
                self.saw(tab, op, text.as_ref());
                self.tab(tab).eye.unread = false;
                if !self.tabs[tab].is_reading() {
                    self.tab(tab).eye.blind = 0;
                }
                self.input(tab, Input::StoreRead { op, text, fence: None })
            }
            Some((_, Reply::Unread(op))) => {
                self.tab(tab).eye.unread = true;
                self.input(tab, Input::StoreFailed(op))
            }
            Some((_, Reply::Written(op, stored))) => {
                self.tab(tab).eye.unclaimed = stored == Stored::Failed;
                self.input(tab, Input::StoreWritten { op, stored })
            }
        }
    }

    /// The next thing that a tab has asked of the store fails.
    pub(super) fn fail_store(&mut self, tab: usize) {
        let Some((since, op)) = self.tab(tab).asked.pop_front() else {
            return;
        };
        let reply = match op {
            Op::Read(op) => Reply::Unread(op),
            Op::Write(op, _) => Reply::Written(op, Stored::Failed),
        };
        self.unstored(tab);
        self.tab(tab).done.push_back((since, reply));
    }

    /// The store has failed a tab, or keeps it waiting.
    pub(super) fn unstored(&mut self, tab: usize) {
        self.ledger.unclaimed = true;
        let eye = &mut self.tab(tab).eye;
        eye.strained = true;
        eye.blind += 1;
        eye.unstored += u8::from(eye.using.is_some());
        // Once is made good while the claim holds.
        if eye.unstored > 1 {
            let used = eye.using;
            self.ledger.excuse(used);
        }
    }

    /// The tab at the head of the queue hears of the lock.
    pub(super) fn grant(&mut self, tab: usize) -> Result<(), Broken> {
        let Lock::Asked(id) = self.tabs[tab].lock else {
            return Ok(());
        };
        if self.rules.setting.locking == Locking::Denied {
            self.tab(tab).lock = Lock::Free;
            self.leave_queue(tab);
            return self.input(tab, Input::LockDenied(id));
        }
        let held = self.tab(tab);
        held.lock = Lock::Held(id);
        held.eye.strained = false;
        self.input(tab, Input::LockGranted(id))
    }

    /// A tab gives the lock back, or does not wait for it any more.
    pub(super) fn leave_queue(&mut self, tab: usize) {
        let first = self.queue.front().copied();
        self.queue.retain(|(by, _)| *by != tab);
        if self.queue.front().copied() != first {
            self.held_since = self.elapsed;
        }
    }

    /// Whether the lock is a tab's, or none is to be had, and it has not heard of that.
    pub(super) fn is_granted(&self, tab: usize) -> bool {
        let denied = self.rules.setting.locking == Locking::Denied;
        let first = self.queue.front().is_some_and(|(by, _)| *by == tab);
        matches!(self.tabs[tab].lock, Lock::Asked(_)) && (first || denied)
    }

    /// A tab hears that the store holds something newer.
    pub(super) fn notice(&mut self, tab: usize) -> Result<(), Broken> {
        match self.tab(tab).notice.take() {
            None => Ok(()),
            Some(notice) => self.input(tab, Input::Notice(notice.encode())),
        }
    }

    /// A request reaches the server.
    pub(super) fn arrive(&mut self, tab: usize, which: usize) -> Result<(), Broken> {
        let token = self.tabs[tab].wire[which].token;
        let ruling = self.rule(token)?;
        self.tab(tab).wire[which].ruling = Some(ruling);
        Ok(())
    }

    /// The server decides.
    pub(super) fn rule(&mut self, token: Token) -> Result<Ruling, Broken> {
        let ruling = self.server.refresh(token, self.elapsed);
        if ruling == (Ruling::Refused { reuse: true }) {
            self.reused(token)?;
        }
        Ok(ruling)
    }

    /// A tab reads the answer to a request.
    pub(super) fn answer(&mut self, tab: usize, which: usize) -> Result<(), Broken> {
        let Request { attempt, ruling, .. } = self.tab(tab).wire.remove(which);
        let Some(ruling) = ruling else {
            return Ok(());
        };
        let (status, body) = ruling.answer();
        let answer = Answer { status, body: Secret::new(body), ..Answer::default() };
        let last = self.tabs[tab].last.op;
        let eye = &mut self.tab(tab).eye;
        if matches!(ruling, Ruling::Refused { .. }) {
            eye.using = None;
            eye.refused = eye.attempt.is_some_and(|live| live.id == attempt).then_some(last);
        }
        eye.attempt = eye.attempt.filter(|live| live.id != attempt);
        self.input(tab, Input::Answer { attempt, outcome: Outcome::Answered(answer) })
    }

    /// A request or its answer is lost, and the tab is told so.
    pub(super) fn lose(&mut self, tab: usize, which: usize) -> Result<(), Broken> {
        let Request { attempt, ruling, .. } = self.tab(tab).wire.remove(which);
        if ruling.is_some() {
            self.ledger.excuse(self.tabs[tab].eye.using);
        }
        let eye = &mut self.tab(tab).eye;
        eye.using = None;
        eye.attempt = eye.attempt.filter(|live| live.id != attempt);
        self.input(tab, Input::Answer { attempt, outcome: Outcome::Unreachable })
    }

    /// A tab is gone, and the lock with it. What it has asked of the store is undone; its requests go on.
    pub(super) fn crash(&mut self, tab: usize) {
        self.ledger.excuse(self.tabs[tab].eye.using);
        let lost = self.tabs[tab].wire.iter().filter(|request| request.ruling.is_none());
        self.orphans.extend(lost.map(|request| request.token));
        self.leave_queue(tab);
        *self.tab(tab) = Tab::gone(&self.rules.config, 0);
    }

    pub(super) fn freeze(&mut self, tab: usize) {
        self.ledger.excuse(self.tabs[tab].eye.using);
        let is_storing = self.tabs[tab].storing_since().is_some();
        let since = self.elapsed;
        let held = self.tab(tab);
        held.eye.blind += u8::from(is_storing);
        held.eye.strained |= is_storing;
        held.fate = Fate::Frozen { since };
    }

    /// Somebody needs a token.
    pub(super) fn need(&mut self, tab: usize) -> Result<(), Broken> {
        let call = self.call(tab);
        self.input(tab, Input::Need { call, min_validity: Millis::ZERO })
    }

    /// Somebody wants newer tokens.
    pub(super) fn ask(&mut self, tab: usize) -> Result<(), Broken> {
        let call = self.call(tab);
        self.input(tab, Input::Refresh { call, urgency: Urgency::Normal })
    }

    pub(super) fn sign_out(&mut self, tab: usize) -> Result<(), Broken> {
        let call = self.call(tab);
        self.ledger.wished = true;
        self.tab(tab).eye.over = true;
        self.input(tab, Input::SignOut { call, revocation: Revocation::Skip })
    }

    fn call(&mut self, tab: usize) -> CallId {
        let tab = self.tab(tab);
        tab.last.call += 1;
        let call = CallId(tab.last.call);
        tab.calls.push(call);
        call
    }

    /// What a sign-in in a tab that is no more has left in the store.
    fn sign_in(&mut self) {
        let (token, received) = (self.server.live, self.now().wall);
        let session = StoredSession {
            id: SessionId::new(1),
            refresh: Some(Secret::new(token.to_string())),
            refresh_ends: None,
            access: Some(StoredAccess {
                token: Secret::new(token.access()),
                received,
                life: Some(Millis(LIFE)),
            }),
            refused: false,
            lost: false,
        };
        let record = Record {
            name: self.rules.config.name.clone(),
            epoch: Epoch(received.0.unsigned_abs()),
            generation: Generation(1),
            claim: None,
            cooldown: None,
            offset: None,
            session: Some(session),
        };
        self.ledger.order = record.order();
        self.ledger.stored = Some(token);
        self.store = Some(record.encode());
    }
}

fn options(setting: Setting) -> Options {
    let mut options = Options::default();
    for (option, value) in [("refresh.kind", "endpoint"), ("refresh.url", "/auth/refresh")] {
        options.text(option, value.into()).expect("a valid option");
    }
    let lock = if setting.locking == Locking::Missing { 0.0 } else { 1.0 };
    for (option, value) in [("lock", lock), ("shared", 1.0), ("lead", setting.lead as f64)] {
        options.number(option, value).expect("a valid option");
    }
    options
}

/// What the clocks show when the world begins: 2026-01-01T00:00:00Z, and a machine that has run for a while.
const START: i64 = 1_767_225_600_000;
const BEGINNING: u64 = 1_000_000;
