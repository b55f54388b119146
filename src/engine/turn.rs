//! A tab's turn: what it does so that no other tab sends the refresh token that it is about to send.
//!
//! The turn is: queue for the lock, read the store, claim in the record, send, store the answer, give the lock back.
//! Nothing else is done under the lock. The claim is a lease: whoever comes late to its sending, because the tab was
//! frozen or the machine slept, reads and claims again.

use alloc::boxed::Box;

use super::broken::Flaw;
use super::claim::{Claim, Hold, Stamp};
use super::desk::What;
use super::engine::{Cooldown, Engine, Phase};
use super::error::{Cause, Failure, TokenError};
use super::flight::{Attempt, Lease, Step};
use super::found::Seen;
use super::ids::LockId;
use super::input::Stored;
use super::metrics::Mark;
use super::output::Output;
use super::record::StoredCooldown;
use super::session::Session;
use super::time::{Millis, Mono, Now};

/// How the lock stands that the tabs share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lock {
    Asked {
        id: LockId,
        since: Mono,
    },
    #[default]
    Free,
    Held(LockId),
}

impl Engine {
    /// The next attempt of the flight begins.
    pub(super) fn approach(&mut self) {
        if !self.config.lock || matches!(self.lock, Lock::Held(_)) {
            return self.read_for_flight();
        }
        let Some(flight) = self.flight.as_mut() else {
            return;
        };
        flight.step = Step::Queueing;
        if self.lock != Lock::Free {
            // Asked for by a flight that this one has followed at once.
            return;
        }
        self.next_lock = self.next_lock.next();
        self.lock = Lock::Asked { id: self.next_lock, since: self.now.mono };
        self.emit(Output::Lock(self.next_lock));
    }

    pub(super) fn on_lock_granted(&mut self, id: LockId) {
        if self.asks_for(id) {
            self.lock = Lock::Held(id);
            self.mark(Mark::Locked, u64::from(id.0));
            self.leave_queue();
        }
    }

    /// No lock is to be had, or somebody has stolen it: the claim alone keeps tabs apart.
    pub(super) fn on_lock_denied(&mut self, id: LockId) {
        if self.asks_for(id) || self.lock == Lock::Held(id) {
            self.lock = Lock::Free;
            self.leave_queue();
        }
    }

    /// The wait for the lock is over. Whoever has it may be frozen, or mean to keep it; it is never stolen.
    pub(super) fn on_lock_timeout(&mut self) {
        if let Lock::Asked { id, .. } = self.lock {
            self.mark(Mark::Unlocked, u64::from(id.0));
            self.lock = Lock::Free;
            self.emit(Output::Unlock(id));
            self.leave_queue();
        }
    }

    /// The flight has waited for the lock long enough, unless a late answer has brought what it was for.
    fn leave_queue(&mut self) {
        if matches!(self.step(), Some(Step::Queueing)) {
            self.read_for_flight();
        }
    }

    fn asks_for(&self, id: LockId) -> bool {
        matches!(self.lock, Lock::Asked { id: asked, .. } if asked == id)
    }

    /// Until when the lock is kept or waited for: longer while nobody needs what comes of it.
    pub(super) fn lock_deadline(&self) -> Option<Mono> {
        let since = match self.lock {
            Lock::Asked { since, .. } => since,
            Lock::Free => return None,
            Lock::Held(_) => return self.owes_for().map(|left| self.now.mono.after(left)),
        };
        let left = self
            .session
            .as_ref()
            .and_then(|session| session.good_access(self.now))
            .filter(|_| self.waiters.is_empty())
            .map(|access| access.life.left(self.now));
        match left {
            None => Some(since.after(LOCK_WAIT)),
            Some(left) => left.map(|left| self.now.mono.after(left)),
        }
    }

    pub(super) fn wait_for_read(&mut self) {
        if let Some(flight) = self.flight.as_mut() {
            flight.step = Step::Reading;
        }
    }

    pub(super) fn read_for_flight(&mut self) {
        let from = self.now;
        if let Some(flight) = self.flight.as_mut() {
            flight.step = Step::Reading;
            flight.lease = Lease { from, woken: false };
            if self.config.broken(Flaw::NoReread) {
                return self.decide();
            }
            self.start_read();
        }
    }

