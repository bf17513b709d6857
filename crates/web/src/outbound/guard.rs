//! Which addresses may be reached: public ones, and networks that the configuration names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::OutboundError;

/// Refuses addresses before a connection is made, and after a name is resolved.
#[derive(Debug)]
pub(super) struct Guard {
    allowed: Vec<IpNet>,
}

impl Guard {
    pub(super) const fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Refuses other schemes, and addresses written as numbers, which no resolver sees.
    pub(super) fn check_url(&self, url: &Url) -> Result<(), OutboundError> {
        let forbidden = || OutboundError::Forbidden(url.host_str().unwrap_or_default().to_owned());
        let reachable = match url.host() {
            Some(Host::Domain(_)) => true,
            Some(Host::Ipv4(ip)) => self.may_reach(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => self.may_reach(IpAddr::V6(ip)),
            None => false,
        };
        let is_http = matches!(url.scheme(), "http" | "https");
        if reachable && is_http { Ok(()) } else { Err(forbidden()) }
    }

    fn may_reach(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        is_public(ip) || self.allowed.iter().any(|network| network.contains(&ip))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Self { allowed: self.allowed.clone() };
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let reachable: Vec<SocketAddr> =
                found.filter(|address| allowed.may_reach(address.ip())).collect();
            if reachable.is_empty() {
                return Err(Box::from(OutboundError::Forbidden(name.as_str().to_owned())));
            }
            Ok(Box::new(reachable.into_iter()) as Addrs)
        })
    }
}

/// Tells whether an address belongs to the public internet (IANA special-purpose registries).
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

/// Only 2000::/3 is assigned; within it, tunnels and documentation are refused, since they hide other addresses.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let assigned = a & 0xe000 == 0x2000;
    let special = (a == 0x2001 && (b < 0x200 || b == 0xdb8)) || a == 0x2002 || (a == 0x3fff && b < 0x1000);
    assigned && !special
}
