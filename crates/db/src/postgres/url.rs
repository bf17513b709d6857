//! Reads the connection URL: what the driver understands, and the two settings of TLS that it does not.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::error::refused;
use crate::error::DbError;

/// How far the server's certificate is checked: the meaning of `sslmode` in libpq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    /// `disable`, `prefer`, or `require` without a root certificate: not at all.
    Nothing,
    /// `verify-ca`, or `require` with a root certificate: it was issued by a trusted authority.
    Authority,
    /// `verify-full`: and it names the host.
    AuthorityAndHost,
}

/// A connection URL, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// What the driver needs.
    pub(super) config: Config,
    /// How far certificates are checked.
    pub(super) verify: Verify,
    /// `sslrootcert`: a PEM file; `None` means the system's authorities.
    pub(super) root_certificate: Option<PathBuf>,
}

/// How long a TCP connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

impl Target {
    /// Parses `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…`.
    ///
    /// # Errors
    /// [`DbError::Refused`] with code 08001 where the URL cannot be understood. The message does not repeat it.
    pub(super) fn parse(url: &str) -> Result<Self, DbError> {
        let (plain, ssl) = take_ssl_settings(url);
        let mut config: Config =
            plain.parse().map_err(|error: tokio_postgres::Error| invalid(&error.to_string()))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(invalid("it names no host"));
        }
        let root_certificate = ssl.root_certificate.filter(|path| path != "system").map(PathBuf::from);
        let (mode, verify) = match ssl.mode.as_deref() {
            Some("disable") => (SslMode::Disable, Verify::Nothing),
            None | Some("prefer" | "allow") => (SslMode::Prefer, Verify::Nothing),
            Some("require") if root_certificate.is_some() => (SslMode::Require, Verify::Authority),
            Some("require") => (SslMode::Require, Verify::Nothing),
            Some("verify-ca") => (SslMode::Require, Verify::Authority),
            Some("verify-full") => (SslMode::Require, Verify::AuthorityAndHost),
            Some(_) => {
                return Err(invalid("sslmode is none of disable, prefer, require, verify-ca, verify-full"));
            }
        };
        // A socket file is private to the machine; the server speaks no TLS on it.
        let only_sockets = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        config.ssl_mode(if only_sockets && config.get_hostaddrs().is_empty() {
            SslMode::Disable
        } else {
            mode
        });
        config.connect_timeout(CONNECT_TIMEOUT);
        config.keepalives_idle(Duration::from_secs(30));
        if config.get_application_name().is_none() {
            config.application_name("quoin");
        }
        Ok(Self { config, verify, root_certificate })
    }
}

#[derive(Default)]
struct SslSettings {
    mode: Option<String>,
    root_certificate: Option<String>,
}

/// Takes `sslmode` and `sslrootcert` out of the query, because the driver refuses values and keys it does not know.
fn take_ssl_settings(url: &str) -> (String, SslSettings) {
    let mut settings = SslSettings::default();
    let Some((address, query)) = url.split_once('?') else {
        return (url.to_owned(), settings);
    };
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", value)) => settings.mode = Some(decode(value)),
            Some(("sslrootcert", value)) => settings.root_certificate = Some(decode(value)),
            _ => kept.push(pair),
        }
    }
    let separator = if kept.is_empty() { "" } else { "?" };
    (format!("{address}{separator}{}", kept.join("&")), settings)
}

/// Undoes percent-encoding; a plus sign stays one, as in libpq.
fn decode(value: &str) -> String {
    let as_form = value.replace('+', "%2B");
    form_urlencoded::parse(as_form.as_bytes()).map(|(key, _)| key.into_owned()).collect()
}

fn invalid(reason: &str) -> DbError {
    refused("08001", format!("the connection URL of PostgreSQL is not valid: {reason}"))
}
