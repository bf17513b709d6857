//! The configuration of the HTTP side: addresses that people see, limits, and who may call from where.

mod redirect;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::HeaderMap;
use quoin_kernel::Language;
use url::Url;

pub use redirect::{InvalidRedirect, RedirectAllowList};

use crate::outbound::OutboundConfig;

/// Says whether this instance serves a developer or the public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On loopback only: mailbox, twins and redirects to loopback are allowed.
    Development,
    /// Everything that is unsafe in public is refused.
    Production,
}

/// Configures the HTTP side.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// Development or production.
    pub mode: Mode,
    /// The base of every link that Quoin sends.
    pub public_url: Url,
    /// Where people land by default.
    pub site_url: Url,
    /// The language of people who have not said which one they read.
    pub language: Language,
    /// Where people may be sent besides `site_url`.
    pub redirects: RedirectAllowList,
    /// How many proxies in front may be believed about the client's address.
    pub trusted_proxies: usize,
    /// The origins whose pages may call; empty means every origin, always without credentials.
    pub cors_origins: Vec<String>,
    /// Whether browsers are told that the hosts below this one are reached over TLS too.
    pub hsts_include_subdomains: bool,
    /// How many requests may be in work at a time before new ones get 503.
    pub max_in_flight: usize,
    /// How many bytes of bodies all requests in work may hold together before new ones get 503.
    pub max_body_memory_bytes: usize,
    /// How long a request's body may pause; it must also come at 1 KiB/s once twice this time is over.
    pub body_pause: Duration,
    /// How many recent calls each node remembers.
    pub recent_calls: usize,
    /// What requests to other servers may do.
    pub outbound: OutboundConfig,
}

/// The size that a request's body has at most, in bytes, unless its operation says otherwise.
pub const DEFAULT_BODY_LIMIT_BYTES: usize = 1024 * 1024;
/// The time that an operation takes at most, unless it says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The page at which browsers come back to Quoin's own pages from a provider.
pub const PROVIDER_RETURN: &str = "/sign-in/return";

impl WebConfig {
    /// Starts with defaults: development on loopback, nobody else trusted.
    pub fn at(public_url: Url, mode: Mode) -> Self {
        Self {
            mode,
            site_url: public_url.clone(),
            public_url,
            language: Language::default(),
            redirects: RedirectAllowList::default(),
            trusted_proxies: 0,
            cors_origins: Vec::new(),
            hsts_include_subdomains: false,
            max_in_flight: 4096,
            max_body_memory_bytes: 256 * 1024 * 1024,
            body_pause: Duration::from_secs(10),
            recent_calls: 4096,
            outbound: OutboundConfig::default(),
        }
    }

    /// Returns the target where it is the site's, on the list, or on loopback in development; always as parsed.
    pub fn allowed_redirect(&self, target: &str) -> Option<Url> {
        let target = redirect::parse(target).ok()?;
        let on_loopback = self.mode == Mode::Development && redirect::is_loopback(&target);
        let is_own_page = redirect::same_place(&self.public_url, &target)
            && target.path() == self.link(PROVIDER_RETURN).path();
        let allowed = on_loopback
            || is_own_page
            || redirect::same_place(&self.site_url, &target)
            || self.redirects.allows(&target);
        allowed.then_some(target)
    }

    /// Returns the wished target where it is allowed, else the site's URL.
    pub fn redirect_or_site(&self, target: Option<&str>) -> Url {
        target.and_then(|target| self.allowed_redirect(target)).unwrap_or_else(|| self.site_url.clone())
    }

    /// Builds a link below the public URL; `path` begins with a slash.
    pub fn link(&self, path: &str) -> Url {
        let mut url = self.public_url.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let base = self.public_url.path().trim_end_matches('/');
        url.set_path(&format!("{base}{path}"));
        url.set_query(query);
        url.set_fragment(None);
        url
    }

    /// Tells whether people reach this instance over TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Returns the client's address: the socket's, or what the trusted proxies appended to `X-Forwarded-For`.
    pub fn client_ip(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded =
            headers.get_all("x-forwarded-for").iter().rev().filter_map(|value| value.to_str().ok());
        let mut from_the_right = forwarded.flat_map(|value| value.rsplit(','));
        let believed = self.trusted_proxies.checked_sub(1).and_then(|skipped| from_the_right.nth(skipped));
        believed.and_then(|text| text.trim().parse().ok()).unwrap_or(peer.ip()).to_canonical()
    }
}
