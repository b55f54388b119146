//! The engine itself: inputs in, outputs out, one next deadline.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::backoff::{Background, Breaker};
use super::broken::Flaw;
use super::claim::Claim;
use super::config::Config;
use super::desk::Desk;
use super::error::{ErrorCode, TokenError};
use super::few::Few;
use super::flight::{Attempt, Flight, Step};
use super::grant::News;
use super::ids::{AttemptId, CallId, Epoch, Generation, LockId, Order};
use super::input::{Input, Wake};
use super::jitter::Jitter;
use super::latency::Latency;
use super::metrics::{Mark, Metrics, Trail};
use super::outbox::Outbox;
use super::output::{Event, Output, Settled, Snapshot, Verdict};
use super::session::Session;
use super::time::{Millis, Mono, Now};
use super::timer::Timer;
use super::turn::Lock;
use super::waiter::Waiter;

/// Keeps one session alive. A function of its seed and its inputs: it has no clock, no entropy and does no I/O.
///
/// Law: one [`handle`](Self::handle), then drain [`poll_output`](Self::poll_output) until `None`, then wait for the
/// next input or until [`poll_timeout`](Self::poll_timeout), whose passing is an [`Input::Tick`].
///
/// ```
/// use evertoken::engine::{Engine, Options};
/// use evertoken::engine::input::Input;
/// use evertoken::engine::output::Output;
/// use evertoken::engine::time::Now;
///
/// let mut engine = Engine::new(Options::default().into_config().unwrap(), 42);
/// engine.handle(Now::default(), Input::Restore);
/// assert!(matches!(engine.poll_output(), Some(Output::Snapshot(_))));
/// assert!(matches!(engine.poll_output(), Some(Output::ReadStore(_))));
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) config: Arc<Config>,
    pub(super) jitter: Jitter,
    pub(super) now: Now,
    /// Where the two clocks were last seen to agree.
    anchor: Now,
    /// The one deadline that the shell is given.
    armed: Option<Mono>,
    pub(super) phase: Phase,
    pub(super) epoch: Epoch,
    pub(super) generation: Generation,
    /// The server's time minus this machine's, once learnt.
    pub(super) offset: Option<i64>,
    pub(super) session: Option<Box<Session>>,
    pub(super) flight: Option<Box<Flight>>,
    /// Attempts that were given up and may still answer.
    pub(super) abandoned: Few<Attempt>,
    /// The refresh token held went out without an answer being read.
    pub(super) lost: bool,
    pub(super) waiters: Few<Waiter>,
    /// What came before the store had been read for the first time.
    pub(super) deferred: Few<(Now, Input)>,
    pub(super) cooldown: Option<Box<Cooldown>>,
    pub(super) background: Option<Box<Background>>,
    pub(super) breaker: Option<Box<Breaker>>,
    pub(super) latency: Latency,
    /// Tells this engine's claims from those of others.
    pub(super) id: u64,
    pub(super) lock: Lock,
    pub(super) next_lock: LockId,
    /// What this engine has claimed, or is claiming.
    pub(super) claim: Option<Box<Claim>>,
    /// When a caller last wanted anything.
    pub(super) last_use: Now,
    pub(super) last_sent: Option<Mono>,
    /// There may be a cookie session, and nobody has asked for it.
    pub(super) dormant: bool,
    /// Refreshes in a row that were asked for, one right after the other.
    pub(super) asks: u32,
    /// Refreshes in a row that brought the same token again.
    pub(super) unhelpful: u32,
    /// No refresh is planned before this.
    pub(super) hold_off: Option<Mono>,
    pub(super) scheduling: bool,
    pub(super) hidden: bool,
    pub(super) desk: Desk,
    /// What the refresh that is being stored will tell.
    pub(super) news: Option<Box<News>>,
    outputs: Outbox,
    /// The verdict is told again even if it says the same.
    retell: bool,
    pub(super) next_attempt: AttemptId,
    pub(super) metrics: Metrics,
    pub(super) trail: Trail,
}

/// What the outputs tell of the state.
struct View {
    /// Nothing is shown before the first input.
    snapshot: Option<Snapshot>,
    verdict: Option<Verdict>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The store is being read for the first time.
    Booting,
    Disposed,
    New,
    Running,
}

