//! Cron expressions, read by the `cronexpr` crate, in UTC.

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use quoin_kernel::Timestamp;

/// A schedule whose cron expression cannot be read. Found at start, never later.
#[derive(Debug, thiserror::Error)]
#[error("the schedule {name} has no valid cron expression ({cron}): {reason}")]
pub struct InvalidSchedule {
    /// The schedule.
    pub name: &'static str,
    /// Its expression.
    pub cron: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// A cron expression that has been read.
#[derive(Debug, Clone)]
pub struct Cron(Crontab);

impl Cron {
    /// Reads the five fields of schedule `name`.
    pub fn parse(name: &'static str, cron: &'static str) -> Result<Self, InvalidSchedule> {
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        cronexpr::parse_crontab_with(cron, options)
            .map(Self)
            .map_err(|error| InvalidSchedule { name, cron, reason: error.to_string() })
    }

    /// Returns the first moment after `after` at which it is due; `None` for one that never comes.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let start = cronexpr::MakeTimestamp::from_microsecond(after.as_micros()).ok()?;
        let next = self.0.find_next(start).ok()?;
        Some(Timestamp::from_micros(next.timestamp().as_microsecond()))
    }
}
