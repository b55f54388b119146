//! The world of a run: one browser with its tabs, store, lock and channel, a network, a server, and the calendar that
//! drives them.

use std::collections::BTreeMap;

use evertoken::engine::error::ErrorCode;
use evertoken::engine::input::{Input, Wake};
use evertoken::engine::output::{Event, Output, State};
use evertoken::engine::session::{EndReason, Refusal};
use evertoken::engine::time::{Mono, Now};

use super::browser::Mishap;
use super::calls::ApiRequest;
use super::clock::Clock;
use super::dice::Dice;
use super::locks::{Locking, Locks};
use super::network::Fate;
use super::provider::Provider;
use super::sabotage::Sabotage;
use super::scenario::Scenario;
use super::store::{Health, Job, Store};
use super::tab::Tab;
use super::trace::Trace;
use super::traffic::{Request, TokenAnswer};
use super::watch::Watch;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) dice: Dice,
    pub(crate) scenario: Scenario,
    pub(crate) provider: Provider,
    pub(crate) store: Store,
    pub(crate) locks: Locks,
    pub(crate) tabs: Vec<Tab>,
    /// Every token request, in the order of sending.
    pub(crate) requests: Vec<Request>,
    pub(crate) watch: Watch,
    pub(crate) trace: Trace,
    pub(crate) sabotage: Sabotage,
    /// Until when no request gets through.
    pub(crate) offline_until: u64,
    /// Until when the resource server refuses every token.
    pub(crate) refuses_until: u64,
    pub(crate) calm: bool,
    pub(crate) asleep: bool,
    /// How many users there are.
    pub(crate) users: u64,
    /// What would have happened in the browser during its sleep.
    pub(crate) missed: Vec<Due>,
    calendar: BTreeMap<(u64, u64), Due>,
    /// Counts what was begun, in its order.
    pub(crate) planned: u64,
}

/// A document in a tab: a reload opens another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) tab: usize,
    pub(crate) load: u32,
}

/// Something on the calendar.
#[derive(Debug)]
pub(crate) enum Due {
    Act,
    ApiAnswer(ApiRequest, u16),
    ApiArrival(ApiRequest, Option<u64>),
    Awake { stood_still: u64 },
    LockAnswer(Page, Input),
    Login(Page),
    Mishap(Page, Mishap),
    Notice(Page, String),
    Open,
    Replay(usize),
    Revocation(usize),
    Rewrite(Job),
    StoreReply(Page, Input),
    StoreTurn,
    StrangerLeaves,
    Thaw(Page),
    Timer(Page, u64),
    TokenAnswer(TokenAnswer),
    TokenArrival(usize, Fate),
    Wake(Page, Wake),
}

