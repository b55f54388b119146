//! Options, checked once.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::endpoint::{Credentials, Endpoint, Format, TokenIn};
use super::json::{self, Text, Value};
use super::metrics::Trail;
use super::response::Fields;
use super::time::Millis;
use super::words::words;
use super::{decimal, encode};

/// Options as they come from outside: names and values. Each setter checks its own, and [`Options::into_config`] how
/// they go together.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Members of lists stand behind the name of their list and a dot.
    given: Vec<(String, String)>,
    /// The first that cannot be used. To return from everywhere would be a third of the code.
    wrong: Option<ConfigError>,
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
    /// No option: what is broken on purpose.
    #[cfg(feature = "broken")]
    pub flaw: Option<super::broken::Flaw>,
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
    pub expected: &'static str,
}

/// Options with a choice of values, without `fields.`, `login.`, `refresh.` or `revoke.`; the first value is the default.
const CHOICES: [&str; 8] = [
    "accessIn header cookie",
    "credentials omit same-origin include",
    "expiresInUnit s ms",
    "format json form none",
    "kind none endpoint callback",
    "persist both refresh",
    "tokenIn body bearer cookie",
    "whenIdle keep lapse",
];

impl Options {
    /// Reads a JSON object whose members are options, numbers and texts. What is wrong with it shows later.
    pub fn read(json: &str) -> Self {
        let mut options = Self::default();
        let Some(object) = json::parse_object(json) else {
            options.require(false, "options", "a JSON object");
            return options;
        };
        for (name, value) in object.members() {
            let option = name.decode();
            match json::value_of(value) {
                // Digits have no escapes.
                Value::Number(text) | Value::String(Text(text)) => options.put(option, Text(text).decode()),
                _ => options.require(false, &option, "a number or a text"),
            }
        }
        options
    }

    /// Sets an option that is a number: a duration in milliseconds, a count, or 0 and 1 for a switch.
    pub fn number(&mut self, option: &str, value: f64) -> Result<(), ConfigError> {
        if !(0.0..=MAX_NUMBER).contains(&value) {
            return Err(ConfigError { option: option.to_owned(), expected: NUMBER });
        }
        let mut digits = String::new();
        encode::integer(&mut digits, value as i64);
        self.text(option, digits)
    }

    /// Sets an option that is a text.
    pub fn text(&mut self, option: &str, value: String) -> Result<(), ConfigError> {
        self.put(option.to_owned(), value);
        self.wrong.take().map_or(Ok(()), Err)
    }

    /// Checks how the options go together.
    pub fn into_config(mut self) -> Result<Config, ConfigError> {
        let name = self.take("", "name").unwrap_or_else(|| "default".to_owned());
        self.require(!name.is_empty(), "name", "a name that is not empty");
        let attempt_timeout = self.millis("attemptTimeout", 10_000);
        self.require(attempt_timeout.0 > 0, "attemptTimeout", "more than 0: no answer could arrive in time");
        let refresh = self.endpoint("refresh.", "bodyField", "refresh_token");
        let mut revoke = self.endpoint("revoke.", "tokenField", "token");
        let source = match self.choice("refresh.", "kind") {
            0 => Source::Nowhere,
            1 => {
                self.check(&refresh);
                Source::Endpoint(refresh.into())
            }
            _ => Source::Callback,
        };
        if let Source::Endpoint(refresh) = &source
            && refresh.token_in == TokenIn::Cookie
        {
            // The cookie is all there is to name the session by.
            revoke.token_in = TokenIn::Cookie;
            revoke.credentials = refresh.credentials;
            revoke.csrf_header.clone_from(&refresh.csrf_header);
        } else {
            let has_body = revoke.format != Format::None;
            self.require(has_body, "revoke.format", "json or form: the token goes into the body");
        }
        let fields = self.fields("fields.");
        let mut login_fields = self.fields("login.");
        login_fields.fill_from(&fields);
        let idle_after = self.millis("idleAfter", 1_800_000);
        let config = Config {
            name,
            source,
            revoke: (!revoke.url.is_empty()).then(|| revoke.into()),
            fields,
            login_fields,
            access_in_cookie: self.choice("", "accessIn") == 1,
            persist: if self.choice("", "persist") == 1 { Persist::Refresh } else { Persist::Both },
            auto_resume: self.count("", "autoResume", 1) != 0,
            lead: self.millis("lead", 300_000),
            margin: self.millis("margin", 30_000),
            check_interval: self.millis("checkInterval", 120_000),
            attempt_timeout,
            retries: u32::try_from(self.count("", "retries", 3)).unwrap_or(u32::MAX),
            retry_delay: self.millis("retryDelay", 1_000),
            retry_cap: self.millis("retryCap", 30_000),
            max_wait: self.millis("maxWait", 15_000),
            idle_after: (self.choice("", "whenIdle") == 1).then_some(idle_after),
            shared: self.count("", "shared", 0) != 0,
            lock: self.count("", "lock", 0) != 0,
            apart: self.count("", "apart", 0) != 0,
            draw: DRAW,
            trail: Trail::LENGTH,
            #[cfg(feature = "broken")]
            flaw: None,
        };
        if let Some((option, _)) = self.given.pop() {
            self.require(false, &option, "the name of an option");
        }
        self.wrong.map_or(Ok(config), Err)
    }

