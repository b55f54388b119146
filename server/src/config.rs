//! What the command line may say, and the checked settings made from it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use clap::{Parser, ValueEnum};

use crate::clock::LONGEST_SECONDS;

/// The command line as typed; [`Config`] is what it means.
#[derive(Debug, Clone, Parser)]
#[command(name = "evertoken-server", version, about = "Reference auth server of evertoken")]
pub struct Args {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Port to listen on, or a free one when it is taken.
    #[arg(long, value_name = "PORT", conflicts_with = "port")]
    pub port_or_free: Option<u16>,
    /// SQLite file, made when missing; `:memory:` forgets everything at exit.
    #[arg(long, value_name = "PATH", default_value = ":memory:")]
    pub database: String,
    /// Life of an access token (`500ms`, `30s`, `15m`, `12h`, `30d`).
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = parse_duration)]
    pub access_ttl: Duration,
    /// Life of a refresh token; each rotation starts it again.
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = parse_duration)]
    pub refresh_ttl: Duration,
    /// How long a repeated refresh gets the same successor again instead of ending the session; 0 is strict.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub grace: Duration,
    /// Signature of the access tokens.
    #[arg(long, value_enum, default_value_t = Algorithm::Eddsa)]
    pub alg: Algorithm,
    /// Directory to serve as a website beside the API.
    #[arg(long = "static", value_name = "DIR")]
    pub static_dir: Option<PathBuf>,
    /// Sends no Content-Security-Policy with the pages of `--static`.
    #[arg(long)]
    pub no_csp: bool,
    /// Origin whose pages may call this server with credentials; repeatable.
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    /// Account to have at start, its password set anew; repeatable. Visible in the process list: for tests.
    #[arg(long, value_name = "EMAIL:PASSWORD")]
    pub seed_user: Vec<String>,
    /// Opens the control API for tests under /faults and /ledger; loopback only.
    #[arg(long)]
    pub faults: bool,
    /// Exits when this process is gone.
    #[arg(long, value_name = "PID")]
    pub parent_pid: Option<u32>,
}

/// How access tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037), the default.
    Eddsa,
    /// HMAC with SHA-256 (RFC 7518 §3.2).
    Hs256,
}

impl Algorithm {
    /// The `alg` of a JWT header.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Eddsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }
}

/// Checked settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) host: IpAddr,
    pub(crate) port: Port,
    pub(crate) database: String,
    pub(crate) access_ttl: Duration,
    pub(crate) refresh_ttl: Duration,
    pub(crate) grace: Duration,
    pub(crate) algorithm: Algorithm,
    pub(crate) website: Option<Website>,
    pub(crate) allowed_origins: Vec<HeaderValue>,
    pub(crate) seed_users: Vec<SeedUser>,
    pub(crate) faults: bool,
    /// Process whose end ends the server; read by the binary.
    pub parent_pid: Option<u32>,
}

/// Which port to take.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Port {
    /// This one or none; 0 means any free one.
    Exactly(u16),
    /// This one, or any free one when it is taken.
    Preferably(u16),
}

/// A directory served beside the API.
#[derive(Debug, Clone)]
pub(crate) struct Website {
    pub(crate) dir: PathBuf,
    /// Whether pages carry the Content-Security-Policy.
    pub(crate) csp: bool,
}

/// An account made at start.
#[derive(Clone)]
pub(crate) struct SeedUser {
    pub(crate) email: String,
    pub(crate) password: String,
}

impl std::fmt::Debug for SeedUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeedUser").field("email", &self.email).finish_non_exhaustive()
    }
}

