//! Webhooks: signed, delivered over real HTTP, tried again with growing pauses.

mod deliver;
pub(crate) mod sign;

pub(crate) use deliver::{deliver_due, next_due_ms};

/// The topic that wakes the deliverer.
pub(crate) const DELIVERIES_TOPIC: &str = "stripe_twin.deliveries";

/// The pauses before the second and every further attempt, in seconds: three days in all, as Stripe tries in live mode,
/// but with short first ones, because on a laptop the endpoint is often just restarting.
const PAUSES_S: &[i64] = &[2, 5, 15, 60, 300, 1800, 3600, 7200, 14_400, 28_800, 43_200, 43_200, 86_400];

/// Returns the pause after so many attempts; nothing once it is given up.
fn pause_s(attempts: i64) -> Option<i64> {
    usize::try_from(attempts - 1).ok().and_then(|index| PAUSES_S.get(index)).copied()
}
