//! Fingerprints: which states are one.
//!
//! The state of an engine is private, so it is read from its `Debug` text, which holds all of it but the tokens; those
//! are named by what the tab would send. In the text, and in the records that are stored or are to be, numbers that
//! name a time count from now, numbers that name a request from the newest of their kind, and owners of claims are named
//! by their place among the tabs. What no decision depends on is left out: the counters of the metrics, the options,
//! the last use (only `whenIdle: 'lapse'` asks for it), and the state of the jitter, so that of two states that differ
//! in nothing but delays yet to be drawn one stands for both. Tabs are alike: an order of them is no part of a state.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use evertoken::engine::output::{Expected, Write};
use evertoken::engine::secret::Secret;
use evertoken::engine::time::Now;

use super::step::PROMPT;
use super::tab::{Fate, Last, Lock, Op, Reply, Tab};
use super::world::World;

/// What a tab's state comes to at one moment, except for which other tabs it knows of.
#[derive(Clone, Debug)]
pub(super) struct Print {
    elapsed: u64,
    hash: u64,
    /// The tabs whose claims it has seen, in the order of the text.
    owners: Vec<u8>,
}

impl World {
    /// What tells this state from others. The tabs' own shares are kept for the states that follow.
    pub(super) fn fingerprint(&mut self) -> u64 {
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].print.as_ref().is_none_or(|print| print.elapsed != self.elapsed) {
                let print = self.print(tab);
                Arc::make_mut(&mut self.tabs[tab]).print = Some(print);
            }
        }
        let print = |tab: usize| self.tabs[tab].print.as_ref().expect("invariant: just taken");
        let mut order: Vec<usize> = (0..self.tabs.len()).collect();
        order.sort_by_key(|tab| print(*tab).hash);
        let mut place = [GONE; MOST_TABS];
        for (at, tab) in order.iter().enumerate() {
            place[*tab] = at as u8;
        }
        let placed = |tab: u8| place.get(usize::from(tab)).copied().unwrap_or(GONE);
        let mut hasher = DefaultHasher::new();
        for tab in order {
            let print = print(tab);
            print.hash.hash(&mut hasher);
            print.owners.iter().for_each(|owner| placed(*owner).hash(&mut hasher));
        }
        let mut scribe = self.scribe(Last::default());
        if let Some(text) = &self.store {
            scribe.write(text.expose());
        }
        scribe.text.hash(&mut hasher);
        scribe.owners.iter().for_each(|owner| placed(*owner).hash(&mut hasher));
        self.queue.iter().for_each(|(tab, _)| placed(*tab as u8).hash(&mut hasher));
        (self.elapsed - self.held_since).min(PROMPT + 1).hash(&mut hasher);
        (self.left, &self.ledger, &self.orphans).hash(&mut hasher);
        let server = (self.server.live, self.server.revoked, self.server.grace_left(self.elapsed));
        server.hash(&mut hasher);
        hasher.finish()
    }

    fn print(&self, tab: usize) -> Print {
        let held = &self.tabs[tab];
        let mut scribe = self.scribe(held.last);
        scribe.tab(held, self.elapsed);
        let mut hasher = DefaultHasher::new();
        scribe.text.hash(&mut hasher);
        // Its own claims are told from those of others by where they stand.
        let own = |owner: &u8| *owner == tab as u8;
        scribe.owners.iter().map(own).collect::<Vec<_>>().hash(&mut hasher);
        Print { elapsed: self.elapsed, hash: hasher.finish(), owners: scribe.owners }
    }

    fn scribe(&self, last: Last) -> Scribe {
        let owners = self.tabs.iter().map(|tab| tab.owner).collect();
        Scribe {
            text: String::with_capacity(4_096),
            now: self.now(),
            known: owners,
            owners: Vec::new(),
            last,
        }
    }
}

/// Writes texts down without what does not count.
struct Scribe {
    text: String,
    now: Now,
    known: Vec<u64>,
    owners: Vec<u8>,
    last: Last,
}

