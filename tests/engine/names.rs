//! The names that apps read. They are public API: what is here does not change.
use crate::common::*;
use evertoken::engine::jwt::JwtError;

#[test]
fn codes_and_causes_of_failures_keep_their_names() {
    let codes = [
        (ErrorCode::BadTokenResponse, "bad_token_response"),
        (ErrorCode::Configuration, "configuration"),
        (ErrorCode::Disposed, "disposed"),
        (ErrorCode::RefreshUnavailable, "refresh_unavailable"),
        (ErrorCode::SessionChanged, "session_changed"),
        (ErrorCode::SessionEnded, "session_ended"),
        (ErrorCode::SignedOut, "signed_out"),
        (ErrorCode::UnsupportedTokenType, "unsupported_token_type"),
    ];
    for (code, name) in codes {
        assert_eq!(code.as_str(), name);
        assert_eq!(code.is_transient(), name == "refresh_unavailable", "{name}");
    }
    let causes = [
        (Cause::BadResponse, "bad_response"),
        (Cause::Callback, "callback"),
        (Cause::Network, "network"),
        (Cause::RateLimited, "rate_limited"),
        (Cause::Refused, "refused"),
        (Cause::ServerError, "server_error"),
        (Cause::Stopped, "stopped"),
        (Cause::Timeout, "timeout"),
    ];
    for (cause, name) in causes {
        assert_eq!(cause.as_str(), name);
    }
}

#[test]
fn reasons_states_and_answers_keep_their_names() {
    let reasons = [
        (Reason::Asked, "asked"),
        (Reason::Expired, "expired"),
        (Reason::Resume, "resume"),
        (Reason::Scheduled, "scheduled"),
        (Reason::Unauthorized, "unauthorized"),
    ];
    for (reason, name) in reasons {
        assert_eq!(reason.as_str(), name);
    }
    let ends = [
        (EndReason::Callback, "callback"),
        (EndReason::Expired, "expired"),
        (EndReason::RefreshResponseLostPossible, "refresh_response_lost_possible"),
        (EndReason::Refused, "refused"),
        (EndReason::SignedOut, "signed_out"),
        (EndReason::SignedOutElsewhere, "signed_out_elsewhere"),
    ];
    for (end, name) in ends {
        assert_eq!(end.as_str(), name);
    }
    let states = [
        (State::Active, "active"),
        (State::Ending, "ending"),
        (State::Restoring, "restoring"),
        (State::SignedOut, "signedOut"),
        (State::Stale, "stale"),
    ];
    for (state, name) in states {
        assert_eq!(state.as_str(), name);
    }
    let answers = [
        (Settled::Done, "done"),
        (Settled::Ignored, "ignored"),
        (Settled::Pass, "pass"),
        (Settled::Resend, "resend"),
        (Settled::Started, "started"),
        (Settled::Unchanged, "unchanged"),
        (Settled::Updated, "updated"),
    ];
    for (answer, name) in answers {
        assert_eq!(answer.as_str(), name);
    }
}

#[test]
fn reasons_of_tokens_that_cannot_be_read_keep_their_names() {
    let reasons = [
        (JwtError::Base64, "base64"),
        (JwtError::Encrypted, "encrypted"),
        (JwtError::Json, "json"),
        (JwtError::NotAnObject, "not_an_object"),
        (JwtError::Segments, "segments"),
        (JwtError::TooLong, "too_long"),
        (JwtError::Utf8, "utf8"),
    ];
    for (reason, name) in reasons {
        assert_eq!(reason.as_str(), name);
    }
}