    fn put(&mut self, option: String, value: String) {
        let scope = option.bytes().position(|byte| byte == b'.').map_or(0, |dot| dot + 1);
        let chosen = chosen(&option[scope..], &value);
        self.require(chosen != Some(None), &option, "one of its values");
        self.take("", &option);
        self.given.push((option, value));
    }

    #[inline(never)]
    fn require(&mut self, good: bool, option: &str, expected: &'static str) {
        if !good && self.wrong.is_none() {
            self.wrong = Some(ConfigError { option: option.to_owned(), expected });
        }
    }

    /// Whether a refresh token can get to the endpoint.
    fn check(&mut self, refresh: &Endpoint) {
        self.require(!refresh.url.is_empty(), "refresh.url", "a URL");
        let sent = refresh.token_in != TokenIn::Cookie || refresh.credentials != Credentials::Omit;
        self.require(sent, "refresh.credentials", "same-origin or include: omit would leave the cookie out");
        let has_body = refresh.token_in != TokenIn::Body || refresh.format != Format::None;
        self.require(has_body, "refresh.format", "json or form: the refresh token goes into the body");
    }

    /// `body_field` is what the option for the token's name is called.
    fn endpoint(&mut self, scope: &str, body_field: &str, default: &str) -> Endpoint {
        Endpoint {
            format: [Format::Json, Format::Form, Format::None][self.choice(scope, "format")],
            token_in: [TokenIn::Body, TokenIn::Bearer, TokenIn::Cookie][self.choice(scope, "tokenIn")],
            credentials: [Credentials::Omit, Credentials::SameOrigin, Credentials::Include]
                [self.choice(scope, "credentials")],
            url: self.take(scope, "url").unwrap_or_default(),
            method: self.take(scope, "method").unwrap_or_else(|| "POST".to_owned()),
            body_field: self.take(scope, body_field).unwrap_or_else(|| default.to_owned()),
            client_id: self.take(scope, "clientId"),
            csrf_header: self.take(scope, "csrfHeader"),
            headers: self.list(scope, "headers."),
            params: self.list(scope, "params."),
            send_access_token: self.count(scope, "sendAccessToken", 0) != 0,
        }
    }

    fn fields(&mut self, scope: &str) -> Fields {
        Fields {
            in_millis: self.choice(scope, "expiresInUnit") == 1,
            access: self.take(scope, "access"),
            refresh: self.take(scope, "refresh"),
            expires_in: self.take(scope, "expiresIn"),
            expires_at: self.take(scope, "expiresAt"),
        }
    }

    /// Which of its values an option has.
    fn choice(&mut self, scope: &str, key: &str) -> usize {
        self.take(scope, key).and_then(|value| chosen(key, &value)?).unwrap_or_default()
    }

    fn count(&mut self, scope: &str, key: &str, default: u64) -> u64 {
        let Some(digits) = self.take(scope, key) else {
            return default;
        };
        let number = decimal::integer(digits.as_bytes()).unwrap_or(-1);
        self.require(number >= 0, &(scope.to_owned() + key), NUMBER);
        number.unsigned_abs()
    }

