//! What happens when a payment is missing, and when.

use std::time::Duration;

use quoin_kernel::Timestamp;

const DAY: Duration = Duration::from_hours(24);

/// The schedule of reminders: days after the payment went missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminders(Vec<u32>);

impl Reminders {
    /// Takes the days in any order.
    pub fn new(days: &[u32]) -> Self {
        let mut days = days.to_vec();
        days.sort_unstable();
        days.dedup();
        Self(days)
    }

    /// Returns how many reminders are due by `now` for a payment missing since `since`.
    pub fn due(&self, since: Timestamp, now: Timestamp) -> i64 {
        let due = self.0.iter().filter(|days| now >= since + DAY * **days).count();
        i64::try_from(due).unwrap_or(i64::MAX)
    }

    /// Returns when the next reminder after `sent` ones is due.
    pub fn next(&self, since: Timestamp, sent: i64) -> Option<Timestamp> {
        let days = self.0.get(usize::try_from(sent).ok()?)?;
        Some(since + DAY * *days)
    }
}
