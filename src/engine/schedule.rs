//! What is due when, and what all of it looks like from outside.

use super::broken::Flaw;
use super::engine::{Engine, Phase};
use super::flight::Step;
use super::output::{Reason, Snapshot, State, Verdict};
use super::refresh::FLOOR;
use super::session::Session;
use super::time::{Millis, Mono, Now};
use super::timer::Timer;
use super::turn::Lock;

impl Engine {
    /// When `timer` falls due, if anything hangs on it.
    pub(super) fn deadline(&self, timer: Timer) -> Option<Mono> {
        let step = self.step();
        match timer {
            Timer::Attempt => match step {
                Some(Step::Sending { deadline, .. }) => Some(*deadline),
                _ => None,
            },
            Timer::Expiry => self.expiry(),
            Timer::Lock => self.lock_deadline(),
            Timer::Look => self.look_deadline(),
            Timer::Read => self.desk.reading.map(|(_, deadline)| deadline),
            Timer::Refresh => self.planned_refresh(),
            Timer::Retry => match step {
                Some(Step::Waiting { until, .. }) => Some(*until),
                _ => None,
            },
            Timer::Save => self.desk.save_at,
            Timer::Waiter if self.config.broken(Flaw::WaitWithoutEnd) => None,
            Timer::Waiter => self.waiters.iter().map(|waiter| waiter.deadline).min(),
            Timer::Write => self.desk.writing.as_ref().map(|writing| writing.deadline),
        }
    }

    fn expiry(&self) -> Option<Mono> {
        let access = self.session.as_deref().filter(|_| self.scheduling)?.access.as_ref()?;
        let left = access.life.left(self.now)?;
        // An end that has come is acted on once: with nothing to refresh, the session goes with it. The store may know of
        // a newer pair: a look at it that is under way comes first.
        let ends = !self.can_refresh() && !self.desk.looking;
        (left > Millis::ZERO || ends).then(|| self.now.mono.after(left))
    }

    /// When the next refresh begins by itself. Hidden pages refresh on use, or when they are seen again.
    fn planned_refresh(&self) -> Option<Mono> {
        if !self.scheduling || self.hidden || self.flight.is_some() || self.phase != Phase::Running {
            return None;
        }
        let session = self.session.as_deref().filter(|session| self.is_refreshable(session))?;
        let idle =
            self.config.idle_after.is_some_and(|after| self.now.mono.since(self.last_use.mono) >= after);
        // Whether there is a session at all is asked in any case.
        if idle && !session.is_resuming() {
            return None;
        }
        // What has failed is tried again when it was announced, even if the token is good for long.
        let again = self.cooldown.as_ref().map(|cooldown| cooldown.until);
        let (due, ends) = match &session.access {
            Some(access) if !access.rejected => match access.life.left(self.now) {
                Some(left) => {
                    (self.now.mono.after(left.saturating_sub(access.lead)), self.now.mono.after(left))
                }
                None => (again?, self.now.mono),
            },
            _ => (self.now.mono, self.now.mono),
        };
        let floor = self.last_sent.map(|sent| sent.after(FLOOR));
        let due = again.unwrap_or(due);
        // Put off while the token is good, not beyond.
        let hold_off = self.hold_off.map(|until| until.min(ends));
        let earliest = [floor, hold_off].into_iter().flatten().max();
        Some(earliest.map_or(due, |earliest| due.max(earliest)))
    }

    pub(super) fn on_refresh_due(&mut self) {
        let resuming = self.session.as_deref().is_some_and(Session::is_resuming);
        self.begin_flight(if resuming { Reason::Resume } else { Reason::Scheduled });
    }

    /// The margin within which a token that is used is refreshed beside the use.
    pub(super) fn margin(&self, life: Option<Millis>) -> Millis {
        self.config.margin.min(life.unwrap_or_default().percent(25))
    }

