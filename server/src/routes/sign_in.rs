//! `POST /auth/register` and `POST /auth/login`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::body::{self, Fields};
use crate::clock::{LONGEST_SECONDS, Millis};
use crate::credentials;
use crate::error::{ApiError, ServerFault};
use crate::ledger::{Kind, Outcome, Recorder, Use};
use crate::routes::answer;
use crate::state::AppState;
use crate::store::sessions::{self, Lifetimes, Mode};
use crate::store::users::{self, User};

/// Makes an account and signs it in.
pub(super) async fn register(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let recorder = state.recorder(Kind::Login, &parts);
    let form = SignIn::read(&state, &parts.headers, body).await?;
    if form.password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(ApiError::invalid_field("password: expected at least 8 characters"));
    }
    if !is_plausible_email(&form.email) {
        return Err(ApiError::invalid_field("email: expected an e-mail address"));
    }
    let hash = state.passwords.hash(form.password.clone()).await?;
    let (email, now) = (form.email.clone(), state.clock.now());
    let created = state.store.call(move |connection| users::create(connection, &email, &hash, now)).await?;
    let Some(user) = created else {
        recorder.record(Use::of(None, None, Outcome::Refused, StatusCode::CONFLICT));
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "email_taken",
            "email: an account with it exists already",
        ));
    };
    begin(&state, user, &form, StatusCode::CREATED, recorder, &parts.headers).await
}

/// Signs an account in.
pub(super) async fn login(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let recorder = state.recorder(Kind::Login, &parts);
    let form = SignIn::read(&state, &parts.headers, body).await?;
    let email = form.email.clone();
    let found = state.store.call(move |connection| users::find(connection, &email)).await?;
    let (user, hash) = found.map(|found| (found.user, found.password_hash)).unzip();
    let matches = state.passwords.verify(form.password.clone(), hash).await?;
    match user {
        Some(user) if matches => begin(&state, user, &form, StatusCode::OK, recorder, &parts.headers).await,
        _ => {
            recorder.record(Use::of(None, None, Outcome::Refused, StatusCode::UNAUTHORIZED));
            let description = "the e-mail or the password is wrong";
            Err(ApiError::new(StatusCode::UNAUTHORIZED, "invalid_credentials", description))
        }
    }
}

async fn begin(
    state: &AppState,
    user: User,
    form: &SignIn,
    status: StatusCode,
    recorder: Recorder,
    request: &HeaderMap,
) -> Result<Response, ApiError> {
    let (mode, lifetimes, now) = (form.mode, form.lifetimes, state.clock.now());
    let grant = state
        .store
        .call(move |connection| -> Result<_, ServerFault> {
            let grant = sessions::begin(connection, &user, mode, lifetimes, now)?;
            let family = Some(grant.family.clone());
            recorder.record(Use::of(Some(&grant.refresh_token), family, Outcome::Issued, status));
            Ok(grant)
        })
        .await?;
    Ok(answer::tokens(state, status, &grant, now, request))
}

/// The fields of both requests.
struct SignIn {
    email: String,
    password: String,
    mode: Mode,
    lifetimes: Lifetimes,
}

impl SignIn {
    async fn read(state: &AppState, headers: &HeaderMap, body: Body) -> Result<Self, ApiError> {
        let fields = body::fields(headers, body).await?;
        let form = Self::parse(state, &fields).map_err(ApiError::invalid_field)?;
        if form.mode == Mode::Cookie {
            credentials::check_sign_in_origin(headers, &state.config.allowed_origins)?;
        }
        Ok(form)
    }

    fn parse(state: &AppState, fields: &Fields) -> Result<Self, String> {
        let email = fields.required("email")?.trim().to_lowercase();
        let password = fields.required("password")?.to_owned();
        if password.len() > MAX_PASSWORD_BYTES {
            return Err("password: expected at most 1024 bytes".to_owned());
        }
        let mode = match fields.text("mode")? {
            None | Some("body") => Mode::Body,
            Some("cookie") => Mode::Cookie,
            Some(_) => return Err("mode: expected body or cookie".to_owned()),
        };
        let lifetimes = Lifetimes {
            access: ordered_life(state, fields, "access_ttl")?.unwrap_or(state.config.access_ttl.into()),
            refresh: ordered_life(state, fields, "refresh_ttl")?.unwrap_or(state.config.refresh_ttl.into()),
        };
        Ok(Self { email, password, mode, lifetimes })
    }
}

/// A life in seconds that a test has ordered for one session; a negative one gives tokens that have expired.
fn ordered_life(state: &AppState, fields: &Fields, name: &str) -> Result<Option<Millis>, String> {
    let Some(seconds) = fields.number(name)? else { return Ok(None) };
    if state.control.is_none() {
        return Err(format!("{name}: expected only with --faults"));
    }
    if seconds.abs() > LONGEST_SECONDS {
        return Err(format!("{name}: expected at most 100 years of seconds"));
    }
    Ok(Some(Millis((seconds * 1000.0).round() as i64)))
}

/// Whether a message to this address could be tried; only sending one would tell more.
fn is_plausible_email(email: &str) -> bool {
    let parts = email.split_once('@');
    let one_at =
        parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    one_at && email.len() <= MAX_EMAIL_BYTES && !email.contains(|c: char| c.is_whitespace() || c.is_control())
}

const MIN_PASSWORD_CHARS: usize = 8;
/// Above what anyone types, and small enough to hash.
const MAX_PASSWORD_BYTES: usize = 1024;
/// RFC 5321 §4.5.3.1.3, less the angle brackets.
const MAX_EMAIL_BYTES: usize = 254;