impl World {
    pub(crate) fn new(seed: u64, sabotage: Sabotage, trace: Trace) -> Self {
        let mut dice = Dice::new(seed);
        let scenario = Scenario::draw(&mut dice);
        #[cfg(feature = "broken")]
        let scenario = scenario.with_flaw(sabotage.flaw());
        let mut world = Self {
            clock: Clock::default(),
            provider: Provider::new(scenario.policy),
            store: Store::new(scenario.manner),
            locks: Locks::default(),
            scenario,
            dice,
            tabs: Vec::new(),
            requests: Vec::new(),
            watch: Watch::default(),
            trace,
            sabotage,
            offline_until: 0,
            refuses_until: 0,
            calm: false,
            asleep: false,
            users: 0,
            missed: Vec::new(),
            calendar: BTreeMap::new(),
            planned: 0,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        self.trace.note(0, || format!("{:?}", self.scenario));
        if self.scenario.health == Health::Denied {
            self.store.fails_until = u64::MAX;
        }
        if self.scenario.locking == Locking::Never {
            self.squat();
        }
        self.open(0);
        self.plan(10, Due::Login(self.tabs[0].page));
        for _ in 1..self.scenario.tabs {
            let delay = self.dice.magnitude(120_000);
            self.plan(delay, Due::Open);
        }
        self.plan(1_000, Due::Act);
    }

    pub(crate) fn plan(&mut self, delay: u64, due: Due) {
        self.planned += 1;
        self.calendar.insert((self.clock.elapsed.saturating_add(delay), self.planned), due);
    }

    /// Lets time pass until `end` or until a promise is broken.
    pub(crate) fn run_until(&mut self, end: u64) {
        while self.watch.violation.is_none()
            && let Some(entry) = self.calendar.first_entry()
            && entry.key().0 <= end
        {
            let ((at, _), due) = entry.remove_entry();
            self.clock.elapsed = at;
            if self.asleep && due.is_in_browser() {
                self.missed.push(due);
            } else {
                self.happen(due);
            }
        }
        self.clock.elapsed = self.clock.elapsed.max(end);
    }

    fn happen(&mut self, due: Due) {
        if let Some(page) = self.page_of(&due) {
            if !self.is_open(page) {
                return;
            }
            if let Some(frozen) = self.tabs[page.tab].frozen.as_mut() {
                return frozen.missed.push(due);
            }
        }
        match due {
            Due::Act => self.act(),
            Due::ApiAnswer(request, status) => self.api_answer(request, status),
            Due::ApiArrival(request, back) => self.api_arrival(request, back),
            Due::Awake { stood_still } => self.awake(stood_still),
            Due::LockAnswer(page, answer) => self.lock_answer(page, answer),
            Due::Login(page) => self.login(page.tab),
            Due::Mishap(page, mishap) => self.befall(page, mishap),
            Due::Notice(page, message) => self.feed(page.tab, Input::Notice(message)),
            Due::Open => self.open_another(),
            Due::Replay(request) => self.replay(request),
            Due::Revocation(family) => self.provider.revoke(family),
            Due::Rewrite(job) => {
                self.land(&job);
            }
            Due::StoreReply(page, input) => self.feed(page.tab, input),
            Due::StoreTurn => self.store_turn(),
            Due::StrangerLeaves => self.stranger_leaves(),
            Due::Thaw(page) if self.is_open(page) => self.thaw(page.tab),
            Due::Thaw(_) => {}
            Due::Timer(page, timer) => self.timer(page, timer),
            Due::TokenAnswer(answer) => self.token_answer(answer),
            Due::TokenArrival(request, fate) => self.token_arrival(request, &fate),
            Due::Wake(page, wake) => self.feed(page.tab, Input::Wake(wake)),
        }
    }

    /// The page that something happens to, if it takes one that is run.
    fn page_of(&self, due: &Due) -> Option<Page> {
        match due {
            Due::ApiAnswer(request, _) => Some(request.page),
            Due::LockAnswer(page, _)
            | Due::Login(page)
            | Due::Notice(page, _)
            | Due::StoreReply(page, _)
            | Due::Timer(page, _)
            | Due::Wake(page, _) => Some(*page),
            Due::TokenAnswer(answer) => Some(self.requests[answer.request].page),
            Due::Act
            | Due::ApiArrival(..)
            | Due::Awake { .. }
            | Due::Mishap(..)
            | Due::Open
            | Due::Replay(_)
            | Due::Revocation(_)
            | Due::Rewrite(_)
            | Due::StoreTurn
            | Due::StrangerLeaves
            | Due::Thaw(_)
            | Due::TokenArrival(..) => None,
        }
    }

    pub(crate) fn now(&self, tab: usize) -> Now {
        self.clock.now(self.tabs[tab].origin)
    }

    pub(crate) fn is_open(&self, page: Page) -> bool {
        let tab = &self.tabs[page.tab];
        tab.page == page && !tab.gone
    }

    /// Gives `input` to a tab's engine, under the engine's law.
    pub(crate) fn feed(&mut self, tab: usize, input: Input) {
        self.tabs[tab].inbox.push_back(input);
        if std::mem::replace(&mut self.tabs[tab].running, true) {
            return;
        }
        let now = self.now(tab);
        if let Some(armed) = self.tabs[tab].armed.take() {
            self.tabs[tab].held_up += now.mono.since(armed).0;
        }
        while let Some(input) = self.tabs[tab].inbox.pop_front() {
            self.trace.note(self.clock.elapsed, || format!("tab {tab} < {input:?}"));
            let is_step = matches!(
                input,
                Input::Answer { .. }
                    | Input::LockGranted(_)
                    | Input::StoreFailed(_)
                    | Input::StoreRead { .. }
                    | Input::StoreWritten { .. }
            );
            self.watch_input(tab, &input);
            self.tabs[tab].engine.handle(now, input);
            while let Some(output) = self.tabs[tab].engine.poll_output() {
                self.trace.note(self.clock.elapsed, || format!("tab {tab} > {output:?}"));
                self.watch_output(tab, &output);
                self.perform(tab, output);
            }
            self.watch_step(tab);
            if is_step && self.tabs[tab].is_refreshing() {
                self.tempt(tab);
            }
        }
        self.tabs[tab].running = false;
        self.arm(tab, now);
    }

    fn perform(&mut self, tab: usize, output: Output) {
        let page = self.tabs[tab].page;
        match output {
            Output::Abort(attempt) => self.abort(page, attempt),
            Output::Broadcast(message) => self.broadcast(page, &message),
            Output::Event(event) => self.hear(tab, &event),
            Output::Lock(id) => {
                self.queue_for_lock(page, id);
                self.tempt(tab);
            }
            Output::ReadStore(op) => {
                self.operate(page, op, None);
                if self.tabs[tab].is_refreshing() {
                    self.tempt(tab);
                }
            }
            Output::Revoke(request) => self.revoke(&request),
            Output::Send { attempt, request } => {
                self.send_token_request(tab, attempt, &request);
                self.tempt(tab);
            }
            Output::Settle(call, result) => self.settled(tab, call.0, &result),
            Output::Snapshot(snapshot) => {
                self.tabs[tab].snapshot = Some(snapshot);
                self.watch_boot(tab);
            }
            Output::Unlock(_) if self.sabotage == Sabotage::KeepLock => {}
            Output::Unlock(id) => {
                self.give_lock_back(page, id);
                self.tempt(tab);
            }
            Output::Verdict(verdict) => {
                let kept = match self.sabotage {
                    Sabotage::KeepVerdict => self.tabs[tab].eye.leaving,
                    Sabotage::TrustForEver => !self.tabs[tab].eye.leaving,
                    _ => false,
                };
                if verdict.is_some() || !kept {
                    self.tabs[tab].verdict = verdict;
                }
            }
            Output::WriteStore(op, mut write) => {
                self.falsify_write(tab, &mut write);
                self.watch_write(tab, op, &write);
                self.operate(page, op, Some(write));
                self.tempt(tab);
            }
        }
    }

    /// The app's listener.
    fn hear(&mut self, tab: usize, event: &Event) {
        self.watch_event(tab, event);
        if let Event::RefreshFailed { error, .. } = event
            && error.code == ErrorCode::SessionEnded
            && self.sabotage == Sabotage::TellEndEarly
        {
            let refusal = Refusal::because(EndReason::Refused);
            self.watch_event(tab, &Event::SessionEnded(refusal));
        }
        if let Event::SessionEnded(refusal) = event {
            if self.sabotage == Sabotage::TellEndTwice {
                self.watch_event(tab, event);
            }
            if refusal.reason != EndReason::SignedOut && self.dice.chance(800) {
                let delay = self.dice.magnitude(600_000);
                self.plan(delay, Due::Login(self.tabs[tab].page));
            }
        }
    }

    /// Arms the tab's one timer.
    fn arm(&mut self, tab: usize, now: Now) {
        let deadline = self.tabs[tab].engine.poll_timeout();
        self.watch_timer(tab, now, deadline);
        let hidden = self.tabs[tab].hidden;
        self.tabs[tab].armed = deadline;
        self.tabs[tab].timer += 1;
        if let Some(deadline) = deadline {
            // Hidden pages are run once a second at best, once a minute at worst.
            let slack = if self.dice.chance(900) { 5 } else { 3_000 };
            let slack = if hidden { 60_000 } else { slack };
            let delay = self.delay_until(tab, deadline) + self.dice.magnitude(slack);
            self.plan(delay, Due::Timer(self.tabs[tab].page, self.tabs[tab].timer));
        }
    }

    fn timer(&mut self, page: Page, timer: u64) {
        if self.tabs[page.tab].timer != timer {
            return;
        }
        match self.tabs[page.tab].armed {
            // The monotonic clock has stood still meanwhile.
            Some(deadline) if deadline > self.now(page.tab).mono => {
                let delay = self.delay_until(page.tab, deadline);
                self.plan(delay, Due::Timer(page, timer));
            }
            _ => self.feed(page.tab, Input::Tick),
        }
    }

    fn delay_until(&self, tab: usize, deadline: Mono) -> u64 {
        self.clock.when(deadline, self.tabs[tab].origin).saturating_sub(self.clock.elapsed)
    }

    pub(crate) fn is_refreshing(&self) -> bool {
        self.tabs.iter().any(Tab::is_refreshing)
    }

    /// Nothing is under way that a tab could still have to learn of.
    pub(crate) fn is_settled(&self) -> bool {
        !self.is_refreshing() && self.watch.written + HEARD < self.clock.elapsed
    }

    /// Whether the last call of every tab that has a session was served.
    pub(crate) fn is_served(&self) -> bool {
        let is_open = |tab: &&Tab| !tab.gone && tab.state() != State::SignedOut;
        self.tabs.iter().filter(is_open).all(|tab| tab.eye.last_status == Some(200))
    }

    /// The faults are over; from here on everything must come right.
    pub(crate) fn begin_calm(&mut self) {
        self.trace.note(self.clock.elapsed, || "the faults are over".into());
        self.calm = true;
        self.scenario.weather = Default::default();
        self.scenario.air = Default::default();
        self.scenario.pause = 60_000;
        (self.offline_until, self.refuses_until) = (0, 0);
        if self.sabotage == Sabotage::StayOffline {
            self.offline_until = self.scenario.end;
        }
        if self.scenario.health != Health::Denied {
            (self.store.hangs_until, self.store.fails_until, self.store.full_until) = (0, 0, 0);
        }
        if self.scenario.locking != Locking::Never {
            self.stranger_leaves();
        }
        if self.tabs.iter().all(|tab| tab.gone) {
            self.open_another();
        }
        for tab in 0..self.tabs.len() {
            self.thaw(tab);
            if self.tabs[tab].gone {
                continue;
            }
            self.tabs[tab].hidden = false;
            self.feed(tab, Input::Wake(Wake::Shown));
            self.feed(tab, Input::Start);
            if self.tabs[tab].state() == State::SignedOut && self.dice.chance(700) {
                self.plan(60_000, Due::Login(self.tabs[tab].page));
            }
        }
    }
}

impl Due {
    /// Whether it takes a running browser.
    fn is_in_browser(&self) -> bool {
        !matches!(
            self,
            Self::ApiArrival(..) | Self::Awake { .. } | Self::Revocation(_) | Self::TokenArrival(..)
        )
    }
}

/// By when every tab knows what one of them has written: a message, a look, and a pair that is seen late.
const HEARD: u64 = 7_000;
