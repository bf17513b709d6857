//! To which domain passkeys belong, and whose pages may ask for them.

use url::{Host, Url};

/// A site whose passkeys are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The domain that keys are bound to for ever.
    pub rp_id: String,
    /// What people see on their devices.
    pub name: String,
    /// The origins whose pages may ask.
    pub origins: Vec<Url>,
    /// Whether the port of an origin does not matter, as in development.
    pub any_port: bool,
}

/// What stands against a site.
#[derive(Debug, thiserror::Error)]
#[error("passkeys are not possible here: {0}")]
pub struct InvalidSite(pub String);

impl Site {
    /// Derives the site from the addresses that people see; `None` where they have no domain name, since keys are bound
    /// to names alone. On loopback the name is `localhost`.
    pub fn at(site_url: &Url, public_url: &Url, name: &str) -> Option<Self> {
        let rp_id = domain(site_url)?;
        let is_local = rp_id == "localhost";
        let below = |url: &&Url| {
            domain(url).is_some_and(|domain| domain == rp_id || domain.ends_with(&format!(".{rp_id}")))
        };
        let mut origins: Vec<Url> = [site_url, public_url].into_iter().filter(below).map(origin).collect();
        if is_local {
            origins = vec![Url::parse("http://localhost").ok()?];
        }
        origins.dedup();
        Some(Self { rp_id, name: name.to_owned(), origins, any_port: is_local })
    }
}

fn origin(url: &Url) -> Url {
    let mut origin = url.clone();
    origin.set_path("/");
    origin.set_query(None);
    origin.set_fragment(None);
    origin
}

fn domain(url: &Url) -> Option<String> {
    match url.host()? {
        Host::Domain(name) => Some(name.to_owned()),
        Host::Ipv4(ip) if ip.is_loopback() => Some("localhost".to_owned()),
        Host::Ipv6(ip) if ip.is_loopback() => Some("localhost".to_owned()),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}
