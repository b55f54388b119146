//! The circumstances of a run, drawn from its seed.

use evertoken::engine::{Config, Options};

use super::dice::Dice;
use super::network::Weather;
use super::provider::{Policy, Spelling};
use super::store::Manner;

#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) config: Config,
    pub(crate) policy: Policy,
    pub(crate) weather: Weather,
    pub(crate) manner: Manner,
    /// The longest pause between two things that users or machines do, in milliseconds.
    pub(crate) pause: u64,
    /// When the faults end, and when the calm after them does; in milliseconds.
    pub(crate) faults_end: u64,
    pub(crate) end: u64,
}

impl Scenario {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        const CHANCES: [u64; 6] = [0, 0, 10, 50, 150, 400];
        let weather = Weather {
            lost: dice.pick(&CHANCES),
            answer_lost: dice.pick(&CHANCES),
            replaced: dice.pick(&CHANCES),
            slow: dice.pick(&CHANCES),
        };
        let policy = Policy {
            grace: dice.pick(&[None, Some(0), Some(5_000), Some(10_000), Some(60_000)]),
            lifetime: dice.pick(&[60, 300, 900, 3_600]),
            spelling: dice.pick(&[Spelling::Both, Spelling::ExpiresIn, Spelling::Jwt, Spelling::Nothing]),
            introspects: dice.chance(500),
        };
        let faults_end = dice.between(1, 4) * HOUR;
        Self {
            config: config(dice),
            policy,
            weather,
            manner: dice.pick(&[Manner::Later, Manner::Later, Manner::Now]),
            pause: dice.pick(&[30_000, 120_000, 600_000]),
            faults_end,
            // `Retry-After` may ask for an hour, and the slowest schedule comes after that.
            end: faults_end + CALM,
        }
    }
}

fn config(dice: &mut Dice) -> Config {
    let mut options = Options::default();
    let mut texts = vec![("refresh.kind", "endpoint"), ("refresh.url", "https://id.example/refresh")];
    if dice.chance(500) {
        texts.push(("revoke.url", "https://id.example/revoke"));
    }
    if dice.chance(300) {
        texts.push(("persist", "refresh"));
    }
    for (option, value) in texts {
        options.text(option, value.into()).expect("invariant: a documented option");
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

const HOUR: u64 = 3_600_000;
const CALM: u64 = 9 * HOUR / 4;
