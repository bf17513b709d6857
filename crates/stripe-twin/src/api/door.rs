//! Who may call: holders of a test key, and no page of another site.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use url::{Host, Url};

use crate::error::StripeError;

/// Refuses pages of other sites and names that are not this machine's.
///
/// Every test key opens the twin, so a page in the developer's browser could call it, or have its own name resolved to
/// loopback. Stripe's clients send no `Origin`.
///
/// # Errors
/// 403.
pub(crate) fn check_site(headers: &HeaderMap, public_url: &Url) -> Result<(), StripeError> {
    // Every browser names the host it asks; where nobody does, no page is calling.
    let Some(host) = headers.get(header::HOST) else { return Ok(()) };
    let host = host.to_str().unwrap_or_default();
    let own =
        [public_url.origin().ascii_serialization(), format!("http://{host}"), format!("https://{host}")];
    let foreign_origin = headers
        .get(header::ORIGIN)
        .is_some_and(|origin| !own.iter().any(|own| own.as_bytes() == origin.as_bytes()));
    let foreign_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
        && headers.get("sec-fetch-mode").is_none_or(|mode| mode != "navigate");
    if foreign_origin || foreign_site {
        return Err(StripeError::forbidden("The twin of Stripe does not answer pages of other sites."));
    }
    if is_ours(host, public_url) {
        return Ok(());
    }
    Err(StripeError::forbidden("The twin of Stripe answers under names of this machine only."))
}

fn is_ours(host: &str, public_url: &Url) -> bool {
    let Ok(asked) = Url::parse(&format!("http://{host}")) else { return false };
    let loopback = match asked.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    loopback || asked.host() == public_url.host()
}

/// Demands a test key, as Bearer or as the name of Basic.
///
/// # Errors
/// 401.
pub(crate) fn check_key(headers: &HeaderMap) -> Result<(), StripeError> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Some(key.trim().to_owned()),
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => basic(pair.trim()),
        _ => None,
    };
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        return Err(StripeError::unauthenticated(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using \
             Bearer auth (e.g. 'Authorization: Bearer sk_test_…').",
        ));
    };
    if key.starts_with("sk_live_") || key.starts_with("rk_live_") {
        return Err(StripeError::unauthenticated(
            "This is a twin of Stripe for tests: never send it a live key. Roll that key if it left your machine.",
        ));
    }
    let secret = ["sk_test_", "rk_test_"].iter().find_map(|prefix| key.strip_prefix(prefix));
    if secret
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_'))
    {
        return Ok(());
    }
    let shown: String = key.chars().take(8).collect();
    Err(StripeError::unauthenticated(format!("Invalid API Key provided: {shown}****")))
}

fn basic(pair: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(pair).ok()?).ok()?;
    decoded.split_once(':').map(|(name, _)| name.to_owned())
}

/// Demands the pinned version, or no version.
///
/// # Errors
/// 400 for a version whose shapes differ.
pub(crate) fn check_version(headers: &HeaderMap) -> Result<(), StripeError> {
    let Some(version) = headers.get("stripe-version").and_then(|version| version.to_str().ok()) else {
        return Ok(());
    };
    let pinned = super::API_VERSION;
    let major = |version: &str| version.split_once('.').map(|(_, name)| name.to_owned());
    if version == pinned || major(version) == major(pinned) {
        return Ok(());
    }
    Err(StripeError::invalid(format!(
        "This twin of Stripe speaks version {pinned} only, and you asked for {version}: its objects have other shapes."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| ((*name).parse().expect("a name"), value.parse().expect("a value")))
            .collect()
    }

    #[test]
    fn pages_of_other_sites_and_foreign_names_are_refused() {
        let own: Url = "http://127.0.0.1:8080".parse().expect("a URL");
        for host in ["127.0.0.1:8080", "localhost:9", "[::1]:8080", "app.localhost"] {
            assert!(check_site(&headers(&[("host", host)]), &own).is_ok(), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "", "192.168.1.4:8080"] {
            assert!(check_site(&headers(&[("host", host)]), &own).is_err(), "{host}");
        }
        let with = |name, value| check_site(&headers(&[("host", "localhost"), (name, value)]), &own);
        assert!(with("origin", "https://evil.example").is_err());
        assert!(with("origin", "null").is_err());
        assert!(with("sec-fetch-site", "cross-site").is_err());
        assert!(with("origin", "http://127.0.0.1:8080").is_ok());
    }

    #[test]
    fn test_keys_come_in_as_bearer_or_basic_and_live_keys_never() {
        let with = |value: &str| check_key(&headers(&[("authorization", value)]));
        assert!(with("Bearer sk_test_abc").is_ok());
        assert!(with(&format!("Basic {}", STANDARD.encode("sk_test_abc:"))).is_ok());
        for bad in [
            "",
            "Bearer",
            "Bearer sk_live_abc",
            "Bearer pk_test_abc",
            "Bearer sk_test_",
            "Bearer sk_test_a b",
        ] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }
}
