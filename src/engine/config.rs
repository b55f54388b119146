//! Options, checked once.

use alloc::borrow::ToOwned;
use alloc::string::String;

use super::endpoint::{Credentials, Endpoint, Format, TokenIn};
use super::response::Fields;
use super::time::Millis;

/// Options as they come from outside. Every setter checks its own value; [`Options::into_config`] checks how they
/// go together.
#[derive(Clone, Debug)]
pub struct Options {
    config: Config,
    kind: Kind,
    refresh: Endpoint,
    revoke: Endpoint,
}

/// Options that are valid together. Durations are in milliseconds.
#[derive(Clone, Debug)]
pub struct Config {
    /// Keys the store, the record and everything else that instances share.
    pub name: String,
    pub source: Source,
    pub revoke: Option<Endpoint>,
    pub fields: Fields,
    /// Overrides `fields` for what the app hands over at sign-in.
    pub login_fields: Fields,
    pub access_in_cookie: bool,
    pub persist: Persist,
    /// A cookie session resumes by itself after a reload.
    pub auto_resume: bool,
    /// How long before its end a token is refreshed, if that is at most 40 % of its life.
    pub lead: Millis,
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
}

/// Where new tokens come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The app's own function.
    Callback,
    Endpoint(Endpoint),
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Callback,
    Endpoint,
    Nowhere,
}

impl Default for Options {
    fn default() -> Self {
        let endpoint = Endpoint {
            method: "POST".to_owned(),
            body_field: "refresh_token".to_owned(),
            ..Endpoint::default()
        };
        Self {
            config: Config {
                name: "default".to_owned(),
                source: Source::Nowhere,
                revoke: None,
                fields: Fields::default(),
                login_fields: Fields::default(),
                access_in_cookie: false,
                persist: Persist::Both,
                auto_resume: true,
                lead: Millis::from_secs(300),
                margin: Millis::from_secs(30),
                check_interval: Millis::from_secs(120),
                attempt_timeout: Millis::from_secs(10),
                retries: 3,
                retry_delay: Millis::from_secs(1),
                retry_cap: Millis::from_secs(30),
                max_wait: Millis::from_secs(15),
            },
            kind: Kind::Nowhere,
            revoke: Endpoint { body_field: "token".to_owned(), ..endpoint.clone() },
            refresh: endpoint,
        }
    }
}

impl Options {
    /// Sets an option that is a number: a duration in milliseconds, a count, or 0 and 1 for a switch.
    pub fn number(&mut self, option: &str, value: f64) -> Result<(), ConfigError> {
        if !(0.0..=MAX_NUMBER).contains(&value) {
            return Err(refused(option, "a number from 0 to 9007199254740991"));
        }
        let config = &mut self.config;
        let millis = Millis(value as u64);
        match option {
            "attemptTimeout" => config.attempt_timeout = millis,
            "autoResume" => config.auto_resume = value != 0.0,
            "checkInterval" => config.check_interval = millis,
            "lead" => config.lead = millis,
            "margin" => config.margin = millis,
            "maxWait" => config.max_wait = millis,
            "refresh.sendAccessToken" => self.refresh.send_access_token = value != 0.0,
            "retries" => config.retries = value.min(f64::from(u32::MAX)) as u32,
            "retryCap" => config.retry_cap = millis,
            "retryDelay" => config.retry_delay = millis,
            "revoke.sendAccessToken" => self.revoke.send_access_token = value != 0.0,
            _ => return Err(refused(option, "the name of an option")),
        }
        Ok(())
    }

    /// Sets an option that is a text.
    pub fn text(&mut self, option: &str, value: String) -> Result<(), ConfigError> {
        let config = &mut self.config;
        match option {
            "accessIn" => config.access_in_cookie = choice(option, &value, &["header", "cookie"])? == 1,
            "name" => config.name = value,
            "persist" => {
                config.persist =
                    [Persist::Both, Persist::Refresh][choice(option, &value, &["both", "refresh"])?];
            }
            "refresh.kind" => {
                let kinds = [Kind::Endpoint, Kind::Callback, Kind::Nowhere];
                self.kind = kinds[choice(option, &value, &["endpoint", "callback", "none"])?];
            }
            _ => match option.split_once('.') {
                Some(("fields", field)) => return set_field(&mut config.fields, option, field, value),
                Some(("login", field)) => return set_field(&mut config.login_fields, option, field, value),
                Some(("refresh", part)) => return set_endpoint(&mut self.refresh, option, part, value),
                Some(("revoke", part)) => return set_endpoint(&mut self.revoke, option, part, value),
                _ => return Err(refused(option, "the name of an option")),
            },
        }
        Ok(())
    }

