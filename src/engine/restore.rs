//! What is taken from the store: at the start, and when another tab has been quicker.

use alloc::boxed::Box;

use super::claim::Stamp;
use super::engine::{Engine, Phase};
use super::flight::Step;
use super::found::{Found, Seen};
use super::life::Life;
use super::look::Merged;
use super::metrics::Mark;
use super::record::{Record, Stored, StoredAccess, StoredSession};
use super::session::{AccessToken, EndReason, Identity, Refusal, Session, Standing};
use super::time::Millis;

use super::ids::{Epoch, Generation, Order, SessionId};

impl Engine {
    /// The first input: reads the store.
    pub(super) fn restore(&mut self) {
        if self.phase == Phase::New {
            self.phase = Phase::Booting;
            self.start_read();
        }
    }

    /// Takes over what is newer than what is held.
    pub(super) fn merge(&mut self, record: &Record) -> Merged {
        let booting = self.phase == Phase::Booting;
        let (theirs, ours) = (record.order(), self.order());
        if !booting && theirs <= ours {
            if theirs == ours && self.is_of(record) {
                self.desk.wish = false;
                // It may have been written when its time was over.
                self.announce();
                let is_refused = self.is_refused();
                self.desk.save_at = self.desk.save_at.filter(|_| is_refused);
                self.learn(record);
            }
            return Merged::Kept;
        }
        self.desk.heard(theirs);
        if !booting && self.outdoes(record) {
            self.outdo(theirs);
            return Merged::Kept;
        }
        self.desk.wish = false;
        let same_epoch = record.epoch == self.epoch;
        self.offset = record.offset.or(self.offset);
        let Some(stored) = &record.session else {
            if !booting {
                self.revoke_granted();
                self.end_session(Refusal::because(EndReason::SignedOutElsewhere), record.epoch);
            }
            self.epoch = self.epoch.max(record.epoch);
            self.generation = self.generation.max(record.generation);
            return Merged::Ended;
        };
        let session = self.revive(stored, record.generation);
        if booting {
            Order { epoch: self.epoch, generation: self.generation } = theirs;
            self.session = Some(session);
        } else {
            let same_session =
                same_epoch && self.session.as_deref().is_some_and(|held| held.id == session.id);
            if !same_session {
                self.revoke_granted();
            }
            self.adopt(session, theirs, same_session);
        }
        self.lost = stored.lost;
        if let Some(cooldown) = record.cooldown {
            self.heed(cooldown);
        }
        if booting { Merged::Kept } else { Merged::Adopted }
    }

    /// Whether what the user has done here is newer than a record that seems newer: that one is of before the clock was
    /// set back.
    pub(super) fn outdoes(&self, record: &Record) -> bool {
        // What the store holds of the very session that is held, it has learnt.
        let is_told = self.session.is_some() && self.known_session() == record.stamp().session;
        // What could not be stored may be older than what other tabs have stored since, if there are any; but what none of
        // them has seen yet, none can have ended.
        let is_unseen = self.session.is_some() && record.session.is_none();
        let is_later = self.desk.is_fresh() || self.desk.wish && (is_unseen || !self.config.shared);
        // Who counts on from an epoch of before the clock was set back orders by number as ever.
        is_later && !is_told && self.is_ahead(record.epoch) && !self.is_ahead(self.epoch)
    }

    /// Whether `epoch` was counted before the clock was set back.
    fn is_ahead(&self, epoch: Epoch) -> bool {
        epoch > Epoch(0).next(self.now.wall.after(FUTURE))
    }

    /// What is held takes numbers above `theirs`, and is stored under them.
    pub(super) fn outdo(&mut self, theirs: Order) {
        self.renumber(theirs.epoch.next(self.now.wall), self.generation.max(theirs.generation));
        let is_idle = self.desk.is_idle();
        self.desk.conflicted |= is_idle;
        self.desk.again |= !is_idle;
    }

    /// Whether a pair that is older than the record beside it is of any use: its refresh token is spent.
    pub(super) fn is_served_by(&self, pair: &Record) -> bool {
        let access = pair.session.as_ref().and_then(|session| session.access.as_ref());
        access.is_some_and(|access| !Life::resume(access.life, access.received, self.now).is_over(self.now))
    }