    /// The page is seen again or the network is said to be back: what waits for no word of the server goes now.
    pub(super) fn hasten(&mut self) {
        if let Some(background) = self.background.as_mut() {
            background.wake(self.now.mono);
        }
        self.desk.save_at = self.desk.save_at.map(|at| at.min(self.now.mono));
        let soonest = self.soonest();
        if let Some(cooldown) = self.cooldown.as_mut().filter(|cooldown| !cooldown.hard) {
            cooldown.until = cooldown.until.min(soonest);
        }
        self.cooldown = self.cooldown.take().filter(|cooldown| cooldown.until > self.now.mono);
        if let Some(flight) = self.flight.as_mut()
            && let Step::Waiting { until, hard: false } = &mut flight.step
        {
            *until = soonest.min(*until);
        }
    }

    /// Now, or as soon as the floor allows.
    pub(super) fn soonest(&self) -> Mono {
        let floor = self.last_sent.map(|sent| sent.after(FLOOR));
        floor.map_or(self.now.mono, |floor| floor.max(self.now.mono))
    }

    /// Time passed in which nothing could run: deadlines of attempts and callers move on by it.
    pub(super) fn postpone(&mut self, by: Millis) {
        for waiter in self.waiters.iter_mut() {
            waiter.deadline = waiter.deadline.after(by);
        }
        if let Some(flight) = self.flight.as_mut()
            && let Step::Sending { deadline, .. } = &mut flight.step
        {
            *deadline = deadline.after(by);
        }
        if let Lock::Asked { since, .. } = &mut self.lock {
            *since = since.after(by);
        }
        self.desk.postpone(by);
    }

    fn state(&self) -> State {
        let Some(session) = &self.session else {
            return if self.phase == Phase::Running { State::SignedOut } else { State::Restoring };
        };
        if session.is_resuming() {
            State::Restoring
        } else if session.good_access(self.now).is_none() {
            State::Stale
        } else if session.is_refused() {
            State::Ending
        } else {
            State::Active
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let session = self.session.as_deref();
        let access = session.and_then(|session| session.access.as_ref());
        let planned = self.scheduling && self.can_refresh();
        let refresh_at = access.filter(|access| planned && !access.rejected).and_then(|access| {
            access.life.ends().map(|ends| ends.wall.shifted(-(access.lead.0.min(i64::MAX as u64) as i64)))
        });
        let waiting = self.flight.as_ref().and_then(|flight| flight.error.as_ref());
        let trouble = waiting.or(self.cooldown.as_ref().map(|cooldown| &cooldown.error));
        Snapshot {
            state: self.state(),
            generation: self.generation,
            subject: self.subject(),
            expires_at: self.expires_at(),
            refresh_at,
            refresh_expires_at: session.and_then(|session| session.refresh_ends),
            next_retry_at: trouble.and_then(|error| error.retry_at),
            refreshing: self.flight.is_some(),
            error: trouble.map(|error| error.cause.map_or(error.code.as_str(), super::error::Cause::as_str)),
        }
    }

    /// The token that may be sent. A hidden page must ask before it uses it.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        let session = self.session.as_deref()?;
        let access = session.good_access(self.now)?;
        let margin = self.margin(access.life.total);
        let until = if self.hidden || self.desk.looking {
            Some(Now::NEVER)
        } else {
            let ends = access.life.ends().map(|ends| Now {
                mono: ends.mono.before(margin),
                wall: ends.wall.shifted(-(margin.0.min(i64::MAX as u64) as i64)),
            });
            // Where use decides, the engine must hear of it now and then.
            let heard = self.config.idle_after.map(|after| self.last_use.after(after.percent(25)));
            let bounds = [ends, heard].into_iter().flatten();
            bounds.min_by_key(|until| until.mono).filter(|_| !self.config.broken(Flaw::VerdictWithoutEnd))
        };
        Some(Verdict {
            bearer: access.token.clone(),
            generation: access.generation,
            expires_at: self.expires_at(),
            until,
            checked: self.now,
        })
    }
}