    /// The store did not answer in its time, or shows nothing where a record was, and a refresh depends on what it
    /// holds: it is asked once more. Another tab may have replaced the refresh token held here, and a strict server ends
    /// the session of who sends it again.
    pub(super) fn asks_again(&mut self) -> bool {
        match self.step() {
            Some(Step::Reading) if self.is_together() => self.read_for_flight(),
            Some(Step::Confirming(_)) if self.is_together() => self.start_read(),
            _ => return false,
        }
        true
    }

    /// The store has been read and knows no better: sends, or says what is in the way.
    pub(super) fn decide(&mut self) {
        if let Some(flight) = self.flight.as_mut().filter(|_| self.desk.hangs > 0) {
            // Nothing was read that could be too old; timers, which come late, must not keep the tab from sending.
            flight.lease = Lease { from: self.now, woken: false };
        }
        if !self.keeps_lease() {
            return;
        }
        if let Some(cooldown) = self.cooldown.as_ref().filter(|cooldown| cooldown.hard)
            && cooldown.until > self.now.mono
        {
            return self.put_off(cooldown.until, cooldown.error.clone(), true);
        }
        if self.is_told_of_newer() {
            if self.desk.hangs > 0 {
                // The store that it is in cannot be read, and what is held is spent.
                return self.give_way();
            }
            if self.waits_for_sight() {
                return;
            }
        }
        let stamp = match &self.desk.seen {
            Seen::Record(stamp) if stamp.session == self.known_session() => Some(stamp),
            Seen::Foreign | Seen::Nothing | Seen::Record(_) => None,
        };
        let foreign = stamp.and_then(|stamp| Some((stamp.claim.as_deref()?, stamp.order())));
        if let Some((claim, order)) = foreign.filter(|(claim, _)| claim.owner != self.id) {
            let is_gone = claim.hold == Hold::Locked && !self.is_alone()
                || self.config.broken(Flaw::StealOnTimer) && self.is_alone();
            if !is_gone && claim.is_live(self.now.wall) {
                let left = claim.left(self.now.wall).saturating_add(Millis(1));
                let error = self.unavailable_for(left, Cause::Elsewhere);
                return self.put_off(self.now.mono.after(left), error, false);
            }
            // Of an older pair, which this tab has replaced and could not store, no answer is missed.
            if order == self.order() {
                // Whoever claimed is gone, and with it the answer.
                self.mark(Mark::OwnerGone, self.generation.0);
                self.lost = true;
            }
        }
        // Of a visitor who may have no session nothing is stored.
        let is_known = self.session.as_deref().is_some_and(Session::is_known);
        if self.may_claim() && (is_known || self.is_alone()) {
            self.claim();
        } else {
            self.send();
        }
    }

    /// Whether another tab has told of a pair that is newer than the one held, in a store that both have used.
    fn is_told_of_newer(&self) -> bool {
        self.desk.told > self.order() && matches!(self.desk.seen, Seen::Record(_))
    }

    /// What one process has written another sees a little later. Says whether the flight waits for that; if it has done
    /// so often enough, the pair is lost, or was never there.
    fn waits_for_sight(&mut self) -> bool {
        let unseen = self.flight.as_mut().map_or(MOST_UNSEEN, |flight| {
            flight.unseen += 1;
            flight.unseen
        });
        let waits = unseen < MOST_UNSEEN;
        if waits {
            let until = self.now.mono.after(UNSEEN_PAUSE);
            self.put_off(until, TokenError::unavailable(Cause::Elsewhere), false);
        } else {
            self.desk.told = Default::default();
        }
        waits
    }

    fn claim(&mut self) {
        let Some(flight) = self.flight.as_mut() else {
            return;
        };
        if !self.desk.is_idle() {
            // The write under way ends within its time, and the store is then read once more.
            flight.step = Step::Reading;
            return;
        }
        flight.step = Step::Claiming;
        flight.lease = Lease { from: self.now, woken: false };
        self.claim = Some(Box::new(Claim {
            owner: self.id,
            hold: if self.is_alone() { Hold::Alone } else { Hold::Locked },
            at: self.now.wall,
            life: self.attempt_timeout().saturating_add(CLAIM_SLACK),
        }));
        self.write(What::Claim);
    }

