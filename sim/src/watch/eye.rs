//! What the watch knows of a page.

use std::collections::{BTreeMap, BTreeSet};

use evertoken::engine::claim::Claim;
use evertoken::engine::ids::{Order, StoreOp};
use evertoken::engine::record::Record;
use evertoken::engine::time::{Millis, Mono, UnixMillis};

use super::turn::Turn;
use crate::provider::RefreshId;
use crate::store::{Kept, Sight};

#[derive(Debug, Default)]
pub(crate) struct Eye {
    /// The engine has said what it found in the store.
    pub(crate) booted: bool,
    /// The engine began without knowing what the store held.
    pub(crate) blind: bool,
    /// The sign-in that is held.
    pub(crate) family: Option<usize>,
    pub(crate) session: Session,
    /// The number of the first thing that began after it.
    pub(crate) began: u64,
    /// And the time of it.
    pub(crate) began_at: u64,
    /// What the user wants and the engine has not been seen to do.
    intents: Vec<Intent>,
    /// Sign-outs that were asked for in this step.
    pub(crate) wishes: u32,
    /// A sign-out is being handled.
    pub(crate) leaving: bool,
    /// Sign-ins that end with this step.
    pub(crate) parting: Vec<usize>,
    /// Sign-ins that end with this step if another session begins in it.
    pub(crate) replaced: Vec<usize>,
    /// A session has begun in this step.
    pub(crate) started: bool,
    /// Sign-ins that are known here to be over.
    pub(crate) gone: BTreeSet<usize>,
    /// The newest refresh token that was received.
    pub(crate) held: Option<RefreshId>,
    /// Where the record that is held stands among others.
    pub(crate) order: Order,
    /// The token request that the engine waits for.
    pub(crate) flying: Option<usize>,
    /// The last one went without an answer.
    pub(crate) lost: Option<RefreshId>,
    pub(crate) refused: Option<RefreshId>,
    /// The session serves out its access token because another tab has newer tokens.
    pub(crate) superseded: bool,
    pub(crate) confirmation: Confirmation,
    pub(crate) turn: Turn,
    /// The lock was given back in this step.
    pub(crate) unlocked: bool,
    /// The server asked for peace until then.
    pub(crate) hard: Option<(Mono, Option<RefreshId>)>,
    /// The schedule says: not before.
    pub(crate) soft: Option<Mono>,
    pub(crate) retrying: bool,
    /// A caller asked for a refresh by name.
    pub(crate) asked: bool,
    pub(crate) last_sent: Option<(Mono, Option<usize>)>,
    /// The last answer that told when to come back.
    pub(crate) told_when: bool,
    /// Whether the user has done something that the store is not known to hold.
    pub(crate) wish: Wish,
    /// Somebody has signed in, and no store is known to have held that.
    pub(crate) unseen: bool,
    /// The last write, and when it was asked for.
    pub(crate) writing: Option<(StoreOp, u64)>,
    /// Writes in a row that failed.
    pub(crate) unsaved: u32,
    /// Operations of the store that have not ended.
    pub(crate) operations: u32,
    /// What they will have shown.
    pub(crate) sights: BTreeMap<StoreOp, Sight>,
    /// The read that counts, and when it was asked for.
    reading: Option<(StoreOp, u64)>,
    /// Its time is over.
    expired: bool,
    /// What it showed; `None` when it did not end.
    pub(crate) view: Option<Sight>,
    /// What the clock said then.
    pub(crate) viewed: UnixMillis,
    /// Reads in a row that were not answered in time.
    pub(crate) unread: u32,
    /// The last that any read has shown.
    pub(crate) seen: Sight,
    /// Somebody has signed in or out.
    acted: bool,
    /// The last read that the page began with.
    first: Option<StoreOp>,
    /// How often more the store may be looked at because another tab has said so.
    pub(crate) hints: u8,
    /// The last answer of the API.
    pub(crate) last_status: Option<u16>,
    /// The second of the last ticks, and how many it saw.
    pub(crate) ticks: (u64, u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Session {
    #[default]
    Closed,
    Open,
    /// Read back refused: it may serve out its token, or not begin.
    Refused,
}

/// A user's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Begin(usize),
    Leave,
}

/// How far what the user has done here is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wish {
    #[default]
    /// Or not stored at once: then it may be older than what others have stored since.
    None,
    Unwritten,
    Written(StoreOp),
}

