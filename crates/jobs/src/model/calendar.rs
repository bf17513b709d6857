//! When schedules are due. Cron expressions are read by the `cronexpr` crate.

use std::time::Duration;

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use quoin_kernel::Timestamp;
use quoin_kernel::job::{Schedule, When};

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

/// When a schedule is due, read and checked.
#[derive(Debug, Clone)]
pub enum Calendar {
    /// This long after the last time.
    Every(Duration),
    /// By a cron expression.
    Cron(Box<Crontab>),
}

impl Calendar {
    /// Reads when `schedule` is due.
    pub fn of(schedule: &Schedule) -> Result<Self, InvalidSchedule> {
        let cron = match schedule.when {
            When::Every(span) => return Ok(Self::Every(span)),
            When::Cron(cron) => cron,
        };
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        let name = schedule.name;
        let read = cronexpr::parse_crontab_with(cron, options);
        read.map(|cron| Self::Cron(Box::new(cron))).map_err(|error| InvalidSchedule {
            name,
            cron,
            reason: error.to_string(),
        })
    }

    /// Returns the first moment after `after` at which it is due; `None` for one that never comes.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(span) => Some(after + *span),
            Self::Cron(cron) => {
                let start = cronexpr::MakeTimestamp::from_microsecond(after.as_micros()).ok()?;
                let next = cron.find_next(start).ok()?;
                Some(Timestamp::from_micros(next.timestamp().as_microsecond()))
            }
        }
    }
}