    /// The claim is written or is not.
    pub(super) fn on_claimed(&mut self, stored: Stored) {
        if !matches!(self.step(), Some(Step::Claiming)) {
            return;
        }
        match stored {
            Stored::Conflict => {
                self.claim = None;
                if self.desk.conflicts > MOST_CONFLICTS {
                    return self.give_way();
                }
                self.read_for_flight();
            }
            Stored::Durably | Stored::Failed => {
                if stored == Stored::Failed {
                    // The lock keeps the tabs apart, or nothing does.
                    self.claim = None;
                    if let Some(flight) = self.flight.as_mut() {
                        flight.unclaimed += 1;
                    }
                    if self.may_claim() {
                        return self.read_for_flight();
                    }
                }
                if self.keeps_lease() {
                    self.send();
                }
            }
        }
    }

    /// Whether what was read or claimed may still be acted on. If not, the flight reads again.
    fn keeps_lease(&mut self) -> bool {
        let (now, together) = (self.now, self.is_together());
        let Some(flight) = self.flight.as_mut() else {
            return false;
        };
        if !together || flight.lease.holds(now) || self.config.broken(Flaw::LeaseUnchecked) {
            return true;
        }
        flight.stale += 1;
        let stale = flight.stale;
        self.mark(Mark::LeaseStale, u64::from(stale));
        if stale > MOST_STALE {
            self.give_way();
        } else {
            self.read_for_flight();
        }
        false
    }

    /// Whether a claim is worth trying. One that failed is tried once more: another tab that could not wait for the lock
    /// may have claimed meanwhile. A store that takes none must not keep the tab from sending.
    fn may_claim(&self) -> bool {
        let failed = self.flight.as_ref().map_or(0, |flight| flight.unclaimed);
        self.config.shared && self.desk.hangs == 0 && !self.desk.read_only && failed < MOST_UNCLAIMED
    }

    /// Whether this tab does without the lock.
    fn is_alone(&self) -> bool {
        !matches!(self.lock, Lock::Held(_))
    }

    /// Whether other tabs may refresh the same session.
    fn is_together(&self) -> bool {
        self.config.lock || self.config.shared
    }

    /// The flight does not get through to its sending: the schedule tries again later.
    fn give_way(&mut self) {
        self.desk.conflicts = 0;
        self.fail_flight(Failure::unavailable(Cause::Elsewhere), true, None);
    }

    /// The flight waits until `until`. `hard`: the server named the time.
    pub(super) fn put_off(&mut self, until: Mono, error: TokenError, hard: bool) {
        if let Some(flight) = self.flight.as_mut() {
            flight.step = Step::Waiting { until, hard };
            flight.error = Some(error.clone());
        }
        if hard {
            self.reject_hopeless(until, &error);
        }
    }

    /// Takes claim and lock back once the turn is over and the store knows what came of it.
    pub(super) fn end_turn(&mut self) {
        let is_on = match self.step() {
            None | Some(Step::Waiting { .. }) => false,
            Some(
                Step::Claiming
                | Step::Committing
                | Step::Confirming(_)
                | Step::Queueing
                | Step::Reading
                | Step::Sending { .. },
            ) => true,
        };
        if is_on && self.phase != Phase::Disposed {
            return;
        }
        self.loosen_claim();
        let (Lock::Held(id) | Lock::Asked { id, .. }) = self.lock else {
            return;
        };
        // Whoever is next reads what this turn has left. Where the store has something newer, or perhaps the same, that is
        // nothing.
        let is_stored = self.desk.is_idle() || self.desk.behind.is_some();
        let is_told = is_stored && self.owes_for().is_none() || matches!(self.lock, Lock::Asked { .. });
        if is_told && !self.config.broken(Flaw::LockKept) || self.phase == Phase::Disposed {
            self.lock = Lock::Free;
            self.mark(Mark::Unlocked, u64::from(id.0));
            // No listener of the app runs under it.
            self.emit_first(Output::Unlock(id));
        }
    }

