//! The world of a run: one browser with its tabs and store, a network, a server, and the calendar that drives them.

use std::collections::BTreeMap;

use evertoken::engine::error::ErrorCode;
use evertoken::engine::ids::StoreOp;
use evertoken::engine::input::{Input, Stored, Wake};
use evertoken::engine::output::{Event, Output, State};
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{EndReason, Refusal};
use evertoken::engine::time::{Mono, Now};

use super::clock::Clock;
use super::dice::Dice;
use super::eye::Watch;
use super::invariant::Invariant;
use super::provider::Provider;
use super::sabotage::Sabotage;
use super::scenario::Scenario;
use super::store::{Job, Manner, Store};
use super::tab::Tab;
use super::trace::Trace;
use super::traffic::{ApiRequest, Request, TokenAnswer};

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) dice: Dice,
    pub(crate) scenario: Scenario,
    pub(crate) provider: Provider,
    pub(crate) store: Store,
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
    /// What would have happened in the browser during its sleep.
    missed: Vec<Due>,
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
    Login(Page),
    Replay(usize),
    Revocation(usize),
    Rewrite(Job),
    StoreReply(Page, Input),
    StoreTurn,
    Timer(Page, u64),
    TokenAnswer(TokenAnswer),
    TokenArrival(usize, super::network::Fate),
    Wake(Page, Wake),
}

impl World {
    pub(crate) fn new(seed: u64, sabotage: Sabotage, trace: Trace) -> Self {
        let mut dice = Dice::new(seed);
        let scenario = Scenario::draw(&mut dice);
        let mut world = Self {
            clock: Clock::default(),
            provider: Provider::new(scenario.policy),
            store: Store::new(scenario.manner),
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
            missed: Vec::new(),
            calendar: BTreeMap::new(),
            planned: 0,
        };
        world.open(0, 0);
        let page = world.tabs[0].page;
        world.plan(10, Due::Login(page));
        world.plan(1_000, Due::Act);
        world
    }

    /// Names the circumstances.
    pub(crate) fn describe(&mut self) {
        self.trace.note(0, || format!("{:?}", self.scenario));
    }

    /// Opens tab number `tab`, or loads it anew.
    pub(crate) fn open(&mut self, tab: usize, load: u32) {
        let page = Page { tab, load };
        let seed = self.dice.draw();
        let mut fresh = Tab::open(page, self.clock.origin(), self.scenario.config.clone(), seed);
        match self.tabs.get_mut(tab) {
            Some(old) => {
                fresh.user = old.user;
                *old = fresh;
            }
            None => self.tabs.push(fresh),
        }
        self.feed(tab, Input::Restore);
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
        match due {
            Due::Act => self.act(),
            Due::ApiAnswer(request, status) => self.api_answer(request, status),
            Due::ApiArrival(request, back) => self.api_arrival(request, back),
            Due::Awake { stood_still } => self.awake(stood_still),
            Due::Login(page) => self.login(page),
            Due::Replay(request) => self.replay(request),
            Due::Revocation(family) => self.provider.revoke(family),
            Due::Rewrite(job) => {
                self.land(&job);
            }
            Due::StoreReply(page, input) => self.feed_page(page, input),
            Due::StoreTurn => self.store_turn(),
            Due::Timer(page, timer) => self.timer(page, timer),
            Due::TokenAnswer(answer) => self.token_answer(answer),
            Due::TokenArrival(request, fate) => self.token_arrival(request, &fate),
            Due::Wake(page, wake) => self.feed_page(page, Input::Wake(wake)),
        }
    }

    fn awake(&mut self, stood_still: u64) {
        self.asleep = false;
        self.clock.stand_still(stood_still);
        self.trace.note(self.clock.elapsed, || format!("awake; the monotonic clock missed {stood_still} ms"));
        for due in std::mem::take(&mut self.missed) {
            let delay = self.dice.between(0, 300);
            // Connections may not outlive a sleep.
            let due = match due {
                Due::TokenAnswer(answer) if self.dice.chance(500) => Due::TokenAnswer(answer.broken()),
                other => other,
            };
            self.plan(delay, due);
        }
    }

    pub(crate) fn now(&self, tab: usize) -> Now {
        self.clock.now(self.tabs[tab].origin)
    }

    pub(crate) fn is_open(&self, page: Page) -> bool {
        self.tabs[page.tab].page == page
    }

