//! What an answer of the token endpoint means.

use alloc::string::String;
use alloc::sync::Arc;

use super::error::Cause;
use super::json;
use super::response::{self, Fields, ResponseError, TokenResponse};
use super::secret::Secret;
use super::time::{Millis, UnixMillis};
use super::{date, decimal};

/// What came of one attempt, as the shell saw it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// An HTTP answer, read to its end.
    Answered(Answer),
    /// The app's callback threw `SessionEnded`.
    Ended,
    /// The app's callback failed otherwise.
    Failed { status: Option<u16>, retry_after: Option<String> },
    /// No answer could be read.
    Unreachable,
}

/// An HTTP answer. Headers that a cross-origin page cannot read are `None`; a body that is too long to be a token
/// response is empty.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub body: Secret,
    pub content_type: Option<String>,
    pub date: Option<String>,
    pub request_id: Option<String>,
    pub retry_after: Option<String>,
    /// What the app's own rule says, where it has one.
    pub ruling: Option<Ruling>,
}

/// The app's reading of an answer that brings no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// The session is over.
    Terminal,
    /// It may pass.
    Transient,
}

/// The engine's reading of an [`Answer`].
#[derive(Debug)]
pub enum Judgement {
    /// New tokens.
    Granted(TokenResponse),
    /// The client is set up wrongly: nothing is deleted, since a bad deploy must not sign everybody out.
    Misconfigured { oauth_error: Option<Arc<str>> },
    /// The session is over (RFC 6749 §5.2, read as real servers answer: any body that is not HTML).
    Refused { oauth_error: Option<Arc<str>> },
    /// Try again later.
    Transient { cause: Cause, oauth_error: Option<Arc<str>> },
    /// A token type that is not `Bearer`. The refresh token may have been rotated all the same.
    UnsupportedTokenType { refresh: Option<Secret> },
}

impl Answer {
    /// Reads the answer; `fields` says where its tokens are.
    pub fn judge(&self, fields: &Fields, access_in_cookie: bool) -> Judgement {
        let html = self.is_html();
        match self.ruling.filter(|_| !(200..=299).contains(&self.status)) {
            Some(Ruling::Terminal) => return Judgement::Refused { oauth_error: self.oauth_error() },
            Some(Ruling::Transient) => {
                let cause = if self.status == 429 { Cause::RateLimited } else { Cause::ServerError };
                return Judgement::Transient { cause, oauth_error: self.oauth_error() };
            }
            None => {}
        }
        match self.status {
            // Tokens are tokens, whatever type a server gives its answer.
            200..=299 => match response::parse(self.body.expose(), fields, access_in_cookie) {
                Ok(response) => Judgement::Granted(response),
                Err(ResponseError::UnsupportedTokenType(refresh)) => {
                    Judgement::UnsupportedTokenType { refresh }
                }
                Err(ResponseError::Unusable) => transient(Cause::BadResponse),
            },
            400 | 401 | 403 | 422 if !html => self.judge_refusal(),
            429 => transient(Cause::RateLimited),
            _ => transient(Cause::ServerError),
        }
    }

    fn judge_refusal(&self) -> Judgement {
        let oauth_error = self.oauth_error();
        match oauth_error.as_deref() {
            Some("server_error" | "slow_down" | "temporarily_unavailable" | "use_dpop_nonce") => {
                Judgement::Transient { cause: Cause::ServerError, oauth_error }
            }
            Some(
                "invalid_client"
                | "invalid_request"
                | "invalid_scope"
                | "unauthorized_client"
                | "unsupported_grant_type",
            ) => Judgement::Misconfigured { oauth_error },
            _ => Judgement::Refused { oauth_error },
        }
    }

    fn oauth_error(&self) -> Option<Arc<str>> {
        let code = json::parse_object(self.body.expose())?.text("error")?.decode();
        is_code(&code).then(|| code.into())
    }

    /// A proxy's or captive portal's page, by its type or its first byte.
    fn is_html(&self) -> bool {
        let declared = self.content_type.as_deref().unwrap_or_default().as_bytes().trim_ascii_start();
        let body = self.body.expose().as_bytes();
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
        declared.get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html"))
            || body.first() == Some(&b'<')
    }

    /// The server's time, where its `Date` header is readable.
    pub fn server_time(&self) -> Option<UnixMillis> {
        self.date.as_deref().and_then(|date| date::http_date(date.as_bytes()))
    }
}