    /// Adds a name and a value to an option that is a list of them.
    pub fn pair(&mut self, option: &str, name: String, value: String) -> Result<(), ConfigError> {
        let list = match option {
            "refresh.headers" => &mut self.refresh.headers,
            "refresh.params" => &mut self.refresh.params,
            "revoke.headers" => &mut self.revoke.headers,
            "revoke.params" => &mut self.revoke.params,
            _ => return Err(refused(option, "the name of an option")),
        };
        list.push((name, value));
        Ok(())
    }

    /// Checks how the options go together.
    pub fn into_config(self) -> Result<Config, ConfigError> {
        let mut config = self.config;
        if config.name.is_empty() {
            return Err(refused("name", "a name that is not empty"));
        }
        if config.attempt_timeout == Millis::ZERO {
            return Err(refused("attemptTimeout", "more than 0: no answer could arrive in time"));
        }
        config.source = match self.kind {
            Kind::Callback => Source::Callback,
            Kind::Nowhere => Source::Nowhere,
            Kind::Endpoint if self.refresh.url.is_empty() => return Err(refused("refresh.url", "a URL")),
            Kind::Endpoint => Source::Endpoint(self.refresh),
        };
        if let Source::Endpoint(endpoint) = &config.source {
            if endpoint.token_in == TokenIn::Cookie && endpoint.credentials == Credentials::Omit {
                return Err(refused(
                    "refresh.credentials",
                    "same-origin or include: omit would leave the cookie out",
                ));
            }
            if endpoint.token_in == TokenIn::Body && endpoint.format == Format::None {
                return Err(refused("refresh.format", "json or form: the refresh token goes into the body"));
            }
        }
        config.login_fields.fill_from(&config.fields);
        config.revoke = (!self.revoke.url.is_empty()).then_some(self.revoke);
        Ok(config)
    }
}

impl Config {
    /// Whether the refresh token is a cookie that this code never sees.
    pub fn refresh_in_cookie(&self) -> bool {
        matches!(&self.source, Source::Endpoint(endpoint) if endpoint.token_in == TokenIn::Cookie)
    }
}

fn set_field(fields: &mut Fields, option: &str, field: &str, value: String) -> Result<(), ConfigError> {
    match field {
        "access" => fields.access = Some(value),
        "expiresAt" => fields.expires_at = Some(value),
        "expiresIn" => fields.expires_in = Some(value),
        "expiresInUnit" => fields.in_millis = choice(option, &value, &["s", "ms"])? == 1,
        "refresh" => fields.refresh = Some(value),
        _ => return Err(refused(option, "the name of an option")),
    }
    Ok(())
}

fn set_endpoint(endpoint: &mut Endpoint, option: &str, part: &str, value: String) -> Result<(), ConfigError> {
    match part {
        "bodyField" | "tokenField" => endpoint.body_field = value,
        "clientId" => endpoint.client_id = Some(value),
        "credentials" => {
            let all = [Credentials::Omit, Credentials::SameOrigin, Credentials::Include];
            endpoint.credentials = all[choice(option, &value, &["omit", "same-origin", "include"])?];
        }
        "csrfHeader" => endpoint.csrf_header = Some(value),
        "format" => {
            let all = [Format::Json, Format::Form, Format::None];
            endpoint.format = all[choice(option, &value, &["json", "form", "none"])?];
        }
        "method" => endpoint.method = value,
        "tokenIn" => {
            let all = [TokenIn::Body, TokenIn::Bearer, TokenIn::Cookie];
            endpoint.token_in = all[choice(option, &value, &["body", "bearer", "cookie"])?];
        }
        "url" => endpoint.url = value,
        _ => return Err(refused(option, "the name of an option")),
    }
    Ok(())
}

fn choice(option: &str, value: &str, names: &[&str]) -> Result<usize, ConfigError> {
    names
        .iter()
        .position(|name| *name == value)
        .ok_or_else(|| refused(option, "one of the documented values"))
}

fn refused(option: &str, expected: &'static str) -> ConfigError {
    ConfigError { option: option.to_owned(), expected }
}

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
        assert_eq!(options(&[("name", "")]).into_config().unwrap_err().option, "name");
    }

    #[test]
    fn a_revocation_endpoint_has_its_own_defaults() {
        let config = options(&[("revoke.url", "/revoke"), ("revoke.format", "form")]).into_config().unwrap();
        assert_eq!(config.revoke.unwrap().body_field, "token");
    }
}
