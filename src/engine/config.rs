//! Options, checked once.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::endpoint::{Credentials, Endpoint, Format, TokenIn};
use super::metrics::Trail;
use super::response::Fields;
use super::time::Millis;

/// Options as they come from outside: named values, of which each setter checks its own and
/// [`Options::into_config`] how they go together. They stand in tables, not in code for each: the code would be
/// a tenth of the module.
#[derive(Clone, Debug)]
pub struct Options {
    numbers: [u64; NUMBERS.len()],
    top: [Option<String>; TOP.len()],
    fields: [Option<String>; FIELDS.len()],
    login: [Option<String>; FIELDS.len()],
    refresh: [Option<String>; ENDPOINT.len()],
    revoke: [Option<String>; ENDPOINT.len()],
    pairs: Vec<(usize, String, String)>,
}

/// Options that are valid together. Durations are in milliseconds.
#[derive(Clone, Debug)]
pub struct Config {
    /// Keys the store, the record and everything else that instances share.
    pub name: String,
    pub source: Source,
    pub revoke: Option<Arc<Endpoint>>,
    pub fields: Fields,
    /// Overrides `fields` for what the app hands over at sign-in.
    pub login_fields: Fields,
    pub access_in_cookie: bool,
    pub persist: Persist,
    /// A cookie session resumes by itself after a reload.
    pub auto_resume: bool,
    /// How long before its end a token is refreshed, if that is at most 40 % of its life.
    pub lead: Millis,
    /// The most that is drawn of it, in per cent: clients that got tokens together do not come back together. No option;
    /// the fleet simulation has measured it.
    pub draw: u64,
    /// A token used with less than this left, or less than 25 % of its life, is refreshed beside the use.
    pub margin: Millis,
    /// No armed delay is longer; zero switches the check off.
    pub check_interval: Millis,
    pub attempt_timeout: Millis,
    pub retries: u32,
    pub retry_delay: Millis,
    pub retry_cap: Millis,
    /// How long a caller without a good token waits.
    pub max_wait: Millis,
    /// After this long without use no refresh begins by itself; `None`: the session is kept alive for ever.
    pub idle_after: Option<Millis>,
    /// Other tabs see the store: refreshes are claimed in the record, and tabs tell each other of new ones.
    pub shared: bool,
    /// Refreshes queue for a lock that the tabs of this name share.
    pub lock: bool,
    /// The record without tokens has a place of its own, and the comparisons are made there.
    pub apart: bool,
    /// How many steps the trail keeps. No option: a page has room for them, a million simulated ones have not.
    pub trail: usize,
}

/// Where new tokens come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The app's own function.
    Callback,
    Endpoint(Arc<Endpoint>),
    /// Nowhere: the session ends with its access token.
    Nowhere,
}

/// What goes into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persist {
    Both,
    /// The access token stays in memory.
    Refresh,
}

/// An option that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub option: String,
    pub expected: String,
}

/// The options that are numbers, with their defaults: durations in milliseconds, counts, and 0 or 1 for switches.
const NUMBERS: [(&str, u64); 15] = [
    ("apart", 0),
    ("attemptTimeout", 10_000),
    ("autoResume", 1),
    ("checkInterval", 120_000),
    ("idleAfter", 1_800_000),
    ("lead", 300_000),
    ("lock", 0),
    ("margin", 30_000),
    ("maxWait", 15_000),
    ("refresh.sendAccessToken", 0),
    ("retries", 3),
    ("retryCap", 30_000),
    ("retryDelay", 1_000),
    ("revoke.sendAccessToken", 0),
    ("shared", 0),
];