    /// Whether the record is of the very pair that is held. Tabs that knew nothing of each other may have given the same
    /// numbers to different ones.
    fn is_of(&self, record: &Record) -> bool {
        match (&self.session, &record.session) {
            (Some(held), Some(stored)) => {
                let same = match (&held.refresh, &stored.refresh) {
                    (Some(held), Some(stored)) => held.same_as(stored),
                    (None, None) => true,
                    _ => false,
                };
                held.id == stored.id && same
            }
            (None, None) => true,
            _ => false,
        }
    }

    /// Whether the store is known to hold something else than this tab under the same numbers.
    pub(super) fn collides(&self, found: &Found) -> bool {
        let ours = self.order();
        let Seen::Record(stamp) = &found.seen else {
            return false;
        };
        if stamp.order() < ours {
            return self.shares_epoch(stamp);
        }
        let is_other = match &found.stored {
            Stored::Record(record) if record.order() == ours => !self.is_of(record),
            // The pair beside the record has not come through, or was lost. If a new one was to be stored, and was not,
            // then it is of another tab.
            _ => self.saves_new(),
        };
        stamp.order() == ours && (stamp.session != self.known_session() || is_other)
    }

    /// Whether a new pair was to be stored, and was not.
    pub(super) fn saves_new(&self) -> bool {
        (self.desk.conflicted || self.desk.save_at.is_some()) && self.desk.saves_new
    }

    /// Whether the store has another session in the epoch of what is held here: two tabs that knew nothing of each other
    /// have counted alike. Who sees both would take the one for a generation of the other.
    pub(super) fn shares_epoch(&self, stamp: &Stamp) -> bool {
        stamp.epoch == self.epoch && stamp.session.is_some() && stamp.session != self.known_session()
    }

    /// The end of one session, which was not stored at once, meets another that is older than that end: if it was begun
    /// after the ended one, after the clock was set back perhaps, it goes on.
    pub(super) fn gives_in(&mut self, found: &Found) -> bool {
        let (ours, failures) = (self.order(), self.desk.failures);
        let Seen::Record(stamp) = &found.seen else {
            return false;
        };
        // The pair's place may deny it, and what cannot be adopted would be met again at every look.
        let is_denied = matches!(&found.stored, Stored::Record(record) if record.session.is_none());
        let is_late = self.desk.conflicted || failures > 0 || stamp.epoch == self.epoch;
        let meets = self.session.is_none() && self.is_since(stamp) && !is_denied && is_late;
        let meets = meets && stamp.order() <= ours;
        // What is being written over it is not taken back.
        let gives_in = meets && !self.desk.is_fresh() && self.desk.writing.is_none();
        if gives_in {
            self.epoch = Epoch(stamp.epoch.0.saturating_sub(1));
            self.drop_writes();
            self.desk.look_at = Some(self.next_look());
        }
        gives_in
    }

    /// Whether the record is of a session that was begun after the one that has ended here. What was stored before that
    /// one began is as over as it is, unless the clock was set back since.
    pub(super) fn is_since(&self, stamp: &Stamp) -> bool {
        let (ended, begun) = self.desk.ended.unzip();
        let is_later = begun.is_some_and(|begun| begun <= stamp.epoch) || self.is_ahead(self.epoch);
        stamp.session.is_some() && stamp.session != ended && is_later
    }

    /// The session that is held, if anybody knows of it.
    pub(super) fn known_session(&self) -> Option<SessionId> {
        self.session.as_deref().filter(|session| session.is_known()).map(|session| session.id)
    }

    /// The session that the record is of, if it is of any.
    pub(super) fn stored_session(&self) -> Option<SessionId> {
        match &self.desk.seen {
            Seen::Record(stamp) => stamp.session,
            Seen::Foreign | Seen::Nothing => None,
        }
    }

    /// Another tab has been quicker to store something else under the same numbers: what is stored over it takes the
    /// next ones, so that every tab sees that it is newer.
    pub(super) fn overtake(&mut self) {
        let stored = self.stored_session();
        match &self.session {
            Some(session) if stored == Some(session.id) => self.renumber(self.epoch, self.generation.next()),
            Some(_) | None => self.renumber(self.next_epoch(), self.generation),
        }
    }

    /// What is held goes on under other numbers, and so does what is known of its refresh token: that an answer was
    /// lost, and which answers may still bring its successor.
    fn renumber(&mut self, epoch: Epoch, generation: Generation) {
        let before = self.order();
        (self.epoch, self.generation) = (epoch, generation);
        if self.session.is_none() {
            return;
        }
        let flying = match self.flight.as_mut().map(|flight| &mut flight.step) {
            Some(Step::Sending { attempt, .. }) => Some(attempt),
            _ => None,
        };
        for attempt in self.abandoned.iter_mut().chain(flying) {
            if attempt.order == before {
                attempt.order = Order { epoch, generation };
            }
        }
    }

