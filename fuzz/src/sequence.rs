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
    pub(crate) tabs: Tabs,
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

/// What keeps the tabs of a browser apart.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tabs {
    /// There is one.
    Alone,
    /// The store and its comparisons.
    Claims,
    /// A lock that steps grant, and the record in a place of its own.
    LocksApart,
    /// A lock that is granted at once.
    PromptLocks,
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
    Lock { granted: bool },
    Notice { order: Beside, text: Option<String> },
    Replayed { back: u8, accepted: bool },
    Start,
    Stop,
    Read { back: u8, found: Found },
    Written { back: u8, fate: Fate },
    Tick,
    Touch,
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

/// What becomes of a write.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// It is done if the store holds what it expects.
    Compared,
    Conflict,
    Failed,
    /// It is done, and said to have failed.
    Silent,
}

/// What a read brings.
#[derive(Arbitrary, Debug)]
pub(crate) enum Found {
    /// What was written last, and took effect.
    Held,
    Nothing,
    /// What another tab left, and now holds the store.
    Record(Left),
    Text(String),
}

/// A record of some session, left by another tab.
#[derive(Arbitrary, Debug)]
pub(crate) struct Left {
    pub(crate) session: Option<u8>,
    pub(crate) epoch: Beside,
    pub(crate) generation: Beside,
    pub(crate) access: bool,
    pub(crate) refresh: bool,
    pub(crate) refused: bool,
    pub(crate) lost: bool,
    /// How long ago it claimed, in seconds, and whether it had the lock.
    pub(crate) claim: Option<(u8, bool)>,
    /// How long it was asked to wait, in seconds.
    pub(crate) cooldown: Option<u16>,
    /// The record beside it has been written, the pair not yet.
    pub(crate) half: bool,
}

/// A number beside the one that is held.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Beside {
    Higher,
    Lower,
    Same,
}
