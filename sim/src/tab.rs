//! One tab: an engine, what it last said, and the calls that wait for it.

use std::collections::{BTreeMap, VecDeque};

use evertoken::engine::ids::Generation;
use evertoken::engine::input::Input;
use evertoken::engine::output::{Settled, Snapshot, State, Verdict};
use evertoken::engine::time::{Millis, Mono, Now};
use evertoken::engine::{Config, Engine};

use super::watch::Eye;
use super::world::{Due, Page};

#[derive(Debug)]
pub(crate) struct Tab {
    pub(crate) page: Page,
    /// Where the page's monotonic clock began.
    pub(crate) origin: u64,
    pub(crate) engine: Engine,
    pub(crate) inbox: VecDeque<Input>,
    /// Whether inputs are being handled further up the stack.
    pub(crate) running: bool,
    pub(crate) armed: Option<Mono>,
    /// Names the timer that is armed.
    pub(crate) timer: u64,
    /// How long timers were held up so far; the engine promises time awake.
    pub(crate) held_up: u64,
    pub(crate) hidden: bool,
    /// Closed or crashed: nothing reaches it any more.
    pub(crate) gone: bool,
    pub(crate) frozen: Option<Frozen>,
    /// Until when the store's answers are held up: they come in the order of what was asked.
    pub(crate) answers_from: u64,
    pub(crate) user: u64,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) calls: BTreeMap<u32, Call>,
    last_call: u32,
    pub(crate) eye: Eye,
}

/// A page that is not run.
#[derive(Debug, Default)]
pub(crate) struct Frozen {
    /// What it has begun in the store does not end before it is run again, and nobody else's does.
    pub(crate) blocks: bool,
    /// What has happened to it meanwhile.
    pub(crate) missed: Vec<Due>,
}

/// A call that waits for the engine.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) purpose: Purpose,
    opened: Mono,
    held_up: u64,
    bound: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Tokens are handed over.
    HandOver,
    /// A request waits for a token.
    Request(Payload),
    /// A request was answered 401 with this generation.
    Resend(Payload, Generation),
    SignOut,
    /// A token is wanted for something else.
    Token,
}

/// What a request of the app carries; no two carry the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Payload(pub(crate) u64);

impl Tab {
    pub(crate) fn open(page: Page, origin: u64, config: Config, seed: u64) -> Self {
        Self {
            page,
            origin,
            engine: Engine::new(config, seed),
            inbox: VecDeque::new(),
            running: false,
            armed: None,
            timer: 0,
            held_up: 0,
            hidden: false,
            gone: false,
            frozen: None,
            answers_from: 0,
            user: 0,
            verdict: None,
            snapshot: None,
            calls: BTreeMap::new(),
            last_call: 0,
            eye: Eye::default(),
        }
    }

    /// Whether anything can happen in it.
    pub(crate) fn is_run(&self) -> bool {
        !self.gone && self.frozen.is_none()
    }

    /// Notes a call that must be settled within `bound` of time awake.
    pub(crate) fn expect(&mut self, purpose: Purpose, now: Now, bound: Millis) -> u32 {
        self.last_call += 1;
        self.calls.insert(self.last_call, Call { purpose, opened: now.mono, held_up: self.held_up, bound });
        self.last_call
    }

    /// Another call than `id`, if one is open.
    pub(crate) fn another_call(&self, id: u32) -> u32 {
        self.calls.keys().copied().find(|other| *other != id).unwrap_or(id)
    }

    /// The first call that has waited longer than it may.
    pub(crate) fn overdue(&self, now: Now) -> Option<(u32, &Call)> {
        let late = |call: &Call| self.awake_since(now, call.opened, call.held_up) > call.bound;
        self.calls.iter().find(|(_, call)| late(call)).map(|(id, call)| (*id, call))
    }

    /// How much time has passed since `then` in which the page was run; `held_up` is what it was at that time.
    pub(crate) fn awake_since(&self, now: Now, then: Mono, held_up: u64) -> Millis {
        now.mono.since(then).saturating_sub(Millis(self.held_up - held_up))
    }

    /// What the fast lane of a page decides by itself: whether the verdict's token goes out without asking.
    pub(crate) fn is_good(&self, now: Now) -> bool {
        let Some(verdict) = &self.verdict else {
            return false;
        };
        let checked = verdict.checked;
        let mono = now.mono.since(checked.mono).0 as i64;
        let wall = now.wall.0 - checked.wall.0;
        verdict.until.is_none_or(|until| now.mono < until.mono && now.wall < until.wall)
            && now.mono >= checked.mono
            && wall >= 0
            && (wall - mono).abs() <= DRIFT
    }

    pub(crate) fn state(&self) -> State {
        self.snapshot.as_ref().map(|snapshot| snapshot.state).unwrap_or_default()
    }

    pub(crate) fn generation(&self) -> Generation {
        self.snapshot.as_ref().map(|snapshot| snapshot.generation).unwrap_or_default()
    }

    pub(crate) fn is_refreshing(&self) -> bool {
        !self.gone && self.snapshot.as_ref().is_some_and(|snapshot| snapshot.refreshing)
    }
}

impl Purpose {
    /// Whether `settled` is an answer to this question.
    pub(crate) fn is_answered_by(self, settled: Settled) -> bool {
        match self {
            Self::HandOver => {
                matches!(settled, Settled::Ignored | Settled::Started | Settled::Unchanged | Settled::Updated)
            }
            Self::Request(_) | Self::SignOut | Self::Token => settled == Settled::Done,
            Self::Resend(..) => matches!(settled, Settled::Pass | Settled::Resend),
        }
    }
}

/// How far the clocks may part before the lane asks the engine, in milliseconds.
const DRIFT: i64 = 60_000;
