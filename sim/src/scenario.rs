//! The circumstances of a run, drawn from its seed.

use evertoken::engine::{Config, Options};

use super::channel::Air;
use super::dice::Dice;
use super::locks::Locking;
use super::network::Weather;
use super::provider::{Policy, Rotation, Spelling};
use super::store::{Health, Manner};

#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) config: Config,
    pub(crate) policy: Policy,
    pub(crate) weather: Weather,
    pub(crate) manner: Manner,
    pub(crate) health: Health,
    pub(crate) locking: Locking,
    pub(crate) air: Air,
    /// How many tabs there may be.
    pub(crate) tabs: usize,
    /// How often a step of the protocol is followed by a crash, a freeze or the like, per mille.
    pub(crate) mishaps: u64,
    /// Every output is searched for tokens.
    pub(crate) searched: bool,
    /// The longest pause between two things that users or machines do, in milliseconds.
    pub(crate) pause: u64,
    /// When the faults end, and when the calm after them does; in milliseconds.
    pub(crate) faults_end: u64,
    pub(crate) end: u64,
}

impl Scenario {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        // The longest `Retry-After`, the slowest schedule and long sleeps take hours; a few runs have the time.
        let long = dice.chance(80);
        let weather = weather(dice, if long { 5_000 } else { 300 });
        let (shared, lock) =
            dice.pick(&[(false, false), (true, false), (true, true), (true, true), (true, true)]);
        let manner = match shared {
            true => dice.pick(&[
                Manner::Apart,
                Manner::Apart,
                Manner::Database,
                Manner::Database,
                Manner::Database,
                Manner::Lagging,
                Manner::Local,
            ]),
            false => dice.pick(&[Manner::Database, Manner::Local]),
        };
        let faults_end = if long { dice.between(1, 4) * HOUR } else { dice.between(5, 40) * MINUTE };
        Self {
            config: config(dice, shared, lock, manner),
            policy: policy(dice),
            weather,
            manner,
            health: dice.pick(&[
                Health::Good,
                Health::Good,
                Health::Good,
                Health::Poor,
                Health::Poor,
                Health::Poor,
                Health::Cleared,
                Health::Denied,
            ]),
            locking: dice.pick(&[
                Locking::Fine,
                Locking::Fine,
                Locking::Fine,
                Locking::Flaky,
                Locking::Squatted,
                Locking::Never,
                Locking::Denied,
            ]),
            air: Air {
                lost: dice.pick(&[0, 0, 100, 1_000]),
                doubled: dice.pick(&[0, 100]),
                late: dice.pick(&[0, 100]),
            },
            tabs: if shared { dice.pick(&[1, 2, 2, 3, 4, 5]) } else { 1 },
            mishaps: dice.pick(&[0, 0, 3, 15, 60]),
            searched: dice.chance(100),
            pause: if long {
                dice.pick(&[30_000, 120_000, 600_000])
            } else {
                dice.pick(&[8_000, 30_000, 120_000])
            },
            faults_end,
            end: faults_end + if long { 9 * HOUR / 4 } else { 20 * MINUTE },
        }
    }

    /// The same circumstances, with engines that have `flaw`.
    #[cfg(feature = "broken")]
    pub(crate) fn with_flaw(mut self, flaw: Option<evertoken::engine::Flaw>) -> Self {
        self.config.flaw = flaw;
        self
    }

    /// Whether tabs can rely on what the store says of their turns.
    pub(crate) fn is_ordered(&self) -> bool {
        self.config.shared && self.manner != Manner::Lagging && self.health != Health::Denied
    }
}

fn weather(dice: &mut Dice, longest_peace: u64) -> Weather {
    const CHANCES: [u64; 6] = [0, 0, 10, 50, 150, 400];
    Weather {
        lost: dice.pick(&CHANCES),
        answer_lost: dice.pick(&CHANCES),
        replaced: dice.pick(&CHANCES),
        slow: dice.pick(&CHANCES),
        longest_peace,
    }
}

fn policy(dice: &mut Dice) -> Policy {
    Policy {
        rotation: dice.pick(&[
            Rotation::Never,
            Rotation::Grace(0),
            Rotation::Grace(5_000),
            Rotation::Grace(10_000),
            Rotation::Grace(60_000),
            Rotation::Overlap,
        ]),
        lifetime: dice.pick(&[60, 120, 300, 900, 3_600]),
        spelling: dice.pick(&[Spelling::Both, Spelling::ExpiresIn, Spelling::Jwt, Spelling::Nothing]),
        introspects: dice.chance(500),
        skew: dice.pick(&[0, 0, -20_000, -5_000, 5_000, 20_000]),
    }
}

fn config(dice: &mut Dice, shared: bool, lock: bool, manner: Manner) -> Config {
    let mut options = Options::default();
    let mut texts = vec![("refresh.kind", "endpoint"), ("refresh.url", REFRESH_URL)];
    if dice.chance(500) {
        texts.push(("revoke.url", REVOKE_URL));
    }
    if dice.chance(300) {
        texts.push(("persist", "refresh"));
    }
    if dice.chance(300) {
        texts.extend([("refresh.format", "form"), ("refresh.clientId", "app")]);
    }
    for (option, value) in texts {
        options.text(option, value.into()).expect("invariant: a documented option");
    }
    let switches = [("shared", shared), ("lock", lock), ("apart", manner == Manner::Apart)];
    for (option, value) in switches {
        options.number(option, f64::from(u8::from(value))).expect("invariant: a documented option");
    }
    // Mostly the defaults, since that is what pages run.
    let others: [(&str, &[f64]); 6] = [
        ("attemptTimeout", &[5_000.0, 30_000.0]),
        ("checkInterval", &[0.0, 20_000.0]),
        ("lead", &[0.0, 30_000.0, 3_600_000.0]),
        ("margin", &[0.0, 120_000.0]),
        ("maxWait", &[0.0, 2_000.0, 60_000.0]),
        ("retries", &[0.0, 1.0, 8.0]),
    ];
    for (option, values) in others {
        if dice.chance(150) {
            options.number(option, dice.pick(values)).expect("invariant: a documented option");
        }
    }
    options.into_config().expect("invariant: options that go together")
}

pub(crate) const REFRESH_URL: &str = "https://id.example/refresh";
pub(crate) const REVOKE_URL: &str = "https://id.example/revoke";
const HOUR: u64 = 3_600_000;
const MINUTE: u64 = 60_000;