    pub(crate) fn feed_page(&mut self, page: Page, input: Input) {
        if self.is_open(page) {
            self.feed(page.tab, input);
        }
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
            self.watch_input(tab, &input);
            self.tabs[tab].engine.handle(now, input);
            while let Some(output) = self.tabs[tab].engine.poll_output() {
                self.trace.note(self.clock.elapsed, || format!("tab {tab} > {output:?}"));
                self.perform(tab, output);
            }
            self.watch_step(tab);
        }
        self.tabs[tab].running = false;
        self.arm(tab, now);
    }

    fn perform(&mut self, tab: usize, output: Output) {
        let page = self.tabs[tab].page;
        match output {
            Output::Abort(attempt) => self.abort(page, attempt),
            Output::Event(event) => self.hear(tab, &event),
            Output::ReadStore(op) => {
                self.tabs[tab].eye.read_asked(op, self.clock.elapsed);
                self.operate(page, op, None);
            }
            Output::Revoke(request) => self.revoke(&request),
            Output::Send { attempt, request } => self.send_token_request(tab, attempt, &request),
            Output::Settle(call, result) => self.settled(tab, call.0, &result),
            Output::Snapshot(snapshot) => {
                self.tabs[tab].snapshot = Some(snapshot);
                self.watch_boot(tab);
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
            Output::Broadcast(_) | Output::Lock(_) | Output::Unlock(_) => {}
            Output::WriteStore(op, write) => {
                let mut text = write.text.as_ref().map_or("", Secret::expose).to_owned();
                if self.sabotage == Sabotage::KeepRecord && self.tabs[tab].eye.leaving {
                    text = self.store.text.clone().unwrap_or(text);
                }
                self.watch_write(tab, &text);
                self.operate(page, op, Some(text));
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

    fn operate(&mut self, page: Page, op: StoreOp, text: Option<String>) {
        self.planned += 1;
        let eye = &mut self.tabs[page.tab].eye;
        eye.operations += 1;
        let job = Job { page, op, text, blind: eye.blind, number: self.planned };
        if self.store.manner == Manner::Now {
            let reply = self.land(&job);
            self.tabs[job.page.tab].inbox.push_back(reply);
        } else if self.store.enqueue(job) {
            self.plan_store_turn();
        }
    }

    fn plan_store_turn(&mut self) {
        if let Some(at) = self.store.next_turn(self.clock.elapsed, &mut self.dice) {
            self.plan(at - self.clock.elapsed, Due::StoreTurn);
        }
    }

    fn store_turn(&mut self) {
        if self.store.hangs_until > self.clock.elapsed {
            return self.plan_store_turn();
        }
        let Some(job) = self.store.take() else {
            return;
        };
        let reply = self.land(&job);
        self.plan_store_turn();
        self.plan(0, Due::StoreReply(job.page, reply));
    }

    /// Carries a job out where everybody sees it.
    fn land(&mut self, job: &Job) -> Input {
        let before = self.store.text.clone();
        let reply = self.store.perform(job, self.clock.elapsed);
        let written = matches!(reply, Input::StoreWritten { stored: Stored::Durably, .. });
        if written {
            self.watch_landing(job, before.as_deref());
        }
        if self.sabotage == Sabotage::RepeatWrite && written && self.dice.chance(200) {
            let delay = self.dice.magnitude(600_000);
            self.plan(delay, Due::Rewrite(job.clone()));
        }
        reply
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
        if !self.is_open(page) || self.tabs[page.tab].timer != timer {
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

    /// What must be true when the calm is over.
    pub(crate) fn finish(&mut self) {
        for tab in 0..self.tabs.len() {
            self.watch_end(tab);
            self.feed(tab, Input::Dispose);
            let left = self.tabs[tab].calls.len();
            if left > 0 || self.tabs[tab].armed.is_some() {
                self.broke(Invariant::I3, || format!("dispose left {left} calls, or a timer"));
            }
        }
    }

    /// The faults are over; from here on everything must come right.
    pub(crate) fn begin_calm(&mut self) {
        self.trace.note(self.clock.elapsed, || "the faults are over".into());
        self.calm = true;
        self.scenario.weather = Default::default();
        self.scenario.pause = 180_000;
        (self.offline_until, self.refuses_until) = (0, 0);
        if self.sabotage == Sabotage::StayOffline {
            self.offline_until = self.scenario.end;
        }
        (self.store.hangs_until, self.store.fails_until) = (0, 0);
        for tab in 0..self.tabs.len() {
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
