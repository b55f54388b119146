//! What is counted.

use std::ops::{Index, IndexMut};

use super::person::Person;
use super::plan::{At, LIFE, NEVER, Plan, clock};
use super::server::Reply;
use super::spread::{Series, Spread};

/// The sums of a shard, and of the shards together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub counts: Counts,
    pub(crate) rates: Rates,
    /// How long requests of the app waited that waited at all.
    pub(crate) waits: Spread,
    /// From the end of the outage, or of the token that outlasted it, to a token again.
    pub(crate) recoveries: Spread,
    pub(crate) weight: Weight,
}

/// Numbers of things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Count::NUMBER]);

/// What is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Answers that nobody was there for any more.
    Dropped,
    /// Tokens whose refresh was tried, and how many of these refreshes were not done before the token's end.
    Due,
    DueLate,
    /// The same without those that were under way during the outage.
    DueOutside,
    DueOutsideLate,
    Granted,
    /// Milliseconds that people were at work without a token.
    Lacked,
    /// The fewest refreshes that would have kept a token at hand.
    Least,
    /// Sign-ins that lasted until the person left.
    Left,
    /// Answers of 429.
    Limited,
    /// Clients that noticed the outage and had no token again before they left.
    Lost,
    /// Answers under way when the run ended.
    Pending,
    /// Pairs taken.
    Refreshed,
    Refused,
    /// Refreshes sent.
    Requests,
    /// Refused, and the session revoked, because the token had been spent before.
    Reused,
    SignedIn,
    /// Sign-ins that ended against the will of the person.
    SignedOut,
    /// Requests of the app that got no token.
    TurnedAway,
    /// Refreshes that did not reach the server.
    Unanswered,
    /// Refreshes that had reached the server when the run ended.
    Unserved,
    /// Milliseconds that people were at work.
    Worked,
}

/// Numbers of things over the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) requests: Series,
    pub(crate) refreshed: Series,
    /// Goes up by one where a client loses its token, and down where it has one again.
    pub(crate) lacking: Series,
}

/// The memory of the clients, when they are at rest and when it is most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) rest: Sample,
    pub(crate) most: Sample,
}

/// What all clients of a shard take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) clients: usize,
    /// What they are and what they hold on the heap, without what a browser keeps on its disk.
    pub(crate) bytes: usize,
    pub(crate) on_disk: usize,
}

impl Tally {
    pub(crate) fn new(plan: &Plan) -> Self {
        let series = || Series::new(plan.end());
        Self {
            counts: Counts::default(),
            rates: Rates { requests: series(), refreshed: series(), lacking: series() },
            waits: Spread::default(),
            recoveries: Spread::default(),
            weight: Weight::default(),
        }
    }

    /// The server has answered a refresh.
    pub(crate) fn count(&mut self, reply: Reply) {
        match reply {
            Reply::Granted(_) => self.counts[Count::Granted] += 1,
            Reply::Limited => self.counts[Count::Limited] += 1,
            Reply::Refused { reuse } => {
                self.counts[Count::Refused] += 1;
                self.counts[Count::Reused] += u64::from(reuse);
            }
            Reply::Failing(_) | Reply::Unreachable => self.counts[Count::Unanswered] += 1,
        }
    }

    /// The refresh of a token has been made at `at`, in time or not, or will not be made any more.
    pub(crate) fn settle_due(&mut self, person: &Person, plan: &Plan, at: At, in_time: bool) {
        if person.tried == NEVER {
            return;
        }
        let touched = plan.outage().is_some_and(|(from, to)| person.tried < to && at >= from);
        let late = u64::from(!in_time);
        self.counts[Count::Due] += 1;
        self.counts[Count::DueLate] += late;
        if !touched {
            self.counts[Count::DueOutside] += 1;
            self.counts[Count::DueOutsideLate] += late;
        }
    }

    /// A client was without a token from `from` to `to`.
    pub(crate) fn lacked(&mut self, from: At, to: At) {
        if from < to {
            self.counts[Count::Lacked] += u64::from(to - from);
            self.rates.lacking.add(from, 1);
            self.rates.lacking.add(to, -1);
        }
    }

    /// A person got a token at `at`: the first since the outage, if it was one that they noticed.
    pub(crate) fn recovered(&mut self, person: &mut Person, plan: &Plan, at: At) {
        let Some((_, end)) = plan.outage().filter(|(_, end)| at >= *end) else {
            return;
        };
        if person.was_hit && !person.has_recovered && person.was_there(plan) {
            person.has_recovered = true;
            self.recoveries.add(at.saturating_sub(end.max(person.ends)));
        }
    }

    /// A sign-in has lasted `long`.
    pub(crate) fn visited(&mut self, long: At) {
        self.counts[Count::Least] += u64::from(long.saturating_sub(1) / LIFE);
    }

    pub(crate) fn worked(&mut self, long: At) {
        self.counts[Count::Worked] += u64::from(long);
    }

    /// Takes note of the memory at `at`.
    pub(crate) fn weigh(&mut self, at: At, sample: Sample) {
        if (clock(9, 45)..clock(10, 0)).contains(&at) {
            self.weight.rest = sample;
        }
        if sample.each() >= self.weight.most.each() {
            self.weight.most = sample;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let rates = &self.rates;
        [&rates.requests, &rates.refreshed, &rates.lacking].map(Series::bytes).iter().sum::<usize>()
            + self.waits.bytes()
            + self.recoveries.bytes()
    }

    /// Adds what another shard has counted.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, part) in self.counts.0.iter_mut().zip(other.counts.0) {
            *sum += part;
        }
        self.rates.requests.merge(&other.rates.requests);
        self.rates.refreshed.merge(&other.rates.refreshed);
        self.rates.lacking.merge(&other.rates.lacking);
        self.waits.merge(&other.waits);
        self.recoveries.merge(&other.recoveries);
        self.weight.rest.add(other.weight.rest);
        self.weight.most.add(other.weight.most);
    }
}

impl Sample {
    /// Bytes of one client.
    pub(crate) fn each(self) -> Option<f64> {
        (self.clients > 0).then(|| self.bytes as f64 / self.clients as f64)
    }

    fn add(&mut self, other: Self) {
        self.clients += other.clients;
        self.bytes += other.bytes;
        self.on_disk += other.on_disk;
    }
}

impl Count {
    const NUMBER: usize = Self::Worked as usize + 1;
}

impl Index<Count> for Counts {
    type Output = u64;

    fn index(&self, count: Count) -> &u64 {
        &self.0[count as usize]
    }
}

impl IndexMut<Count> for Counts {
    fn index_mut(&mut self, count: Count) -> &mut u64 {
        &mut self.0[count as usize]
    }
}
