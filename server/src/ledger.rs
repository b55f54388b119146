//! The ledger of `--faults`: every use of every refresh token, in the order in which they were committed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Serialize;

use crate::clock::UnixMillis;
use crate::faults::Control;
use crate::tokens::RefreshToken;

/// What a request wanted with a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Login,
    Logout,
    Refresh,
    Revoke,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Expired,
    /// A fault answered, or took the answer away; `token_outcome` has what happened to the token.
    Faulted,
    Grace,
    /// A sign-in that succeeded.
    Issued,
    NotHandled,
    /// A sign-in that was refused.
    Refused,
    Reused,
    Revoked,
    Rotated,
    Unknown,
}

/// One use of a refresh token, as the part of the server that decided on it reports it.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) fingerprint: String,
    pub(crate) family: Option<String>,
    pub(crate) outcome: Outcome,
    /// Whether the token had been spent before, whatever the answer.
    pub(crate) reuse: bool,
    pub(crate) status: StatusCode,
}

impl Use {
    /// A use of `token`, which named the session `family` or none.
    pub(crate) fn of(
        token: Option<&RefreshToken>,
        family: Option<String>,
        outcome: Outcome,
        status: StatusCode,
    ) -> Self {
        let fingerprint = token.map(RefreshToken::fingerprint).unwrap_or_default();
        Self { fingerprint, family, outcome, reuse: false, status }
    }
}

#[derive(Debug, Clone, Serialize)]
struct Entry {
    n: u64,
    at_ms: i64,
    kind: Kind,
    caller: String,
    token_fingerprint: String,
    family: Option<String>,
    outcome: Outcome,
    token_outcome: Outcome,
    reuse: bool,
    /// What was answered; 0 when nothing was.
    status: u16,
    fault: Option<u64>,
}

/// The whole ledger as `GET /ledger` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    entries: Vec<Entry>,
    refreshes: usize,
    reuses: usize,
    api: ApiCounts,
    in_flight_refreshes_max: usize,
}

#[derive(Debug, Default, Clone, Copy, Serialize)]
struct ApiCounts {
    ok: u64,
    unauthorized: u64,
}

/// Entries and counters since the start or the last clearing.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    entries: Vec<Entry>,
    /// Numbers go on over a clearing, so that a request from before it cannot settle a later entry.
    last_number: u64,
    api: ApiCounts,
    in_flight: usize,
    in_flight_max: usize,
}

impl Ledger {
    pub(crate) fn report(&self) -> Report {
        let book = self.book();
        Report {
            refreshes: book.entries.iter().filter(|entry| entry.kind == Kind::Refresh).count(),
            reuses: book.entries.iter().filter(|entry| entry.reuse).count(),
            entries: book.entries.clone(),
            api: book.api,
            in_flight_refreshes_max: book.in_flight_max,
        }
    }

    /// Empties the ledger; refreshes in flight still count as such.
    pub(crate) fn clear(&self) {
        let mut book = self.book();
        book.entries.clear();
        book.api = ApiCounts::default();
        book.in_flight_max = book.in_flight;
    }

    /// Notes a use that a fault has got hold of, before anything else happens; returns its number.
    pub(crate) fn open(&self, kind: Kind, caller: String, used: Use, fault: u64) -> u64 {
        let mut book = self.book();
        let number = book.append(kind, caller, used, Some(fault));
        if let Some(entry) = book.entry(number) {
            entry.outcome = Outcome::Faulted;
            entry.status = 0;
        }
        number
    }

    /// Notes that the answer to the use `number` was another than its handling gave, or was none (status 0).
    pub(crate) fn spoil(&self, number: u64, status: u16) {
        if let Some(entry) = self.book().entry(number) {
            entry.outcome = Outcome::Faulted;
            entry.status = status;
        }
    }

    /// Counts an answer of `/api`.
    pub(crate) fn count_api(&self, status: StatusCode) {
        let mut book = self.book();
        if status.is_success() {
            book.api.ok += 1;
        } else if status == StatusCode::UNAUTHORIZED {
            book.api.unauthorized += 1;
        }
    }

    /// Counts a refresh as in flight until the guard is dropped.
    pub(crate) fn begin_refresh(self: &Arc<Self>) -> InFlight {
        let mut book = self.book();
        book.in_flight += 1;
        book.in_flight_max = book.in_flight_max.max(book.in_flight);
        InFlight(self.clone())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Nothing is left half done under this lock, so what a panicking thread left behind is still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn append(&mut self, kind: Kind, caller: String, used: Use, fault: Option<u64>) -> u64 {
        self.last_number += 1;
        self.entries.push(Entry {
            n: self.last_number,
            at_ms: UnixMillis::system().0,
            kind,
            caller,
            token_fingerprint: used.fingerprint,
            family: used.family,
            outcome: used.outcome,
            token_outcome: used.outcome,
            reuse: used.reuse,
            status: used.status.as_u16(),
            fault,
        });
        self.last_number
    }

    fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| entry.n == number)
    }
}

/// A refresh between its arrival and its answer.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Ledger>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut book = self.0.book();
        book.in_flight = book.in_flight.saturating_sub(1);
    }
}

/// The number of the entry that a fault has opened for a request; travels in its extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenEntry(pub(crate) u64);

/// Where one request's use of a refresh token goes.
#[derive(Debug)]
pub(crate) struct Recorder {
    control: Option<Arc<Control>>,
    kind: Kind,
    caller: String,
    open: Option<OpenEntry>,
}

impl Recorder {
    pub(crate) fn new(control: Option<Arc<Control>>, kind: Kind, request: &Parts) -> Self {
        let open = request.extensions.get::<OpenEntry>().copied();
        Self { control, kind, caller: caller(request), open }
    }

    /// Writes the use down: into the entry that a fault has opened for it, or as a new one.
    pub(crate) fn record(&self, used: Use) {
        let Some(control) = &self.control else { return };
        let mut book = control.ledger.book();
        let Some(OpenEntry(number)) = self.open else {
            book.append(self.kind, self.caller.clone(), used, None);
            return;
        };
        if let Some(entry) = book.entry(number) {
            entry.token_fingerprint = used.fingerprint;
            entry.family = used.family;
            entry.outcome = used.outcome;
            entry.token_outcome = used.outcome;
            entry.reuse = used.reuse;
            entry.status = used.status.as_u16();
        }
    }
}

/// Who a test says is calling: the header `X-Ledger-Caller` or the query parameter `caller`.
pub(crate) fn caller(request: &Parts) -> String {
    if let Some(caller) = request.headers.get("x-ledger-caller") {
        return String::from_utf8_lossy(caller.as_bytes()).into_owned();
    }
    let query = request.uri.query().unwrap_or_default();
    let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "caller");
    found.map(|(_, caller)| caller.into_owned()).unwrap_or_default()
}
