//! Cookies: one place that decides their names and attributes.

#[cfg(test)]
mod tests;

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use quoin_kernel::Problem;

use crate::config::{Mode, WebConfig};

/// Builds `Set-Cookie`; without `max_age` the cookie lives until the browser closes.
///
/// Its name gets the prefix `__Host-` (RFC 6265bis: Secure, no Domain, Path=/), except in development over plain HTTP,
/// where browsers would drop such a cookie.
///
/// # Errors
/// 500 for a value that is no cookie octets; callers make values of Base64 or hexadecimal digits.
pub fn set(
    config: &WebConfig,
    name: &str,
    value: &str,
    max_age: Option<Duration>,
) -> Result<HeaderValue, Problem> {
    let secure = if is_plain(config) { "" } else { "; Secure" };
    let age = max_age.map(|age| format!("; Max-Age={}", age.as_secs())).unwrap_or_default();
    let name = full_name(config, name);
    let octet = |c: u8| c.is_ascii_graphic() && !matches!(c, b'"' | b',' | b';' | b'\\');
    if !value.bytes().all(octet) {
        return Err(Problem::internal("a cookie's value holds characters that cookies cannot"));
    }
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
    HeaderValue::from_str(&text).map_err(Problem::internal)
}

/// Builds the `Set-Cookie` that removes a cookie.
///
/// # Errors
/// As [`set`].
pub fn clear(config: &WebConfig, name: &str) -> Result<HeaderValue, Problem> {
    set(config, name, "", Some(Duration::ZERO))
}

/// Reads a cookie that [`set`] has set.
pub fn get<'a>(config: &WebConfig, headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let name = full_name(config, name);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

fn full_name(config: &WebConfig, name: &str) -> String {
    let prefix = if is_plain(config) { "quoin-" } else { "__Host-quoin-" };
    format!("{prefix}{name}")
}

fn is_plain(config: &WebConfig) -> bool {
    config.mode == Mode::Development && !config.is_https()
}
