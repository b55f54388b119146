//! What a fleet run is: how many people, what day they have, and what their server is worth.

use std::sync::Arc;

use evertoken::engine::{Config, Options};

/// Everything that a run follows from.
#[derive(Clone, Debug)]
pub struct Plan {
    pub clients: u32,
    pub hours: u32,
    pub scenario: Scenario,
    pub seed: u64,
    /// How long the server is away, in minutes, when it is.
    pub outage_minutes: u32,
    /// How every engine of the fleet is set up.
    pub(crate) config: Arc<Config>,
}

/// What is special about the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// People sign in between 8:30 and 9:30, most of them at nine.
    Calm,
    /// Everybody signs in in the first minute after nine, as after a release that has signed everybody out.
    Deploy,
    /// A calm day, but from 10:00 on the server is away for a while.
    Outage,
}

/// Milliseconds since the run began, which is eight in the morning.
pub(crate) type At = u32;

impl Plan {
    pub fn new(clients: u32, hours: u32, scenario: Scenario, seed: u64) -> Self {
        let mut options = Options::default();
        for (option, text) in [("refresh.kind", "endpoint"), ("refresh.url", "https://id.example/refresh")] {
            options.text(option, text.into()).expect("invariant: an option that exists");
        }
        let config = options.into_config().expect("invariant: options that go together");
        // Nobody reads the trails of a million engines.
        let config = Arc::new(Config { trail: 0, ..config });
        Self { clients, hours, scenario, seed, outage_minutes: 10, config }
    }

    /// Has the engines draw their leads up to `percent` of the least, instead of what they do by default.
    pub fn with_draw(mut self, percent: u64) -> Self {
        self.config = Arc::new(Config { draw: percent, ..(*self.config).clone() });
        self
    }

    pub(crate) fn end(&self) -> At {
        self.hours * HOUR
    }

    /// From when to when the server is away.
    pub(crate) fn outage(&self) -> Option<(At, At)> {
        (self.scenario == Scenario::Outage).then_some((clock(10, 0), clock(10, self.outage_minutes)))
    }

    pub(crate) fn is_out(&self, at: At) -> bool {
        self.outage().is_some_and(|(from, to)| (from..to).contains(&at))
    }

    /// The refreshes that the server takes in a second, in thousandths.
    pub(crate) fn capacity(&self) -> u64 {
        u64::from(self.clients) * CAPACITY * 1_000 / TYPICAL_PERIOD
    }
}

impl Scenario {
    pub(crate) const ALL: [Self; 3] = [Self::Calm, Self::Deploy, Self::Outage];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Deploy => "deploy",
            Self::Outage => "outage",
        }
    }
}

/// A time of the first day.
pub(crate) const fn clock(hour: u32, minute: u32) -> At {
    (hour - FIRST_HOUR) * HOUR + minute * MINUTE
}

pub(crate) const SECOND: At = 1_000;
pub(crate) const MINUTE: At = 60 * SECOND;
pub(crate) const HOUR: At = 60 * MINUTE;
pub(crate) const DAY: At = 24 * HOUR;
pub(crate) const FIRST_HOUR: u32 = 8;
pub(crate) const NEVER: At = At::MAX;
/// Life of an access token.
pub(crate) const LIFE: At = 15 * MINUTE;
/// The server takes this many times the refreshes of a fleet in which each client refreshes every ten minutes.
pub(crate) const CAPACITY: u64 = 4;
/// In seconds.
const TYPICAL_PERIOD: u64 = 600;
