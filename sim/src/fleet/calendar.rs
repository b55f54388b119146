//! What is due when, in slices of time.

use std::cmp::Reverse;

use super::plan::At;
use super::server::Reply;

/// The entries of one shard, by slice.
#[derive(Debug)]
pub(crate) struct Calendar {
    slices: Vec<Vec<Entry>>,
    /// Nothing is left before this one.
    next: usize,
}

/// Something that happens to one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Its seat in the shard.
    pub(crate) seat: u32,
    pub(crate) at: At,
    pub(crate) due: Due,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    Answer(Answer),
    /// The client has something to do, if this is still what it has planned.
    Wake,
}

/// An answer to a refresh.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// The sign-in during which it was asked for.
    pub(crate) visit: u16,
    pub(crate) tab: u8,
    pub(crate) attempt: u32,
    pub(crate) reply: Reply,
}

impl Calendar {
    pub(crate) fn new(end: At) -> Self {
        // Answers to what is sent last are noted too, so that they can be counted.
        Self { slices: vec![Vec::new(); slice(end + 10 * SLICE)], next: 0 }
    }

    /// Notes `entry`; what comes after the end of the run does not come.
    pub(crate) fn note(&mut self, entry: Entry) {
        let slice = slice(entry.at);
        if let Some(entries) = self.slices.get_mut(slice) {
            entries.push(entry);
            self.next = self.next.min(slice);
        }
    }

    /// The first slice that holds anything.
    pub(crate) fn next(&mut self) -> Option<usize> {
        while self.slices.get(self.next)?.is_empty() {
            self.next += 1;
        }
        Some(self.next)
    }

    /// Moves the entries of `slice` into `entries`, each client's in order, the last first.
    pub(crate) fn take(&mut self, slice: usize, entries: &mut Vec<Entry>) {
        entries.append(&mut std::mem::take(&mut self.slices[slice]));
        entries.sort_unstable_by_key(|entry| Reverse(entry.order()));
    }

    /// Moves what has been noted in `slice` meanwhile to its place among `entries`.
    pub(crate) fn take_soon(&mut self, slice: usize, entries: &mut Vec<Entry>) {
        for entry in self.slices[slice].drain(..) {
            let after = entries.iter().rposition(|other| other.order() > entry.order());
            entries.insert(after.map_or(0, |after| after + 1), entry);
        }
    }

    /// Entries that are still to come.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.slices.iter().flatten()
    }

    pub(crate) fn bytes(&self) -> usize {
        let entries: usize = self.slices.iter().map(Vec::capacity).sum();
        entries * size_of::<Entry>() + self.slices.capacity() * size_of::<Vec<Entry>>()
    }
}

impl Entry {
    /// Clients one after the other, since none sees another; of one client what comes first.
    fn order(&self) -> (u32, At, u8, u32) {
        match self.due {
            Due::Wake => (self.seat, self.at, 0, 0),
            Due::Answer(answer) => (self.seat, self.at, 1 + answer.tab, answer.attempt),
        }
    }
}

/// The slice that `at` is in.
pub(crate) fn slice(at: At) -> usize {
    (at / SLICE) as usize
}

/// No answer is back sooner, so what happens in a slice follows from what was decided before it.
pub(crate) const SLICE: At = 200;
