//! How long to wait before the next try.

use std::time::Duration;

use quoin_kernel::Rng;

/// Exponential back-off with full jitter: a random wait between zero and a ceiling that doubles with every try.
///
/// Full jitter spreads the retries of many jobs that failed together better than a fixed wait with noise
/// (M. Brooker, "Exponential Backoff And Jitter", 2015).
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The ceiling after the first try.
    pub base: Duration,
    /// The ceiling that is never exceeded.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_secs(2), cap: Duration::from_hours(1) }
    }
}

impl Backoff {
    /// Returns the longest wait after try number `attempt`, from 1.
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }

    /// Draws the wait after try number `attempt`, from 1.
    pub fn draw(&self, attempt: u32, rng: &dyn Rng) -> Duration {
        jitter(self.ceiling(attempt), rng)
    }
}

/// Draws a duration between zero and `ceiling`, in microseconds.
pub(crate) fn jitter(ceiling: Duration, rng: &dyn Rng) -> Duration {
    let mut bytes = [0_u8; 8];
    rng.fill(&mut bytes);
    let micros = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX - 1);
    Duration::from_micros(u64::from_le_bytes(bytes) % (micros + 1))
}