    /// Takes the claim back. While a request that was given up may still bring the only live pair, it stays, as that of
    /// a tab without the lock: the others wait for its end.
    fn loosen_claim(&mut self) {
        let is_there = self.desk.is_idle() && self.is_claim_stored();
        let is_airborne = |attempt: &Attempt| {
            attempt.order == self.order() && self.now.mono.since(attempt.sent.mono) < self.attempt_timeout()
        };
        let is_awaited = self.session.is_some() && self.abandoned.iter().any(is_airborne);
        let Some(claim) = self.claim.as_mut() else {
            return;
        };
        if is_awaited {
            if core::mem::replace(&mut claim.hold, Hold::Alone) == Hold::Locked && is_there {
                self.write(What::Claim);
            }
        } else if self.phase != Phase::Disposed {
            self.release();
        }
    }

    /// For how long the lock is kept because what the turn has brought could not be stored, and is tried again: whoever
    /// had it next would find the claim, take this tab for gone, and send a refresh token that is spent.
    fn owes_for(&self) -> Option<Millis> {
        let Seen::Record(Stamp { claim: Some(claim), .. }) = &self.desk.seen else {
            return None;
        };
        let owes = self.desk.save_at.is_some() && claim.hold == Hold::Locked && claim.owner == self.id;
        (owes && claim.is_live(self.now.wall)).then(|| claim.left(self.now.wall).saturating_add(Millis(1)))
    }

    /// What the server asked of every tab: not to send before a time.
    pub(super) fn shared_cooldown(&self) -> Option<StoredCooldown> {
        let waiting = self.flight.as_ref().and_then(|flight| match flight.step {
            Step::Waiting { until, hard: true } => Some((until, flight.error.as_ref()?.cause)),
            _ => None,
        });
        let cooling = self.cooldown.as_ref().filter(|cooldown| cooldown.hard);
        let (until, cause) = waiting.or(cooling.map(|cooldown| (cooldown.until, cooldown.error.cause)))?;
        let left = until.since(self.now.mono);
        (left > Millis::ZERO).then(|| StoredCooldown {
            at: self.now.wall,
            life: left,
            cause: cause.unwrap_or(Cause::ServerError),
        })
    }

    /// Another tab, or this one before a reload, was asked to wait.
    pub(super) fn heed(&mut self, cooldown: StoredCooldown) {
        // No server is granted more than the longest.
        let left = cooldown.left(self.now.wall);
        let until = self.now.mono.after(left);
        let is_news = self.cooldown.as_ref().is_none_or(|held| !held.hard || held.until < until);
        if left > Millis::ZERO && left <= LONGEST_COOLDOWN && is_news {
            let error = self.unavailable_for(left, cooldown.cause);
            self.cooldown = Some(Box::new(Cooldown { until, opens: until, error, hard: true }));
        }
    }
}

impl Lease {
    /// Whether no more time has passed than the turn may take, by either clock, and nothing woke the page meanwhile.
    fn holds(&self, now: Now) -> bool {
        let wall = now.wall.0.saturating_sub(self.from.wall.0).unsigned_abs();
        !self.woken && now.mono.since(self.from.mono) <= LEASE && wall <= LEASE.0
    }
}

/// How long the lock is waited for by somebody who needs what comes of it.
const LOCK_WAIT: Millis = Millis::from_secs(5);
/// What was read or claimed longer ago is no longer acted on.
const LEASE: Millis = Millis::from_secs(2);
/// How long after an attempt's time its claim still counts.
const CLAIM_SLACK: Millis = Millis::from_secs(2);
/// A page that comes late so often in a row is not run often enough to refresh now.
const MOST_STALE: u32 = 3;
/// A store that answers so often that it holds something else is not compared with any more.
pub(super) const MOST_CONFLICTS: u32 = 5;
/// How often, and how long each time, a pair is waited for that another tab has told of.
const MOST_UNSEEN: u32 = 6;
const UNSEEN_PAUSE: Millis = Millis(100);
/// After so many claims that could not be written a refresh goes without.
const MOST_UNCLAIMED: u32 = 2;
const LONGEST_COOLDOWN: Millis = Millis::from_secs(3_600);