/// How far the store was asked about a refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Confirmation {
    Asked,
    Done,
    #[default]
    None,
    Wanted,
}

impl Eye {
    pub(crate) fn intends(&mut self, intent: Intent) {
        self.intents.push(intent);
    }

    pub(crate) fn taken(&mut self, successor: RefreshId) {
        self.held = Some(successor);
        (self.lost, self.refused, self.hard, self.soft) = (None, None, None, None);
    }

    pub(crate) fn read_asked(&mut self, op: StoreOp, elapsed: u64) {
        self.reading = Some((op, elapsed));
        self.expired = false;
        self.first = if self.booted { self.first } else { Some(op) };
        self.turn.read_asked(op);
        if self.confirmation == Confirmation::Wanted {
            self.confirmation = Confirmation::Asked;
        }
    }

    /// A read is answered; says whether it counts: one that another has followed does for what it shows of newer tokens.
    pub(crate) fn read_answered(&mut self, op: StoreOp) -> bool {
        let sight = self.sights.remove(&op).unwrap_or_default();
        let counts = self.reading.is_some_and(|(reading, _)| reading == op);
        self.hints = self.hints.saturating_sub(u8::from(counts && !sight.is_behind()));
        if sight.readable && counts {
            self.seen = sight.clone();
        }
        if sight.readable && (counts || sight.text.is_some()) {
            self.unread = 0;
        } else if !sight.readable && counts && !self.expired {
            self.unread += 1;
        }
        if self.begins_again(op, &sight) {
            self.booted = false;
            // While a pair is waited for, a later read whose time is over shows nothing, and may come late in turn.
            let later = self.reading.filter(|_| self.expired && sight.is_behind());
            self.first = later.map_or(self.first, |(later, _)| Some(later));
            if later.is_none() {
                self.seen = sight.clone();
            }
            self.view = Some(sight).filter(|_| later.is_none());
            return false;
        }
        if counts {
            self.reading = None;
            // Nothing, and too late, is no answer.
            let shows = sight.text.is_some() || sight.fence.is_some();
            self.view = Some(sight).filter(|_| shows || !self.expired);
            self.read_done();
        } else if self.booted && self.is_ahead(&sight) {
            self.view = Some(sight);
            return true;
        }
        counts
    }

    /// Whether `sight` shows newer tokens than are held, or that there are none any more.
    fn is_ahead(&self, sight: &Sight) -> bool {
        sight.newest().is_some_and(|record| record.stamp().order() > self.order) && !sight.is_behind()
    }

    /// The first read is answered after the page began without it, and nothing has begun since: it begins again.
    fn begins_again(&self, op: StoreOp, sight: &Sight) -> bool {
        let idle = self.blind && !self.acted && self.session == Session::Closed;
        let is_later = self.view.as_ref().is_some_and(|view| view.text.is_some());
        let idle = idle && !is_later;
        let shows = sight.text.is_some() || sight.fence.is_some();
        self.booted && idle && self.first == Some(op) && shows
    }

    /// A read that takes this long counts as failed.
    pub(crate) fn read_expired(&mut self, elapsed: u64) -> bool {
        let expired = self.reading.is_some_and(|(_, asked)| elapsed >= asked + 2_000) && !self.expired;
        if expired {
            if !self.booted {
                self.first = self.reading.map(|(op, _)| op);
            }
            self.expired = true;
            self.unread += 1;
            self.view = None;
            self.read_done();
        }
        expired
    }

    fn read_done(&mut self) {
        self.turn.read_done();
        if self.confirmation == Confirmation::Asked {
            self.confirmation = Confirmation::Done;
        }
    }

    /// The engine says what it found.
    pub(crate) fn boot(&mut self) {
        self.booted = true;
        self.blind = !self.view.as_ref().is_some_and(|view| view.readable);
        if self.restore().is_none() {
            self.begin_behind();
        }
        self.follow();
    }

    /// The pair that was read is older than the record beside it: it may serve out its access token, or not begin.
    pub(super) fn begin_behind(&mut self) {
        let text = self.view.as_ref().and_then(|view| view.text.as_ref());
        if let Some(id) = text.and_then(|text| text.id) {
            self.session = Session::Refused;
            self.order = text.and_then(|text| text.order()).unwrap_or_default();
            (self.family, self.held) = (Some(id.family), Some(id));
        }
    }