/// A setting that cannot be obeyed; the text names it and says what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        if args.faults && !args.host.is_loopback() {
            return Err(ConfigError(format!(
                "--faults opens an unauthenticated control API: expected a loopback --host, not {}",
                args.host
            )));
        }
        let website = args.static_dir.map(|dir| website(dir, !args.no_csp)).transpose()?;
        Ok(Self {
            host: args.host,
            port: args.port_or_free.map_or(Port::Exactly(args.port), Port::Preferably),
            database: args.database,
            access_ttl: args.access_ttl,
            refresh_ttl: args.refresh_ttl,
            grace: args.grace,
            algorithm: args.alg,
            website,
            allowed_origins: args.allow_origin.iter().map(|text| origin(text)).collect::<Result<_, _>>()?,
            seed_users: args.seed_user.iter().map(|text| seed_user(text)).collect::<Result<_, _>>()?,
            faults: args.faults,
            parent_pid: args.parent_pid,
        })
    }
}

fn website(dir: PathBuf, csp: bool) -> Result<Website, ConfigError> {
    if dir.is_dir() {
        Ok(Website { dir, csp })
    } else {
        Err(ConfigError(format!("--static: expected a directory, found none at {}", dir.display())))
    }
}

/// An origin as browsers write it (RFC 6454 §6.1): compared byte by byte, so a slash at its end would never match.
fn origin(text: &str) -> Result<HeaderValue, ConfigError> {
    let authority = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let plain = authority.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#', '*', '@']));
    match HeaderValue::from_str(text) {
        Ok(value) if plain => Ok(value),
        _ => Err(ConfigError(format!("--allow-origin: expected scheme://host[:port], not {text:?}"))),
    }
}

fn seed_user(text: &str) -> Result<SeedUser, ConfigError> {
    match text.split_once(':') {
        Some((email, password)) if !email.is_empty() && !password.is_empty() => {
            Ok(SeedUser { email: email.to_lowercase(), password: password.to_owned() })
        }
        _ => Err(ConfigError("--seed-user: expected EMAIL:PASSWORD".to_owned())),
    }
}

/// Reads `500ms`, `30s`, `15m`, `12h`, `30d`; fractions are allowed, a missing unit is not.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds_per_unit = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err("expected a number with the unit ms, s, m, h or d".to_owned()),
    };
    let seconds = number.parse::<f64>().map_err(|_| "expected a number before the unit".to_owned())?;
    let seconds = seconds * seconds_per_unit;
    if !(0.0..=LONGEST_SECONDS).contains(&seconds) {
        return Err("expected a duration of 0 to 100 years".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &[&str]) -> Result<Config, ConfigError> {
        let args = Args::try_parse_from([&["evertoken-server"], args].concat())
            .map_err(|error| ConfigError(error.to_string()))?;
        Config::try_from(args)
    }

    #[test]
    fn durations_need_a_unit_and_may_be_zero_or_fractional() {
        assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("0s"), Ok(Duration::ZERO));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("30d"), Ok(Duration::from_secs(2_592_000)));
        for wrong in ["", "5", "s", "-1s", "1w", "1e300d", "nans", "1 s"] {
            assert!(parse_duration(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn faults_need_a_loopback_host() {
        let refusal = config(&["--faults", "--host", "0.0.0.0"]).expect_err("must refuse").to_string();
        assert_eq!(
            refusal,
            "--faults opens an unauthenticated control API: expected a loopback --host, not 0.0.0.0"
        );
        assert!(config(&["--faults", "--host", "::1"]).is_ok());
        assert!(config(&["--host", "0.0.0.0"]).is_ok());
    }

    #[test]
    fn origins_that_could_never_match_are_refused() {
        assert!(config(&["--allow-origin", "http://localhost:5173"]).is_ok());
        for wrong in ["http://localhost:5173/", "localhost", "*", "http://", "https://*.example"] {
            assert!(config(&["--allow-origin", wrong]).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn a_seed_user_never_shows_its_password() {
        let config = config(&["--seed-user", "Ann@example.com:correct:horse"]).expect("valid");
        assert_eq!(config.seed_users[0].email, "ann@example.com");
        assert_eq!(config.seed_users[0].password, "correct:horse");
        assert!(!format!("{config:?}").contains("correct"));
    }
}