/// After a failed flight callers are answered from here, not by new requests.
#[derive(Clone, Debug)]
pub(super) struct Cooldown {
    /// When the schedule tries again.
    pub until: Mono,
    /// From then on a caller who has no good token need not wait for that.
    pub opens: Mono,
    pub error: TokenError,
    /// The server named the time: nothing shortens it.
    pub hard: bool,
}

impl Engine {
    /// An engine at rest. `seed` spreads its delays. Engines may share one configuration.
    pub fn new(config: impl Into<Arc<Config>>, seed: u64) -> Self {
        Self {
            config: config.into(),
            id: Jitter::new(!seed).draw(),
            jitter: Jitter::new(seed),
            now: Now::default(),
            anchor: Now::default(),
            armed: None,
            phase: Phase::New,
            epoch: Epoch(0),
            generation: Generation(0),
            offset: None,
            session: None,
            flight: None,
            abandoned: Few::default(),
            lost: false,
            waiters: Few::default(),
            deferred: Few::default(),
            cooldown: None,
            background: None,
            breaker: None,
            latency: Latency::default(),
            lock: Lock::Free,
            next_lock: LockId(0),
            claim: None,
            last_use: Now::default(),
            last_sent: None,
            dormant: false,
            asks: 0,
            unhelpful: 0,
            hold_off: None,
            scheduling: true,
            hidden: false,
            desk: Desk::default(),
            news: None,
            outputs: Outbox::default(),
            retell: false,
            next_attempt: AttemptId(0),
            metrics: Metrics::default(),
            trail: Trail::default(),
        }
    }

