//! Sequences of events as they are made from the fuzzer's bytes.

use arbitrary::Arbitrary;

/// What an engine goes through: `steps`, a dispose, and what comes after it.
#[derive(Arbitrary, Debug)]
pub struct Sequence {
    pub(crate) setup: Setup,
    pub(crate) after: Vec<Step>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
pub(crate) struct Setup {
    pub(crate) source: Source,
    pub(crate) check_interval: CheckInterval,
    pub(crate) store: StoreKind,
    pub(crate) seed: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// An endpoint, with another one for revocations.
    Body,
    Callback,
    Cookie,
    Nowhere,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum CheckInterval {
    Default,
    Off,
    Short,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    /// Every operation is answered at once.
    Prompt,
    /// Only steps answer.
    Silent,
}

#[derive(Arbitrary, Debug)]
pub(crate) struct Step {
    pub(crate) passing: Passing,
    pub(crate) act: Act,
}

/// What the clocks do before an act.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Passing {
    /// To the deadline that the engine has named.
    Due,
    Millis(u16),
    Seconds(u16),
    Stand,
    /// The monotonic clock stands still.
    Asleep(u32),
    SetMono(u64),
    SetWall(i64),
}

#[derive(Arbitrary, Debug)]
pub(crate) enum Act {
    Answer { back: u8, reply: Reply },
    Call(Call),
    Replayed { back: u8, accepted: bool },
    Start,
    Stop,
    Read { back: u8, found: Found },
    Written { back: u8, durably: bool },
    Tick,
    Wake(Page),
}

#[derive(Arbitrary, Debug)]
pub(crate) enum Call {
    Need { seconds: u16 },
    Refresh { forced: bool },
    SetTokens { body: Body, mode: Mode },
    SignOut { revoke: bool },
    Unauthorized { back: u8, out_of_scope: bool },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Mode {
    Auto,
    New,
    Same,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Page {
    Focus,
    Hidden,
    Online,
    Shown,
}

#[derive(Arbitrary, Debug)]
pub(crate) enum Reply {
    Ended,
    Failed {
        status: Option<u16>,
        wait: Option<Wait>,
    },
    Granted(Body),
    Http {
        status: u16,
        body: Body,
        wait: Option<Wait>,
        dated: bool,
    },
    /// A plain refusal, the server repeating what it was sent.
    Refused,
    Unreachable,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Wait {
    Date,
    Seconds(u16),
}

#[derive(Arbitrary, Debug)]
pub(crate) enum Body {
    /// An `error` by its number among the known ones, or one that repeats the token that was sent.
    Error(u8),
    /// A pair of tokens.
    Pair {
        user: u8,
        jwt: bool,
        life: Option<i32>,
        refresh: bool,
        same: bool,
        echo: bool,
    },
    Text(String),
}

/// What a store operation brings.
#[derive(Arbitrary, Debug)]
pub(crate) enum Found {
    /// What was written last, and took effect.
    Held,
    Nothing,
    /// What another tab left: a record of some session.
    Record {
        session: Option<u8>,
        epoch: Beside,
        generation: Beside,
        access: bool,
        refresh: bool,
        refused: bool,
    },
    Text(String),
}

/// A number beside the one that is held.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Beside {
    Higher,
    Lower,
    Same,
}
