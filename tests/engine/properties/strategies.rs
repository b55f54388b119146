//! Arbitrary things that happen.

use evertoken::engine::ids::SessionId;
use evertoken::engine::record::StoredSession;
use proptest::prelude::*;

use super::act::{Act, Ask, Elsewhere, Pair};
use crate::common::*;

pub fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => prop_oneof![0..2_000_u64, 0..60_000_u64, 0..1_800_000_u64].prop_map(Act::Advance),
        6 => ask().prop_map(Act::Call),
        2 => (0..4_u32, reply()).prop_map(|(back, reply)| Act::Answer(back, reply)),
        2 => reply().prop_map(Act::Break),
        2 => Just(Act::Mend),
        3 => (pair(), session_mode()).prop_map(|(pair, mode)| Act::Hand(pair, mode)),
        1 => prop_oneof![
            Just(Elsewhere::Refuse),
            Just(Elsewhere::Rotate),
            Just(Elsewhere::SignIn),
            Just(Elsewhere::SignOut),
        ].prop_map(Act::Other),
        1 => (0..9_u64, prop_oneof![Just(Reception::Accepted), Just(Reception::Rejected)])
            .prop_map(|(generation, reception)| Act::Replayed(generation, reception)),
        1 => prop_oneof![
            Just(Mode::Sync),
            Just(Mode::Failing),
            Just(Mode::Hanging),
            (0..4_000_u64).prop_map(Mode::Delayed),
        ].prop_map(Act::SetStore),
        1 => (-400_000_000_000_i64..400_000_000_000).prop_map(Act::SetWall),
        2 => (0..200_000_000_u64, any::<bool>()).prop_map(|(by, stopped)| Act::Sleep(by, stopped)),
        1 => prop_oneof![Just(Act::Start), Just(Act::Stop)],
        1 => (0..40_u32, stored_text()).prop_map(|(op, text)| Act::StoreRead(op, text)),
        1 => (0..40_u32, prop_oneof![Just(Stored::Durably), Just(Stored::Failed)])
            .prop_map(|(op, stored)| Act::StoreWritten(op, stored)),
        3 => prop_oneof![Just(Wake::Focus), Just(Wake::Hidden), Just(Wake::Online), Just(Wake::Shown)]
            .prop_map(Act::Wake),
        1 => prop_oneof![9 => Just(Act::Advance(1)), 1 => Just(Act::Dispose)],
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        4 => prop_oneof![Just(0), 0..2_000_u64].prop_map(Ask::Need),
        2 => prop_oneof![Just(Urgency::Forced), Just(Urgency::Normal)].prop_map(Ask::Refresh),
        1 => prop_oneof![Just(Revocation::Revoke), Just(Revocation::Skip)].prop_map(Ask::SignOut),
        3 => (0..3_u64).prop_map(Ask::Unauthorized),
    ]
}

fn pair() -> impl Strategy<Value = Pair> {
    prop_oneof![
        4 => (0..3_u8).prop_map(Pair::Named),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), -5..5_i64, 0..100_000_i64].prop_map(Pair::Odd),
        1 => prop_oneof![Just(String::new()), ".{0,40}"].prop_map(Pair::Garbage),
    ]
}

fn session_mode() -> impl Strategy<Value = SessionMode> {
    prop_oneof![3 => Just(SessionMode::Auto), 1 => Just(SessionMode::New), 1 => Just(SessionMode::Same)]
}

fn reply() -> impl Strategy<Value = Reply> {
    let code = prop_oneof![Just("invalid_grant"), Just("invalid_client"), Just("slow_down"), Just("zzz"),];
    let header =
        prop_oneof![Just(None), Just(Some("0")), Just(Some("7")), Just(Some("99999")), Just(Some("x"))];
    let fixed = (0..600_u16, code, header, pair()).prop_map(|(status, code, retry_after, pair)| {
        let body = if status < 300 { pair.response() } else { format!(r#"{{"error":"{code}"}}"#) };
        Answer { retry_after: retry_after.map(Into::into), ..answer(status, &body) }
    });
    let granted = pair().prop_map(|pair| Reply::Fixed(answer(200, &pair.response())));
    prop_oneof![
        3 => fixed.prop_map(Reply::Fixed),
        2 => granted,
        1 => Just(Reply::Grant),
        1 => Just(Reply::Lost),
        2 => Just(Reply::Silent),
        2 => (0..40_000_u64).prop_map(Reply::Slow),
        2 => Just(Reply::Unreachable),
        1 => Just(Reply::Outcome(Outcome::Ended)),
        1 => Just(Reply::Outcome(Outcome::Failed { status: Some(503), retry_after: None })),
    ]
}

fn stored_text() -> impl Strategy<Value = String> {
    let session = (any::<bool>(), any::<bool>()).prop_map(|(refresh, refused)| StoredSession {
        id: SessionId::new(5),
        refresh: refresh.then(|| Secret::new(format!("stored-{CANARY}"))),
        refresh_ends: None,
        access: None,
        refused,
        lost: false,
    });
    let number = || prop_oneof![0..5_u64, Just(i64::MAX as u64)];
    prop_oneof![
        2 => ".{0,60}",
        1 => Just(r#"{"schema":2}"#.to_owned()),
        3 => (session, number(), number())
            .prop_map(|(session, epoch, generation)| record(session, epoch, generation)),
    ]
}

pub fn any_time() -> impl Strategy<Value = Now> {
    let mono = prop_oneof![4 => 0..100_000_u64, 1 => any::<u64>()];
    let wall = prop_oneof![4 => START..START + 100_000, 1 => any::<i64>()];
    (mono, wall).prop_map(|(mono, wall)| Now { mono: Mono::new(mono), wall: UnixMillis(wall) })
}
