//! The run loop: the engine under its law, with everything it asks for carried out.

use std::collections::{BTreeMap, BTreeSet};

use evertoken::engine::Engine;
use evertoken::engine::answer::Outcome;
use evertoken::engine::config::{Config, Options};
use evertoken::engine::endpoint::HttpRequest;
use evertoken::engine::error::TokenError;
use evertoken::engine::ids::{AttemptId, CallId, Generation, LockId, StoreOp};
use evertoken::engine::input::Input;
use evertoken::engine::output::{Event, Settled, Snapshot, TokenRequest, Verdict, Write};
use evertoken::engine::time::{Millis, Mono};

use super::clock::Clock;
use super::server::Server;
use super::store::Store;

/// How a call ended, and when, in milliseconds since the world began.
#[derive(Clone, Debug)]
pub struct Done {
    pub at: u64,
    pub result: Result<Settled, TokenError>,
}

#[derive(Debug)]
pub struct World {
    pub engine: Engine,
    pub config: Config,
    pub clock: Clock,
    pub store: Store,
    pub server: Server,
    pub events: Vec<Event>,
    pub snapshots: Vec<Snapshot>,
    pub verdict: Option<Verdict>,
    pub verdicts: u32,
    pub settled: BTreeMap<CallId, Done>,
    pub asked: BTreeSet<CallId>,
    pub sent: Vec<(AttemptId, TokenRequest)>,
    pub aborted: Vec<AttemptId>,
    pub revoked: Vec<HttpRequest>,
    /// What the other tabs were told.
    pub broadcast: Vec<String>,
    pub lock_mode: LockMode,
    /// The lock that is held or asked for.
    pub lock: Option<LockId>,
    /// How often it was asked for.
    pub locks: u32,
    /// What kind each output was of, in order.
    pub trace: Vec<&'static str>,
    pub disposed: bool,
    /// The longest delay that a timer was ever armed with.
    pub longest_delay: Millis,
    pub ticks: u64,
    pub(super) armed: Option<Mono>,
    pub(super) flying: Option<(AttemptId, Mono)>,
    pub(super) highest: Generation,
    /// Of the verdicts: a pair may have come without its access token.
    pub(super) highest_token: Generation,
    pub(super) queue: Vec<(u64, u64, Delivery)>,
    pub(super) posted: u64,
}

/// What is under way to the engine.
#[derive(Debug)]
pub(super) enum Delivery {
    Answer(AttemptId, Outcome),
    Read(StoreOp),
    Write(StoreOp, Write),
    Lock(Input),
}

/// How the lock that tabs share is answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Granted at once.
    Free,
    /// There is none.
    Missing,
    /// Somebody else has it and keeps it.
    Taken,
}

/// Options of an app whose token endpoint takes the refresh token in a JSON body.
pub fn endpoint() -> Options {
    let mut options = Options::default();
    for (option, value) in [("refresh.kind", "endpoint"), ("refresh.url", "/auth/refresh")] {
        options.text(option, value.into()).expect("a valid option");
    }
    for option in ["lock", "shared"] {
        options.number(option, 1.0).expect("a valid option");
    }
    options
}

/// Makes the refresh token a cookie.
pub fn cookie(options: &mut Options) {
    options.text("refresh.tokenIn", "cookie".into()).expect("a valid option");
    options.text("refresh.credentials", "same-origin".into()).expect("a valid option");
}