/// Options that are texts, with their values where those are a choice; the first is the default.
type Texts = [(&'static str, &'static [&'static str])];

const TOP: [(&str, &[&str]); 4] = [
    ("accessIn", &["header", "cookie"]),
    ("name", &[]),
    ("persist", &["both", "refresh"]),
    ("whenIdle", &["keep", "lapse"]),
];

/// What stands behind `fields.` and `login.`.
const FIELDS: [(&str, &[&str]); 5] = [
    ("access", &[]),
    ("expiresAt", &[]),
    ("expiresIn", &[]),
    ("expiresInUnit", &["s", "ms"]),
    ("refresh", &[]),
];

/// What stands behind `refresh.` and `revoke.`.
const ENDPOINT: [(&str, &[&str]); 9] = [
    ("bodyField", &[]),
    ("clientId", &[]),
    ("credentials", &["omit", "same-origin", "include"]),
    ("csrfHeader", &[]),
    ("format", &["json", "form", "none"]),
    ("kind", &["none", "endpoint", "callback"]),
    ("method", &[]),
    ("tokenIn", &["body", "bearer", "cookie"]),
    ("url", &[]),
];

/// The options that are lists of names and values.
const LISTS: [&str; 4] = ["refresh.headers", "refresh.params", "revoke.headers", "revoke.params"];

impl Default for Options {
    fn default() -> Self {
        Self {
            numbers: NUMBERS.map(|(_, default)| default),
            top: [const { None }; TOP.len()],
            fields: [const { None }; FIELDS.len()],
            login: [const { None }; FIELDS.len()],
            refresh: [const { None }; ENDPOINT.len()],
            revoke: [const { None }; ENDPOINT.len()],
            pairs: Vec::new(),
        }
    }
}

impl Options {
    /// Sets an option that is a number: a duration in milliseconds, a count, or 0 and 1 for a switch.
    pub fn number(&mut self, option: &str, value: f64) -> Result<(), ConfigError> {
        if !(0.0..=MAX_NUMBER).contains(&value) {
            return Err(refused(option, "a number from 0 to 9007199254740991"));
        }
        let at = NUMBERS.iter().position(|(name, _)| *name == option).ok_or_else(|| unknown(option))?;
        self.numbers[at] = value as u64;
        Ok(())
    }

    /// Sets an option that is a text.
    pub fn text(&mut self, option: &str, value: String) -> Result<(), ConfigError> {
        let dot = option.bytes().position(|byte| byte == b'.').map_or(0, |dot| dot + 1);
        let (table, slots): (&Texts, &mut [Option<String>]) = match &option[..dot] {
            "" => (&TOP, &mut self.top),
            "fields." => (&FIELDS, &mut self.fields),
            "login." => (&FIELDS, &mut self.login),
            "refresh." => (&ENDPOINT, &mut self.refresh),
            "revoke." => (&ENDPOINT, &mut self.revoke),
            _ => return Err(unknown(option)),
        };
        // What revocation requests call it (RFC 7009 §2.1).
        let name = if &option[dot..] == "tokenField" { "bodyField" } else { &option[dot..] };
        let at = position(table, name).ok_or_else(|| unknown(option))?;
        let choices = table[at].1;
        if !choices.is_empty() && !choices.contains(&value.as_str()) {
            return Err(refused(option, &choices.join(" or ")));
        }
        slots[at] = Some(value);
        Ok(())
    }

    /// Adds a name and a value to an option that is a list of them.
    pub fn pair(&mut self, option: &str, name: String, value: String) -> Result<(), ConfigError> {
        let at = LISTS.iter().position(|list| *list == option).ok_or_else(|| unknown(option))?;
        self.pairs.push((at, name, value));
        Ok(())
    }

    /// Checks how the options go together.
    pub fn into_config(mut self) -> Result<Config, ConfigError> {
        let name = take(&TOP, &mut self.top, "name").unwrap_or_else(|| "default".to_owned());
        if name.is_empty() {
            return Err(refused("name", "a name that is not empty"));
        }
        if self.value("attemptTimeout") == 0 {
            return Err(refused("attemptTimeout", "more than 0: no answer could arrive in time"));
        }
        let source = match choice(&ENDPOINT, &self.refresh, "kind") {
            0 => Source::Nowhere,
            1 => Source::Endpoint(self.token_endpoint()?.into()),
            _ => Source::Callback,
        };
        let mut revoke = core::mem::take(&mut self.revoke);
        let send_access_token = self.value("revoke.sendAccessToken") != 0;
        let mut revoke = self.endpoint(&mut revoke, "token", "revoke.headers", send_access_token);
        if let Source::Endpoint(refresh) = &source
            && refresh.token_in == TokenIn::Cookie
        {
            // The cookie is all there is to name the session by.
            revoke.token_in = TokenIn::Cookie;
            revoke.credentials = refresh.credentials;
            revoke.csrf_header.clone_from(&refresh.csrf_header);
        } else if revoke.format == Format::None {
            return Err(refused("revoke.format", "json or form: the token goes into the body"));
        }
        let fields = fields_of(&mut self.fields);
        let mut login_fields = fields_of(&mut self.login);
        login_fields.fill_from(&fields);
        Ok(Config {
            name,
            source,
            revoke: (!revoke.url.is_empty()).then(|| revoke.into()),
            fields,
            login_fields,
            access_in_cookie: choice(&TOP, &self.top, "accessIn") == 1,
            persist: if choice(&TOP, &self.top, "persist") == 1 { Persist::Refresh } else { Persist::Both },
            auto_resume: self.value("autoResume") != 0,
            lead: self.millis("lead"),
            draw: DRAW,
            margin: self.millis("margin"),
            check_interval: self.millis("checkInterval"),
            attempt_timeout: self.millis("attemptTimeout"),
            retries: u32::try_from(self.value("retries")).unwrap_or(u32::MAX),
            retry_delay: self.millis("retryDelay"),
            retry_cap: self.millis("retryCap"),
            max_wait: self.millis("maxWait"),
            idle_after: (choice(&TOP, &self.top, "whenIdle") == 1).then(|| self.millis("idleAfter")),
            shared: self.value("shared") != 0,
            lock: self.value("lock") != 0,
            apart: self.value("apart") != 0,
            trail: Trail::LENGTH,
        })
    }

    fn token_endpoint(&mut self) -> Result<Endpoint, ConfigError> {
        let mut texts = core::mem::take(&mut self.refresh);
        let send_access_token = self.value("refresh.sendAccessToken") != 0;
        let endpoint = self.endpoint(&mut texts, "refresh_token", "refresh.headers", send_access_token);
        if endpoint.url.is_empty() {
            return Err(refused("refresh.url", "a URL"));
        }
        if endpoint.token_in == TokenIn::Cookie && endpoint.credentials == Credentials::Omit {
            return Err(refused(
                "refresh.credentials",
                "same-origin or include: omit would leave the cookie out",
            ));
        }
        if endpoint.token_in == TokenIn::Body && endpoint.format == Format::None {
            return Err(refused("refresh.format", "json or form: the refresh token goes into the body"));
        }
        Ok(endpoint)
    }

    /// `headers` names the list of headers; that of the parameters comes next.
    fn endpoint(
        &self,
        texts: &mut [Option<String>],
        body_field: &str,
        headers: &str,
        send_access_token: bool,
    ) -> Endpoint {
        let headers = LISTS.iter().position(|list| *list == headers).unwrap_or_default();
        Endpoint {
            format: [Format::Json, Format::Form, Format::None][choice(&ENDPOINT, texts, "format")],
            token_in: [TokenIn::Body, TokenIn::Bearer, TokenIn::Cookie][choice(&ENDPOINT, texts, "tokenIn")],
            credentials: [Credentials::Omit, Credentials::SameOrigin, Credentials::Include]
                [choice(&ENDPOINT, texts, "credentials")],
            url: take(&ENDPOINT, texts, "url").unwrap_or_default(),
            method: take(&ENDPOINT, texts, "method").unwrap_or_else(|| "POST".to_owned()),
            body_field: take(&ENDPOINT, texts, "bodyField").unwrap_or_else(|| body_field.to_owned()),
            client_id: take(&ENDPOINT, texts, "clientId"),
            csrf_header: take(&ENDPOINT, texts, "csrfHeader"),
            headers: self.list(headers),
            params: self.list(headers + 1),
            send_access_token,
        }
    }

    fn list(&self, list: usize) -> Vec<(String, String)> {
        let pairs = self.pairs.iter().filter(|(at, ..)| *at == list);
        pairs.map(|(_, name, value)| (name.clone(), value.clone())).collect()
    }

    fn value(&self, option: &str) -> u64 {
        NUMBERS.iter().position(|(name, _)| *name == option).map_or(0, |at| self.numbers[at])
    }

    fn millis(&self, option: &str) -> Millis {
        Millis(self.value(option))
    }
}

impl Config {
    /// Whether the refresh token is a cookie that this code never sees.
    pub fn refresh_in_cookie(&self) -> bool {
        matches!(&self.source, Source::Endpoint(endpoint) if endpoint.token_in == TokenIn::Cookie)
    }
}

fn fields_of(texts: &mut [Option<String>]) -> Fields {
    Fields {
        in_millis: choice(&FIELDS, texts, "expiresInUnit") == 1,
        access: take(&FIELDS, texts, "access"),
        refresh: take(&FIELDS, texts, "refresh"),
        expires_in: take(&FIELDS, texts, "expiresIn"),
        expires_at: take(&FIELDS, texts, "expiresAt"),
    }
}

fn position(table: &Texts, name: &str) -> Option<usize> {
    table.iter().position(|(known, _)| *known == name)
}

fn take(table: &Texts, texts: &mut [Option<String>], name: &str) -> Option<String> {
    position(table, name).and_then(|at| texts[at].take())
}

/// Which of its values an option has.
fn choice(table: &Texts, texts: &[Option<String>], name: &str) -> usize {
    let chosen = position(table, name).and_then(|at| {
        let value = texts[at].as_deref()?;
        table[at].1.iter().position(|choice| *choice == value)
    });
    chosen.unwrap_or_default()
}

fn unknown(option: &str) -> ConfigError {
    refused(option, "the name of an option")
}

fn refused(option: &str, expected: &str) -> ConfigError {
    ConfigError { option: option.to_owned(), expected: expected.to_owned() }
}

const DRAW: u64 = 120;
/// JavaScript's largest safe integer.
const MAX_NUMBER: f64 = 9_007_199_254_740_991.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn options(texts: &[(&str, &str)]) -> Options {
        let mut options = Options::default();
        for (option, value) in texts {
            options.text(option, (*value).to_owned()).unwrap();
        }
        options
    }

    #[test]
    fn a_bad_option_is_named() {
        let mut raw = Options::default();
        for value in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            assert_eq!(raw.number("lead", value).unwrap_err().option, "lead", "{value}");
        }
        assert_eq!(raw.number("leed", 1.0).unwrap_err().option, "leed");
        assert_eq!(raw.text("refresh.format", "xml".into()).unwrap_err().option, "refresh.format");
        assert_eq!(raw.text("refresh.colour", "red".into()).unwrap_err().option, "refresh.colour");
        assert_eq!(raw.text("fields.colour", "red".into()).unwrap_err().option, "fields.colour");
        assert_eq!(raw.pair("params", "a".into(), "b".into()).unwrap_err().option, "params");
    }

    #[test]
    fn zero_is_legal_where_it_can_mean_something() {
        let mut raw = Options::default();
        for option in ["lead", "margin", "checkInterval", "retries", "retryDelay", "retryCap", "maxWait"] {
            raw.number(option, 0.0).unwrap();
        }
        assert!(raw.clone().into_config().is_ok());
        raw.number("attemptTimeout", 0.0).unwrap();
        assert_eq!(raw.into_config().unwrap_err().option, "attemptTimeout");
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let endpoint = [("refresh.kind", "endpoint")];
        assert_eq!(options(&endpoint).into_config().unwrap_err().option, "refresh.url");
        let cookie = [("refresh.kind", "endpoint"), ("refresh.url", "/r"), ("refresh.tokenIn", "cookie")];
        assert_eq!(options(&cookie).into_config().unwrap_err().option, "refresh.credentials");
        let no_body = [("refresh.kind", "endpoint"), ("refresh.url", "/r"), ("refresh.format", "none")];
        assert_eq!(options(&no_body).into_config().unwrap_err().option, "refresh.format");
        let bare = [("revoke.url", "/r"), ("revoke.format", "none")];
        assert_eq!(options(&bare).into_config().unwrap_err().option, "revoke.format");
        assert_eq!(options(&[("name", "")]).into_config().unwrap_err().option, "name");
    }

    #[test]
    fn a_revocation_endpoint_has_its_own_defaults() {
        let config = options(&[("revoke.url", "/revoke"), ("revoke.format", "form")]).into_config().unwrap();
        assert_eq!(config.revoke.unwrap().body_field, "token");
    }

    #[test]
    fn a_session_in_a_cookie_is_revoked_by_its_cookie() {
        let texts = [
            ("refresh.kind", "endpoint"),
            ("refresh.url", "/refresh"),
            ("refresh.tokenIn", "cookie"),
            ("refresh.credentials", "same-origin"),
            ("revoke.url", "/logout"),
        ];
        let revoke = options(&texts).into_config().unwrap().revoke.unwrap();
        assert_eq!(revoke.token_in, TokenIn::Cookie);
        assert_eq!(revoke.credentials, Credentials::SameOrigin);
    }
}