    fn millis(&mut self, option: &str, default: u64) -> Millis {
        Millis(self.count("", option, default))
    }

    fn list(&mut self, scope: &str, key: &str) -> Vec<(String, String)> {
        let prefix = scope.to_owned() + key;
        let mut list = Vec::new();
        while let Some(at) = self.given.iter().position(|(option, _)| option.starts_with(&prefix)) {
            let (option, value) = self.given.remove(at);
            list.push((option[prefix.len()..].to_owned(), value));
        }
        list
    }

    fn take(&mut self, scope: &str, key: &str) -> Option<String> {
        let at = self.given.iter().position(|(option, _)| option.strip_prefix(scope) == Some(key))?;
        Some(self.given.remove(at).1)
    }
}

impl Config {
    /// Whether the refresh token is a cookie that this code never sees.
    pub fn refresh_in_cookie(&self) -> bool {
        matches!(&self.source, Source::Endpoint(endpoint) if endpoint.token_in == TokenIn::Cookie)
    }
}

/// Which of its values the option `key` has, if it has a choice of them; `Some(None)`: another than those.
fn chosen(key: &str, value: &str) -> Option<Option<usize>> {
    CHOICES.iter().find_map(|choices| {
        let mut words = words(choices, b' ');
        (words.next() == Some(key.as_bytes())).then(|| words.position(|word| word == value.as_bytes()))
    })
}

const DRAW: u64 = 120;
const NUMBER: &str = "a whole number from 0 to 9007199254740991";
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

    fn refusal(options: Options) -> String {
        options.into_config().unwrap_err().option
    }

    #[test]
    fn a_bad_option_is_named() {
        let mut raw = Options::default();
        for value in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            assert_eq!(raw.number("lead", value).unwrap_err().option, "lead", "{value}");
        }
        raw.number("leed", 1.0).unwrap();
        assert_eq!(refusal(raw), "leed");
        assert_eq!(
            Options::default().text("refresh.format", "xml".into()).unwrap_err().option,
            "refresh.format"
        );
        for (option, value) in
            [("refresh.colour", "red"), ("fields.colour", "red"), ("params.a", "b"), ("lead", "-1")]
        {
            assert_eq!(refusal(options(&[(option, value)])), option);
        }
    }

    #[test]
    fn fields_of_refreshes_and_of_sign_ins_have_names_of_their_own() {
        let names = [
            ("fields.access", "a"),
            ("fields.refresh", "r"),
            ("fields.expiresIn", "i"),
            ("fields.expiresAt", "at"),
            ("fields.expiresInUnit", "ms"),
            ("login.access", "la"),
        ];
        let config = options(&names).into_config().unwrap();
        let Fields { in_millis, access, refresh, expires_in, expires_at } = config.fields;
        let read = [access, refresh, expires_in, expires_at].map(Option::unwrap_or_default);
        assert_eq!((read, in_millis), (["a", "r", "i", "at"].map(Into::into), true));
        assert_eq!(config.login_fields.access.as_deref(), Some("la"));
        assert_eq!(config.login_fields.refresh.as_deref(), Some("r"), "what is not named is as in refreshes");
    }

    #[test]
    fn options_are_read_from_json() {
        let json = r#"{"name":"a\u0062","retries":5,"lead":1500,"lead":2500,"refresh.kind":"endpoint","refresh.url":"/r",
            "refresh.headers.format":"xml","refresh.headers.a.b":"c","refresh.sendAccessToken":1}"#;
        let config = Options::read(json).into_config().unwrap();
        assert_eq!((config.name.as_str(), config.retries, config.lead), ("ab", 5, Millis(2_500)));
        let Source::Endpoint(endpoint) = config.source else { panic!("{:?}", config.source) };
        let headers = [("format", "xml"), ("a.b", "c")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(endpoint.headers, headers);
        assert!(endpoint.send_access_token);
        for (json, option) in [
            ("[]", "options"),
            (r#"{"lead":null}"#, "lead"),
            (r#"{"lead":1.5}"#, "lead"),
            (r#"{"revoke.sendAccessToken":-1}"#, "revoke.sendAccessToken"),
            (r#"{"persist":"none"}"#, "persist"),
        ] {
            assert_eq!(refusal(Options::read(json)), option, "{json}");
        }
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