    /// Something happened at `now`.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.note(now, &input);
        let mut shown = self.view();
        if self.observe(now) && self.phase == Phase::Running && !matches!(input, Input::Dispose) {
            self.hasten();
            self.look_again();
        }
        if self.phase == Phase::Booting && input.needs_session() {
            self.deferred.push((now, input));
        } else {
            self.apply(input);
        }
        self.catch_up(&mut shown);
        self.end_turn();
        self.fire();
        self.catch_up(&mut shown);
        self.end_turn();
        self.armed = self.next_deadline();
        self.publish(&mut shown);
    }

    /// The next thing to do, until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop()
    }

    /// When to call [`handle`](Self::handle) again at the latest.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.armed
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The last steps, oldest first: what happened and what came of it.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// What is held, as records are ordered.
    pub(super) fn order(&self) -> Order {
        Order { epoch: self.epoch, generation: self.generation }
    }

    /// Where the refresh under way is.
    pub(super) fn step(&self) -> Option<&Step> {
        self.flight.as_ref().map(|flight| &flight.step)
    }

    pub(super) fn apply(&mut self, input: Input) {
        if input.is_use() {
            self.last_use = self.now;
        }
        match input {
            Input::Answer { attempt, outcome } => self.on_answer(attempt, outcome),
            Input::Dispose => self.dispose(),
            Input::LockDenied(lock) => self.on_lock_denied(lock),
            Input::LockGranted(lock) => self.on_lock_granted(lock),
            Input::Need { call, min_validity } => self.need(call, min_validity),
            Input::Notice(message) => self.on_notice(&message),
            Input::Refresh { call, urgency } => self.refresh(call, urgency),
            Input::Replayed { generation, reception } => self.on_replayed(generation, reception),
            Input::Restore => self.restore(),
            Input::SetTokens { call, response, session } => self.set_tokens(call, &response, session),
            Input::SignOut { call, revocation } => self.sign_out(call, revocation),
            Input::Start => self.start(),
            Input::Stop => self.stop(),
            Input::StoreFailed(op) => self.on_unreadable(op),
            Input::StoreRead { op, text, fence } => self.on_read(op, text.as_ref(), fence.as_ref()),
            Input::StoreWritten { op, stored } => self.on_written(op, stored),
            Input::Tick | Input::Touch => {}
            Input::Unauthorized { call, generation, challenge } => {
                self.on_unauthorized(call, generation, challenge.as_deref());
            }
            Input::Wake(wake) => self.wake(wake),
        }
    }

    pub(super) fn emit(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// Puts `output` ahead of all that this input has given rise to.
    pub(super) fn emit_first(&mut self, output: Output) {
        self.outputs.push_first(output);
    }

    pub(super) fn event(&mut self, event: Event) {
        if self.phase != Phase::Disposed {
            self.emit(Output::Event(event));
        }
    }

    pub(super) fn settle(&mut self, call: CallId, result: Result<Settled, TokenError>) {
        self.emit(Output::Settle(call, result));
    }

    pub(super) fn fail(&mut self, call: CallId, code: ErrorCode) {
        self.settle(call, Err(TokenError::new(code)));
    }

    pub(super) fn mark(&mut self, mark: Mark, detail: u64) {
        let detail = u32::try_from(detail).unwrap_or(u32::MAX);
        self.trail.push([self.now.mono.millis() as i64, mark as i64, detail.into()], self.config.trail);
    }

    /// Looks for what the clocks say of sleeps and of clocks being set. Says whether the wall clock has jumped ahead:
    /// it was set, or the machine slept and the monotonic clock stood still.
    fn observe(&mut self, now: Now) -> bool {
        if self.phase == Phase::New {
            self.anchor = now;
        }
        if let Some(late) = self.armed.map(|armed| now.mono.since(armed)).filter(|late| *late > LATE) {
            // The machine slept, or the page was not run: deadlines count awake time.
            self.mark(Mark::LateTimer, late.0 / 1_000);
            self.postpone(late);
        }
        self.now = now;
        let mono = now.mono.since(self.anchor.mono).0;
        let wall = now.wall.0.saturating_sub(self.anchor.wall.0);
        let drift = wall.saturating_sub_unsigned(mono);
        if drift.unsigned_abs() <= DRIFT.0 {
            return false;
        }
        self.anchor = now;
        self.mark(Mark::WallJumped, drift.unsigned_abs() / 1_000);
        // The verdict was judged by clocks that no longer hold.
        self.retell = true;
        if drift.is_negative() {
            self.offset = self.offset.map(|offset| offset.saturating_sub(drift));
            if let Some((_, begun)) = self.desk.ended.as_mut() {
                // What is begun from now on has lower epochs.
                begun.0 = begun.0.saturating_sub(drift.unsigned_abs());
            }
            if let Some(access) = self.session.as_deref_mut().and_then(|session| session.access.as_mut()) {
                access.life.re_anchor(drift);
            }
        }
        drift.is_positive()
    }

    fn wake(&mut self, wake: Wake) {
        if self.phase != Phase::Running {
            return;
        }
        self.mark(Mark::Woke, wake as u64);
        match wake {
            Wake::Hidden => {
                self.hidden = true;
                return;
            }
            Wake::Shown => self.hidden &= self.config.broken(Flaw::ShownUnheard),
            Wake::Focus | Wake::Online => {}
        }
        if wake != Wake::Focus {
            self.hasten();
        }
        self.look_again();
    }

    /// Reads the store again, unless a refresh is about to do so. Without a session too: another tab may have one.
    fn look_again(&mut self) {
        let step = self.flight.as_mut().map(|flight| {
            flight.lease.woken = true;
            &flight.step
        });
        match step {
            None | Some(Step::Queueing | Step::Waiting { .. }) => {
                self.desk.looking = true;
                self.start_read();
            }
            // The write may have been carried out long ago, and others have gone on from it.
            Some(Step::Committing) => self.desk.look_at = Some(self.next_look()),
            Some(Step::Claiming | Step::Confirming(_) | Step::Reading | Step::Sending { .. }) => {}
        }
    }

    fn fire(&mut self) {
        let due = Timer::ALL.map(|timer| self.is_due(timer));
        for (timer, was_due) in Timer::ALL.into_iter().zip(due) {
            // One before it may have begun anew what this one would end.
            if !was_due || !self.is_due(timer) {
                continue;
            }
            match timer {
                Timer::Attempt => self.on_attempt_timeout(),
                Timer::Expiry => self.end_unrefreshable(),
                Timer::Lock => self.on_lock_timeout(),
                Timer::Look => self.on_look_due(),
                Timer::Read => self.on_read_timeout(),
                Timer::Refresh => self.on_refresh_due(),
                Timer::Retry => self.on_retry_due(),
                Timer::Save => self.save_again(),
                Timer::Waiter => self.on_waiter_timeout(),
                Timer::Write => self.on_write_timeout(),
            }
        }
    }

    fn is_due(&self, timer: Timer) -> bool {
        self.phase != Phase::Disposed && self.deadline(timer).is_some_and(|at| at <= self.now.mono)
    }

    /// The first deadline. All are derived from the state, so that none can outlive its cause.
    fn next_deadline(&self) -> Option<Mono> {
        if self.phase == Phase::Disposed {
            return None;
        }
        let next = Timer::ALL.iter().filter_map(|timer| self.deadline(*timer)).min()?;
        if self.config.check_interval == Millis::ZERO {
            return Some(next);
        }
        // A look at the clocks, so that a sleep or a set clock is noticed. While somebody or an attempt waits in sight, a
        // closer look tells time awake from time asleep.
        let is_under_way = !matches!(self.step(), None | Some(Step::Queueing | Step::Waiting { .. }));
        let awaited = !self.hidden && (!self.waiters.is_empty() || is_under_way);
        let longest = if awaited { PULSE } else { self.config.check_interval };
        let interval = longest.min(self.config.check_interval);
        Some(next.min(self.now.mono.after(interval)))
    }

    /// Applies what came while the store was being read, once it has been.
    fn catch_up(&mut self, shown: &mut View) {
        if self.phase != Phase::Running {
            return;
        }
        for (then, input) in self.deferred.take() {
            // Each is told what held for it, not what those after it have changed.
            self.publish(shown);
            // A token's life runs from when it was handed over; whatever else is asked, is asked now.
            let now = self.now;
            let handed_over = matches!(input, Input::SetTokens { .. });
            if handed_over {
                self.now = then;
            }
            self.apply(input);
            self.now = now;
            if handed_over {
                self.desk.postpone(now.mono.since(then.mono));
            }
        }
    }

    /// What is seen from outside, which follows from the state: what was told last is what this said before an input.
    fn view(&self) -> View {
        View { snapshot: (self.phase != Phase::New).then(|| self.snapshot()), verdict: self.verdict() }
    }

    /// Tells what has changed since `shown`, before anything else that this input gave rise to.
    fn publish(&mut self, shown: &mut View) {
        if self.phase == Phase::Disposed {
            return;
        }
        let before = core::mem::replace(shown, self.view());
        if shown.snapshot != before.snapshot {
            self.emit_first(Output::Snapshot(self.snapshot()));
        }
        let same = match (&shown.verdict, &before.verdict) {
            (Some(now), Some(before)) => now.says_the_same(before),
            (None, None) => true,
            _ => false,
        };
        if core::mem::take(&mut self.retell) || !same {
            self.emit_first(Output::Verdict(self.verdict()));
        }
        self.outputs.publish();
    }
}

impl Input {
    /// Whether somebody is using the app.
    fn is_use(&self) -> bool {
        matches!(
            self,
            Self::Need { .. }
                | Self::Refresh { .. }
                | Self::Restore
                | Self::SetTokens { .. }
                | Self::Start
                | Self::Touch
                | Self::Unauthorized { .. }
        )
    }

    /// Whether the answer depends on what the store holds.
    fn needs_session(&self) -> bool {
        !matches!(
            self,
            Self::Dispose
                | Self::StoreFailed(_)
                | Self::StoreRead { .. }
                | Self::StoreWritten { .. }
                | Self::Tick
                | Self::Answer { .. }
                | Self::LockDenied(_)
                | Self::LockGranted(_)
                | Self::Notice(_)
                | Self::Touch
        )
    }
}

const PULSE: Millis = Millis::from_secs(1);
/// A timer that is later than this was held up, not just slow.
const LATE: Millis = Millis(2_000);
/// Clocks that part by more than this have jumped.
const DRIFT: Millis = Millis(1_000);
