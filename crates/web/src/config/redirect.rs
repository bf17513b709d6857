//! Where people may be sent after sign-in or checkout: compared after parsing, never as text.

use url::{Host, Url};

/// Lists the places people may be sent to.
///
/// An entry is an absolute URL. Scheme, host and port must be equal; the target's path must be the entry's or lie below
/// it. An entry whose path ends in `/*` allows exactly one more segment, `/**` any number.
#[derive(Debug, Clone, Default)]
pub struct RedirectAllowList(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    base: Url,
    depth: Depth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    OneSegment,
    Any,
}

/// A text that is no absolute URL with a host, or carries credentials.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no usable redirect URL: it needs a scheme and a host, and neither user name nor password")]
pub struct InvalidRedirect(String);

impl RedirectAllowList {
    /// Reads the configured entries.
    ///
    /// # Errors
    /// [`InvalidRedirect`] names the first entry that is no absolute URL.
    pub fn parse<T: AsRef<str>>(entries: &[T]) -> Result<Self, InvalidRedirect> {
        entries.iter().map(|entry| Entry::parse(entry.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Tells whether the target is on the list.
    pub fn allows(&self, target: &Url) -> bool {
        self.0.iter().any(|entry| entry.allows(target))
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, InvalidRedirect> {
        let (base, depth) = match (text.strip_suffix("/**"), text.strip_suffix("/*")) {
            (Some(base), _) => (base, Depth::Any),
            (None, Some(base)) => (base, Depth::OneSegment),
            (None, None) => (text, Depth::Any),
        };
        // A star elsewhere would be taken literally, and whoever wrote it means something else.
        if base.contains('*') {
            return Err(InvalidRedirect(text.to_owned()));
        }
        Ok(Self { base: parse(base)?, depth })
    }

    fn allows(&self, target: &Url) -> bool {
        let base = self.base.path().trim_end_matches('/');
        let Some(rest) = target.path().strip_prefix(base) else {
            return false;
        };
        let below = match self.depth {
            Depth::Any => rest.is_empty() || rest.starts_with('/'),
            Depth::OneSegment => {
                rest.strip_prefix('/').is_some_and(|one| !one.is_empty() && !one.contains('/'))
            }
        };
        below && same_place(&self.base, target)
    }
}

/// Parses a target and refuses what browsers and this program might read differently.
pub(super) fn parse(text: &str) -> Result<Url, InvalidRedirect> {
    let refused = || InvalidRedirect(text.chars().take(200).collect());
    if text.chars().any(|c| c.is_control() || c == '\\' || c.is_whitespace()) {
        return Err(refused());
    }
    let url = Url::parse(text).map_err(|_| refused())?;
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    let script = matches!(url.scheme(), "javascript" | "data" | "vbscript" | "blob" | "file");
    if !has_host || script || !url.username().is_empty() || url.password().is_some() {
        return Err(refused());
    }
    Ok(url)
}

/// Tells whether scheme, host and port are equal.
pub(super) fn same_place(left: &Url, right: &Url) -> bool {
    left.scheme() == right.scheme()
        && left.host() == right.host()
        && left.port_or_known_default() == right.port_or_known_default()
}

/// Tells whether the URL names this machine over HTTP.
pub(super) fn is_loopback(url: &Url) -> bool {
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    local && matches!(url.scheme(), "http" | "https")
}
