//! What can happen to a page, as data.

use crate::common::*;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Act {
    Advance(u64),
    Answer(u32, Reply),
    Break(Reply),
    Call(Ask),
    Dispose,
    Hand(Pair, SessionMode),
    Mend,
    Other(Elsewhere),
    Replayed(u64, Reception),
    SetStore(Mode),
    SetWall(i64),
    Sleep(u64, bool),
    Start,
    Stop,
    StoreRead(u32, String),
    StoreWritten(u32, Stored),
    Wake(Wake),
}

#[derive(Clone, Copy, Debug)]
pub enum Ask {
    Need(u64),
    Refresh(Urgency),
    SignOut(Revocation),
    Unauthorized(u64),
}

#[derive(Clone, Debug)]
pub enum Pair {
    Garbage(String),
    Named(u8),
    Odd(i64),
}

#[derive(Clone, Copy, Debug)]
pub enum Elsewhere {
    Refuse,
    Rotate,
    SignIn,
    SignOut,
}

pub fn apply(world: &mut World, act: Act) {
    match act {
        Act::Advance(by) => world.advance(Millis(by)),
        Act::Answer(back, reply) => {
            let Some(at) = world.sent.len().checked_sub(1 + back as usize) else { return };
            let attempt = world.sent[at].0;
            world.answer_now(attempt, outcome(reply));
        }
        Act::Break(reply) => world.server.always = Some(reply),
        Act::Call(ask) => {
            let generation = world.snapshots.last().map_or(0, |snapshot| snapshot.generation.0);
            world.call(|call| ask.input(call, generation));
        }
        Act::Dispose => world.input(Input::Dispose),
        Act::Hand(pair, mode) => {
            let response = match pair {
                Pair::Named(user) => world.server.sign_in(&format!("user-{user}"), world.clock.truth()),
                other => other.response(),
            };
            world.set_tokens(&response, mode);
        }
        Act::Mend => world.server.always = None,
        Act::Other(elsewhere) => elsewhere.apply(world),
        Act::Replayed(generation, reception) => {
            world.input(Input::Replayed { generation: Generation(generation), reception });
        }
        Act::SetStore(mode) => world.store.mode = mode,
        Act::SetWall(by) => world.set_wall(by),
        Act::Sleep(by, true) => world.sleep_without_monotonic(Millis(by)),
        Act::Sleep(by, false) => world.sleep(Millis(by)),
        Act::Start => world.input(Input::Start),
        Act::Stop => world.input(Input::Stop),
        Act::StoreRead(op, text) => {
            world.input(Input::StoreRead { op: StoreOp(op), text: Some(Secret::new(text)), fence: None });
        }
        Act::StoreWritten(op, stored) => world.input(Input::StoreWritten { op: StoreOp(op), stored }),
        Act::Wake(wake) => world.wake(wake),
    }
}

impl Ask {
    pub fn input(self, call: CallId, generation: u64) -> Input {
        match self {
            Self::Need(seconds) => Input::Need { call, min_validity: secs(seconds) },
            Self::Refresh(urgency) => Input::Refresh { call, urgency },
            Self::SignOut(revocation) => Input::SignOut { call, revocation },
            Self::Unauthorized(back) => {
                let generation = Generation(generation.saturating_sub(back));
                Input::Unauthorized { call, generation, challenge: None }
            }
        }
    }
}

impl Pair {
    pub fn response(&self) -> String {
        match self {
            Self::Garbage(text) => text.clone(),
            Self::Named(user) => {
                format!(r#"{{"access_token":"{}"}}"#, jwt(&format!("user-{user}"), 9, 99, 1))
            }
            Self::Odd(life) => {
                format!(
                    r#"{{"access_token":"odd-{CANARY}","refresh_token":"r-{CANARY}","expires_in":{life}}}"#
                )
            }
        }
    }
}

impl Elsewhere {
    /// What cannot be done with the store's present content is not done.
    fn apply(self, world: &mut World) {
        use evertoken::engine::record::{Record, Stored};
        let text = world.store.text.as_deref().unwrap_or_default();
        let Stored::Record(record) = Record::decode(text, "default") else { return };
        match self {
            Self::Refuse if record.session.is_some() => world.refuse_elsewhere(),
            Self::Rotate if record.session.is_some() => {
                world.try_to_rotate_elsewhere();
            }
            Self::SignIn => world.sign_in_elsewhere("user-9"),
            Self::SignOut => world.sign_out_elsewhere(),
            Self::Refuse | Self::Rotate => {}
        }
    }
}

pub fn outcome(reply: Reply) -> Outcome {
    match reply {
        Reply::Fixed(answer) => Outcome::Answered(answer),
        Reply::Outcome(outcome) => outcome,
        _ => Outcome::Unreachable,
    }
}

pub fn options_of(kind: u8, options: &mut Options) {
    let texts: &[(&str, &str)] = match kind {
        0 => &[("revoke.url", "/auth/revoke")],
        1 => &[("refresh.tokenIn", "cookie"), ("refresh.credentials", "same-origin")],
        2 => &[("refresh.kind", "callback"), ("persist", "refresh")],
        _ => &[("refresh.kind", "none")],
    };
    for (option, value) in texts {
        options.text(option, (*value).into()).expect("a valid option");
    }
}