impl Scribe {
    fn tab(&mut self, tab: &Tab, elapsed: u64) {
        match tab.fate {
            Fate::Gone => return self.text.push_str("gone"),
            Fate::Frozen { since } => self.put(&format!("frozen {}", (elapsed - since).min(FREEZE))),
            Fate::Open => {}
        }
        self.write(&without_rest(&format!("{:?}", tab.engine)));
        self.put(&format!("{:?}{:?}", tab.state, tab.refreshing));
        self.put(tab.bearer.as_ref().map_or("", Secret::expose));
        let age = |since: u64| (elapsed - since).min(PROMPT + 1);
        for (since, op) in &tab.asked {
            self.put(&age(*since).to_string());
            match op {
                Op::Read(id) => self.write(&format!("read {id:?}")),
                Op::Write(id, write) => {
                    self.write(&format!("write {id:?}"));
                    self.pending_write(write);
                }
            }
        }
        for (since, reply) in &tab.done {
            self.put(&age(*since).to_string());
            match reply {
                Reply::Read(id, text) => {
                    self.write(&format!("was read {id:?}"));
                    self.write(text.as_ref().map_or("", Secret::expose));
                }
                Reply::Unread(id) => self.write(&format!("was not read {id:?}")),
                Reply::Written(id, stored) => self.write(&format!("was written {id:?}{stored:?}")),
            }
        }
        for request in &tab.wire {
            self.write(&format!("{request:?}"));
        }
        if !matches!(tab.lock, Lock::Free) {
            self.write(&format!("{:?}", tab.lock));
        }
        self.write(&format!("{:?}{:?}", tab.notice, tab.calls));
        if let Some(live) = tab.eye.attempt {
            self.put(&format!("{}{}", live.locked, (elapsed - live.since).min(FREEZE * 2)));
        }
        let eye = &tab.eye;
        self.write(&format!("{:?}{:?}{}{:?}", eye.using, eye.refused, eye.over, eye.order));
        self.put(&format!("{}{}{}", eye.unstored, eye.unclaimed, eye.strained));
        self.put(&format!("{}{}{:?}", eye.blind, eye.unread, eye.knew));
    }

    fn pending_write(&mut self, write: &Write) {
        match &write.expected {
            Expected::Anything => self.put("anything"),
            Expected::Nothing => self.put("nothing"),
            Expected::Prefix(prefix) => self.write(prefix),
        }
        self.write(write.text.as_ref().map_or("", Secret::expose));
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Writes a text down with its numbers made relative.
    fn write(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let (mut at, mut from) = (0, 0);
        while at < bytes.len() {
            let begins = at > 0 && (bytes[at].is_ascii_digit() || bytes[at - 1] == b'"');
            if !begins || bytes[at - 1].is_ascii_alphanumeric() {
                at += 1;
                continue;
            }
            let is_hex = text[..at].ends_with(r#""owner":""#);
            let length = bytes[at..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit() || is_hex && byte.is_ascii_hexdigit());
            let end = at + length.count();
            if let Ok(number) = u64::from_str_radix(&text[at..end], if is_hex { 16 } else { 10 })
                && let Some(relative) = self.relative(&text[..at], number)
            {
                self.text.push_str(&text[from..at]);
                self.text.push_str(&relative.to_string());
                from = end;
            }
            at = end.max(at + 1);
        }
        self.put(&text[from..]);
    }

    /// What is written in the place of `number`, which stands behind `before`; `None`: itself.
    fn relative(&mut self, before: &str, number: u64) -> Option<i64> {
        let since = |now: u64| Some((number as i64 - now as i64).max(LONG_AGO));
        let back = |last: u32| Some(i64::from(last) - number as i64);
        let is_any = |ends: &[&str]| ends.iter().any(|end| before.ends_with(end));
        if is_any(&["mono "]) {
            since(self.now.mono.millis())
        } else if is_any(&["unix ", r#""at":"#, r#""received":"#, r#""until":"#]) {
            since(self.now.wall.0 as u64)
        } else if is_any(&["StoreOp("]) {
            back(self.last.op.0)
        } else if is_any(&["AttemptId("]) {
            back(self.last.attempt.0)
        } else if is_any(&["LockId("]) {
            back(self.last.lock.0)
        } else if is_any(&["CallId("]) {
            back(self.last.call)
        } else if is_any(&["owner: ", r#""owner":""#]) {
            let owner = self.known.iter().position(|known| *known == number);
            self.owners.push(owner.map_or(GONE, |owner| owner as u8));
            Some(0)
        } else {
            None
        }
    }
}

/// The text of an engine without the parts that decide nothing.
fn without_rest(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    for (begin, end) in PASSED_OVER {
        let (before, after) = rest.split_once(begin).expect("a part of every engine");
        out.push_str(before);
        rest = &after[after.find(end).expect("a part of every engine")..];
    }
    out.push_str(rest);
    out
}

/// What is passed over: from a beginning up to, but without, an end.
const PASSED_OVER: [(&str, &str); 4] = [
    ("config: Config", " now: "),
    ("}, id: ", " lock: "),
    ("last_use: ", "last_sent: "),
    ("metrics: Metrics", "trail: "),
];
/// All times in milliseconds before now that are so long ago are one: no decision looks so far back.
const LONG_AGO: i64 = -200_000;
const FREEZE: u64 = 10_000;
const GONE: u8 = u8::MAX;
/// More tabs would not be explored in a lifetime.
const MOST_TABS: usize = 8;