    /// A newer version of this package has taken the store over. What it holds cannot be read, and a refresh token
    /// that was there before may be spent.
    pub(super) fn yield_to_newer(&mut self) {
        if core::mem::replace(&mut self.desk.read_only, true) || self.phase == Phase::Booting {
            return;
        }
        self.persist_failed();
        self.supersede();
    }

    /// What a record says whose pair is not beside it: it may be the one that is held here.
    pub(super) fn heed_word(&mut self, record: &Record) {
        let is_held = record.order() == self.order();
        if is_held && self.session.is_some() && record.stamp().session == self.known_session() {
            self.learn(record);
        }
    }

    /// What other tabs have met with the very tokens that are held here.
    fn learn(&mut self, record: &Record) {
        let told = |told: fn(&StoredSession) -> bool| record.session.as_ref().is_some_and(told);
        if told(|session| session.lost) {
            self.lost = true;
        }
        if let Some(cooldown) = record.cooldown {
            self.heed(cooldown);
        }
        let confirming = matches!(self.step(), Some(Step::Confirming(_)));
        if told(|session| session.refused) && self.can_refresh() && !confirming {
            self.ground();
            self.conclude_refusal(Refusal::because(EndReason::refused(self.lost)));
        }
    }

    fn revive(&mut self, stored: &StoredSession, generation: Generation) -> Box<Session> {
        let access = stored.access.as_ref().map(|access| self.revive_access(access, generation));
        let identity = access.as_ref().map(|access| Identity::of(&access.token).0).unwrap_or_default();
        let standing = if stored.refused {
            Standing::Refused(Refusal::because(EndReason::refused(stored.lost)))
        } else if access.is_none() && self.config.refresh_in_cookie() {
            Standing::Resuming { hinted: true }
        } else {
            Standing::Good
        };
        Box::new(Session {
            refresh: stored.refresh.clone(),
            refresh_ends: stored.refresh_ends,
            access,
            identity,
            ..Session::new(stored.id, generation, standing)
        })
    }

    fn revive_access(&mut self, stored: &StoredAccess, generation: Generation) -> AccessToken {
        let life = Life::resume(stored.life, stored.received, self.now);
        AccessToken {
            token: stored.token.clone(),
            generation,
            lead: self.draw_lead(stored.life),
            life,
            received: self.now.mono,
            // Received in the future, it is as old as the clock has been set back at least.
            age_then: Millis(self.now.wall.0.abs_diff(stored.received.0)),
            rejected: false,
        }
    }

    /// `behind`: the pair that was read is older than the record, and its refresh token is spent.
    pub(super) fn finish_boot(&mut self, behind: bool) {
        self.phase = Phase::Running;
        self.mark(Mark::Restored, u64::from(self.session.is_some()));
        if self.desk.read_only {
            self.persist_failed();
        }
        if let Some(session) = self.session.as_deref_mut().filter(|_| behind) {
            session.standing = Standing::Refused(Refusal::because(EndReason::Superseded));
        }
        if self.session.as_deref().is_some_and(|session| !self.is_usable(session)) {
            self.session = None;
            self.desk.leftover = true;
        }
        // There is a session whose pair has not come through.
        self.desk.leftover |= behind && self.session.is_none();
        if self.session.is_none() && self.config.refresh_in_cookie() {
            self.dormant = true;
            if self.config.auto_resume {
                self.wake_dormant();
            }
        }
    }

    /// Whether a session read at start can still lead to a token.
    fn is_usable(&self, session: &Session) -> bool {
        if session.is_resuming() && !self.config.auto_resume {
            return false;
        }
        session.good_access(self.now).is_some() || self.is_refreshable(session)
    }

    /// There may be a cookie session of which only the server knows: somebody wants to know.
    pub(super) fn wake_dormant(&mut self) {
        if !core::mem::take(&mut self.dormant) {
            return;
        }
        let id = SessionId::new(self.jitter.draw());
        let standing = Standing::Resuming { hinted: false };
        self.session = Some(Box::new(Session::new(id, self.generation, standing)));
    }
}

/// An epoch that is further ahead of the clock than this was counted before the clock was set back. Tabs read the same
/// clock, which some browsers round; a longer time would let a sign-out of before a small correction of the clock end a
/// session that was begun after it.
const FUTURE: Millis = Millis(100);