    /// Takes over what was read; says whose it is.
    pub(crate) fn restore(&mut self) -> Option<usize> {
        let view = self.view.as_ref()?;
        let tombstone = view.newest().filter(|record| record.session.is_none());
        self.order = tombstone.map(|record| record.stamp().order()).unwrap_or(self.order);
        let kept = view.pair()?;
        self.order = kept.order().unwrap_or_default();
        let (id, session) = (kept.id?, kept.record.as_ref()?.session.as_ref()?);
        // What the record beside the pair says of it, it says later.
        let word = view.newest().and_then(|record| record.session.as_ref()).unwrap_or(session);
        self.session = if word.refused { Session::Refused } else { Session::Open };
        (self.family, self.held) = (Some(id.family), Some(id));
        self.gone.remove(&id.family);
        self.refused = word.refused.then_some(id);
        self.lost = word.lost.then_some(id);
        (self.hard, self.soft) = (None, None);
        self.confirmation = Confirmation::None;
        Some(id.family)
    }

    /// What the last look at the store shows, if that is more than is held.
    pub(crate) fn news(&self) -> Option<&Record> {
        // What was written when the clock was ahead is older than what the user has done since and is still to be stored.
        let future = self.viewed.after(FUTURE).0;
        let is_news = |record: &&Record| {
            // A sign-in that no store has held yet nobody can have ended.
            let is_unseen = self.unseen && record.session.is_none();
            record.stamp().order() > self.order
                && (self.wish == Wish::None && !is_unseen
                    || i64::try_from(record.epoch.0).is_ok_and(|epoch| epoch < future))
        };
        self.view.as_ref()?.newest().filter(is_news)
    }

    /// What the store says of the very tokens that are held.
    pub(crate) fn word(&self) -> Option<&Record> {
        let sight = self.view.as_ref()?;
        // Such whose writes are not compared give the same numbers to two pairs of one session, too.
        let is_other = sight.text.as_deref().is_some_and(|kept| {
            kept.order() == Some(self.order) && kept.id.is_some_and(|id| Some(id) != self.held)
        });
        self.named_in(sight).filter(|_| !is_other)
    }

    /// The record under the numbers that are held. Tabs that know nothing of each other, and such whose writes are not
    /// compared, give the same to two sessions.
    fn named_in<'a>(&self, sight: &'a Sight) -> Option<&'a Record> {
        let shown = sight.text.as_deref().and_then(Self::family_in);
        let is_other = shown.is_some() && shown != self.family;
        sight.newest().filter(|record| record.stamp().order() == self.order && !is_other)
    }

    /// What was last seen of another page's claim on the very tokens that are held.
    pub(crate) fn foreign_claim(&self) -> Option<Claim> {
        let seen = self.named_in(&self.seen)?;
        seen.claim.as_deref().copied().filter(|claim| self.turn.owner != Some(claim.owner))
    }

    /// Does what users want, once the engine does.
    pub(crate) fn follow(&mut self) {
        if !self.booted {
            return;
        }
        for intent in std::mem::take(&mut self.intents) {
            self.acted = true;
            self.wish = Wish::Unwritten;
            self.unseen = matches!(intent, Intent::Begin(_));
            match intent {
                // The same user may go on with the same session.
                Intent::Begin(_) => self.replaced.extend(self.family.take()),
                Intent::Leave => self.parting.extend(self.family.take()),
            }
            (self.lost, self.refused, self.hard, self.soft) = (None, None, None, None);
            self.confirmation = Confirmation::None;
            match intent {
                Intent::Begin(family) => {
                    self.family = Some(family);
                    self.held = Some(RefreshId { family, number: 0 });
                    if self.session == Session::Refused {
                        self.session = Session::Open;
                    }
                }
                Intent::Leave => self.wishes += 1,
            }
        }
    }

    /// The sign-in that a text is of, if it is of any.
    pub(crate) fn family_in(kept: &Kept) -> Option<usize> {
        kept.id.map(|id| id.family)
    }
}

const FUTURE: Millis = Millis(100);