impl World {
    /// A page that has read its empty store.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same with options changed by `change`.
    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut world = Self::unread(change, 1);
        world.boot();
        world
    }

    /// A page whose user's token has ended.
    pub fn expired() -> Self {
        Self::expired_with(|_| {})
    }

    /// The same with options changed by `change`.
    pub fn expired_with(change: impl FnOnce(&mut Options)) -> Self {
        let mut world = Self::with(change);
        world.sign_in("ada");
        world.sleep(Millis::from_secs(20 * 60));
        world
    }

    /// A page that has not begun.
    pub fn unread(change: impl FnOnce(&mut Options), seed: u64) -> Self {
        let mut options = endpoint();
        change(&mut options);
        let config = options.into_config().expect("options that go together");
        Self {
            engine: Engine::new(config.clone(), seed),
            config,
            clock: Clock::new(),
            store: Store::new(),
            server: Server::new(),
            events: Vec::new(),
            snapshots: Vec::new(),
            verdict: None,
            verdicts: 0,
            settled: BTreeMap::new(),
            asked: BTreeSet::new(),
            sent: Vec::new(),
            aborted: Vec::new(),
            revoked: Vec::new(),
            broadcast: Vec::new(),
            lock_mode: LockMode::Free,
            lock: None,
            locks: 0,
            trace: Vec::new(),
            disposed: false,
            longest_delay: Millis::ZERO,
            ticks: 0,
            armed: None,
            flying: None,
            highest: Generation(0),
            highest_token: Generation(0),
            queue: Vec::new(),
            posted: 0,
        }
    }

    /// A trail with room for everything; before the first input.
    pub fn record_all(&mut self, seed: u64) {
        self.config.trail = usize::MAX;
        self.engine = Engine::new(self.config.clone(), seed);
    }

    /// The page is loaded again: a new engine on the same store and server, at the same time.
    #[must_use]
    pub fn reload(self, seed: u64) -> Self {
        let mut next = Self {
            engine: Engine::new(self.config.clone(), seed),
            config: self.config,
            clock: self.clock,
            store: self.store,
            server: self.server,
            ..Self::unread(|_| {}, seed)
        };
        next.boot();
        next
    }

    /// One input under the law, then whatever answers at once.
    #[track_caller]
    pub fn input(&mut self, input: Input) {
        self.step(input);
        self.deliver_due();
    }

    /// Lets time pass, with timers and answers at their moments.
    #[track_caller]
    pub fn advance(&mut self, by: Millis) {
        let end = self.clock.elapsed + by.0;
        let mut spins = 0;
        loop {
            let timer = self.armed.map(|at| self.clock.when(at)).filter(|at| *at <= end);
            let delivery = self.queue.iter().map(|(due, ..)| *due).min().filter(|due| *due <= end);
            let at = match (timer, delivery) {
                (None, None) => break,
                (timer, delivery) => {
                    timer.into_iter().chain(delivery).min().unwrap_or(end).max(self.clock.elapsed)
                }
            };
            spins = if at == self.clock.elapsed { spins + 1 } else { 0 };
            assert!(spins < 1_000, "the engine spins at {at} ms: {:?}", self.engine);
            self.clock.elapsed = at;
            if delivery.is_some_and(|due| due <= at) {
                self.deliver_due();
            } else {
                self.ticks += 1;
                self.input(Input::Tick);
            }
        }
        self.clock.elapsed = end;
    }

    /// Time passes and nothing runs: a machine that sleeps, a page that is frozen.
    pub fn sleep(&mut self, by: Millis) {
        self.clock.elapsed += by.0;
    }

    /// A sleep in which the monotonic clock stands still, as in some browsers.
    pub fn sleep_without_monotonic(&mut self, by: Millis) {
        self.clock.elapsed += by.0;
        self.clock.missed += by.0;
    }

    /// The wall clock is set.
    pub fn set_wall(&mut self, by: i64) {
        self.clock.ahead += by;
    }

    /// How long until the engine wants to be called, if it does.
    pub fn armed(&self) -> Option<Millis> {
        self.armed.map(|at| at.since(self.clock.now().mono))
    }

    /// An answer arrives now, whether it was asked for or not.
    #[track_caller]
    pub fn answer_now(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.queue.retain(|(.., delivery)| !matches!(delivery, Delivery::Answer(id, _) if *id == attempt));
        self.landed(attempt);
        self.input(Input::Answer { attempt, outcome });
    }

    #[track_caller]
    fn deliver_due(&mut self) {
        let mut spins = 0;
        while let Some(at) = self.next_due() {
            spins += 1;
            assert!(spins < 1_000, "engine and store spin: {:?}", self.engine);
            let (.., delivery) = self.queue.remove(at);
            match delivery {
                Delivery::Answer(attempt, outcome) => {
                    self.landed(attempt);
                    self.step(Input::Answer { attempt, outcome });
                }
                Delivery::Read(op) => {
                    let input = match self.store.read() {
                        Some((text, fence)) => Input::StoreRead { op, text, fence },
                        None => Input::StoreFailed(op),
                    };
                    self.step(input);
                }
                Delivery::Write(op, write) => {
                    let stored = self.store.write(&write);
                    self.step(Input::StoreWritten { op, stored });
                }
                Delivery::Lock(input) => self.step(input),
            }
        }
    }

    fn next_due(&self) -> Option<usize> {
        let due = |(_, entry): &(usize, &(u64, u64, Delivery))| entry.0 <= self.clock.elapsed;
        let first = self.queue.iter().enumerate().filter(due).min_by_key(|(_, entry)| (entry.0, entry.1));
        first.map(|(at, _)| at)
    }

    #[track_caller]
    fn step(&mut self, input: Input) {
        self.note(&input);
        self.engine.handle(self.clock.now(), input);
        while let Some(output) = self.engine.poll_output() {
            self.perform(output);
        }
        self.armed = self.engine.poll_timeout();
        if let Some(delay) = self.armed() {
            self.longest_delay = self.longest_delay.max(delay);
        }
    }
}
