//! The limit per address, in memory of one node.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use quoin_kernel::Problem;

/// Limits how often one address may do something; an IPv6 network of 64 bits counts as one address.
pub struct IpLimit {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    checks: AtomicU32,
}

/// After so many checks, addresses are forgotten that are unlimited again, so that memory stays bounded.
const CHECKS_PER_SWEEP: u32 = 8192;

impl IpLimit {
    /// Allows `burst` calls at once, of which one becomes free again after each `refill`.
    ///
    /// # Panics
    /// Where `refill` is zero, which would be no limit.
    pub fn new(burst: NonZeroU32, refill: Duration) -> Self {
        let quota = Quota::with_period(refill).expect("a limit refills after some time").allow_burst(burst);
        Self { limiter: RateLimiter::keyed(quota), checks: AtomicU32::new(0) }
    }

    /// Counts one call.
    ///
    /// # Errors
    /// 429 `over_request_rate_limit` with `Retry-After`.
    pub fn check(&self, ip: IpAddr) -> Result<(), Problem> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS_PER_SWEEP == CHECKS_PER_SWEEP - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&network(ip)).map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            too_many(wait)
        })
    }
}

/// The answer to a caller that called too often.
pub(super) fn too_many(wait: Duration) -> Problem {
    let seconds = u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX);
    Problem::new(429, "over_request_rate_limit", "Too many requests; wait and try again")
        .retry_after_s(seconds)
}

fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        ip @ IpAddr::V4(_) => ip,
    }
}

impl fmt::Debug for IpLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IpLimit").field("addresses", &self.limiter.len()).finish_non_exhaustive()
    }
}
