//! What other tabs do to the store.

use evertoken::engine::answer::Outcome;
use evertoken::engine::claim::{Claim, Hold};
use evertoken::engine::ids::{Epoch, Generation, Order, SessionId};
use evertoken::engine::input::Input;
use evertoken::engine::notice::Notice;
use evertoken::engine::record::{Record, Stored, StoredAccess, StoredSession};
use evertoken::engine::response::{self, Fields, TokenResponse};
use evertoken::engine::secret::Secret;
use evertoken::engine::time::{Millis, UnixMillis};

use super::world::World;

impl World {
    /// The record in the store.
    #[track_caller]
    pub fn record(&self) -> Record {
        match Record::decode(self.store.text.as_deref().unwrap_or_default(), &self.config.name) {
            Stored::Record(record) => *record,
            other => panic!("no record in the store: {other:?}"),
        }
    }

    /// The tokens in the store, whatever is told of them beside.
    #[track_caller]
    pub fn stored_pair(&self) -> (Option<String>, Option<String>) {
        let shown = |token: &Secret| token.expose().to_owned();
        let session = self.record().session.expect("a session in the store");
        (session.refresh.as_ref().map(shown), session.access.map(|access| shown(&access.token)))
    }

    /// Another tab refreshes the session in the store.
    #[track_caller]
    pub fn rotate_elsewhere(&mut self) {
        assert!(self.try_to_rotate_elsewhere(), "the server refuses the refresh token in the store");
    }

    /// Another tab tries to; says whether it got a pair.
    #[track_caller]
    pub fn try_to_rotate_elsewhere(&mut self) -> bool {
        let mut record = self.record();
        let session = record.session.as_mut().expect("a session in the store");
        let token = session.refresh.as_ref().map(|token| token.expose().to_owned());
        let outcome = self.server.refresh(token.as_deref(), self.clock.elapsed, self.clock.truth());
        let Outcome::Answered(answer) = outcome else { panic!("no answer: {outcome:?}") };
        let Ok(response) = response::parse(answer.body.expose(), &Fields::default(), false) else {
            return false;
        };
        renew(session, response, self.clock.now().wall);
        session.refused = false;
        record.generation = record.generation.next();
        self.put(record);
        true
    }

    /// Another tab signs out.
    #[track_caller]
    pub fn sign_out_elsewhere(&mut self) {
        let record = self.record();
        self.put(Record { epoch: record.epoch.next(UnixMillis(0)), session: None, ..record });
    }

    /// Another tab signs `user` in.
    #[track_caller]
    pub fn sign_in_elsewhere(&mut self, user: &str) {
        let body = self.server.sign_in(user, self.clock.truth());
        let response = response::parse(&body, &Fields::default(), false).expect("a pair");
        let old = self.record();
        let mut session = StoredSession {
            id: SessionId::new(77),
            refresh: None,
            refresh_ends: None,
            access: None,
            refused: false,
            lost: false,
        };
        renew(&mut session, response, self.clock.now().wall);
        self.put(Record {
            epoch: old.epoch.next(UnixMillis(0)),
            generation: old.generation.next(),
            session: Some(session),
            ..old
        });
    }

    /// Another tab has been refused the refresh token of this generation.
    #[track_caller]
    pub fn refuse_elsewhere(&mut self) {
        let mut record = self.record();
        record.session.as_mut().expect("a session in the store").refused = true;
        self.put(record);
    }

    /// Another tab has claimed a refresh `ago`, and may be waiting for its answer for 12 s.
    #[track_caller]
    pub fn claim_elsewhere(&mut self, hold: Hold, ago: i64) {
        let at = self.clock.now().wall.shifted(-ago);
        let claim = Some(Box::new(Claim { owner: 7, hold, at, life: Millis(12_000) }));
        self.put(Record { claim, ..self.record() });
    }

    /// Another tab writes `record`, with its part without tokens where that has its place.
    pub fn put(&mut self, record: Record) {
        self.store.put(record.encode().expose());
        if self.config.apart {
            self.store.fence = Some(record.encode_without_tokens().expose().to_owned());
        }
    }

    /// Another tab says on the channel what the store holds.
    #[track_caller]
    pub fn announce_elsewhere(&mut self) {
        let Order { epoch, generation } = self.record().stamp().order();
        self.input(Input::Notice(Notice { epoch, generation }.encode()));
    }
}

/// A record of the default name with one session.
pub fn record(session: StoredSession, epoch: u64, generation: u64) -> String {
    let record = Record {
        name: "default".into(),
        epoch: Epoch(epoch),
        generation: Generation(generation),
        claim: None,
        cooldown: None,
        offset: None,
        session: Some(session),
    };
    record.encode().expose().to_owned()
}

fn renew(session: &mut StoredSession, response: TokenResponse, received: UnixMillis) {
    session.refresh = response.refresh;
    session.access = response.access.map(|token| StoredAccess {
        token,
        received,
        life: response.expires_in.map(|life| Millis(life as u64)),
    });
}