/// How long `Retry-After` asks to wait (RFC 9110 §10.2.3): seconds, or a date seen from `server_now`. Anything
/// else is ignored; an hour is the most that is granted.
pub fn retry_after(header: &str, server_now: UnixMillis) -> Option<Millis> {
    const LONGEST: Millis = Millis::from_secs(3_600);
    let asked = time_asked_for(header)?;
    let wait = match u64::try_from(asked) {
        Ok(seconds) => Millis::from_secs(seconds),
        Err(_) => UnixMillis(asked.saturating_neg()).since(server_now),
    };
    Some(wait.min(LONGEST))
}

/// What `Retry-After` says, as one number: seconds, or the Unix milliseconds of a date, negated.
pub fn time_asked_for(header: &str) -> Option<i64> {
    let text = header.as_bytes().trim_ascii();
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        // A date before 1970 is as much in the past as 1970 is.
        return date::http_date(text).map(|date| date.0.max(0).saturating_neg());
    }
    decimal::thousandths(text).map(|thousandths| thousandths / 1_000)
}

/// Codes are short words; anything else could be an echo of what was sent.
fn is_code(code: &str) -> bool {
    (1..=40).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn transient(cause: Cause) -> Judgement {
    Judgement::Transient { cause, oauth_error: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, body: &str) -> Judgement {
        judge_typed(status, body, None)
    }

    fn judge_typed(status: u16, body: &str, content_type: Option<&str>) -> Judgement {
        let answer = Answer {
            status,
            body: Secret::new(body.into()),
            content_type: content_type.map(Into::into),
            ..Answer::default()
        };
        answer.judge(&Fields::default(), false)
    }

    #[test]
    fn a_refusal_is_one_of_four_statuses_with_any_body_that_is_not_html() {
        for status in [400, 401, 403, 422] {
            for body in [
                "",
                "{}",
                "null",
                "nonsense",
                r#"{"error":"invalid_grant"}"#,
                r#"{"code":"token_not_valid"}"#,
            ] {
                assert!(matches!(judge(status, body), Judgement::Refused { .. }), "{status} {body}");
            }
        }
    }

    #[test]
    fn everything_else_is_no_refusal() {
        for status in [0, 300, 302, 404, 405, 407, 408, 409, 410, 418, 425, 429, 500, 502, 503, 504, 525, 599]
        {
            let judgement = judge(status, r#"{"error":"invalid_grant"}"#);
            assert!(matches!(judgement, Judgement::Transient { .. }), "{status}");
        }
        for status in [200, 400, 401, 403, 422] {
            for body in ["<html>", " \r\n<!DOCTYPE html>", "\u{feff}<p>"] {
                assert!(matches!(judge(status, body), Judgement::Transient { .. }), "{status} {body}");
            }
            let typed = judge_typed(status, "Blocked", Some("Text/HTML; charset=utf-8"));
            assert!(matches!(typed, Judgement::Transient { .. }), "{status}");
        }
    }

    #[test]
    fn some_codes_are_the_servers_trouble_and_some_the_configurations() {
        for code in ["temporarily_unavailable", "server_error", "slow_down", "use_dpop_nonce"] {
            let body = alloc::format!(r#"{{"error":"{code}"}}"#);
            assert!(matches!(judge(400, &body), Judgement::Transient { .. }), "{code}");
        }
        for code in [
            "invalid_client",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope",
            "invalid_request",
        ] {
            let body = alloc::format!(r#"{{"error":"{code}"}}"#);
            assert!(matches!(judge(401, &body), Judgement::Misconfigured { .. }), "{code}");
        }
    }

    #[test]
    fn a_code_that_could_be_an_echo_is_dropped() {
        for echo in ["eyJhbGciOiJIUzI1NiJ9", "bad token", "x1y2"] {
            let body = alloc::format!(r#"{{"error":"{echo}"}}"#);
            assert!(matches!(judge(400, &body), Judgement::Refused { oauth_error: None }), "{echo}");
        }
    }

    #[test]
    fn garbage_success_is_transient() {
        for body in ["", "null", "[]", "{}", r#"{"access_token":5}"#, "{\"access_token\":\"A\""] {
            assert!(
                matches!(judge(200, body), Judgement::Transient { cause: Cause::BadResponse, .. }),
                "{body}"
            );
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_at_most_an_hour() {
        let now = UnixMillis(784_111_777_000);
        for (header, expected) in [
            ("30", Some(30_000)),
            (" 0 ", Some(0)),
            ("999999", Some(3_600_000)),
            ("99999999999999999999999999", Some(3_600_000)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-5", None),
            ("abc", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(retry_after(header, now).map(|wait| wait.0), expected, "{header}");
        }
    }
}
