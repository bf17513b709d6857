//! The section `[jobs]` of the configuration.

use std::time::Duration;

use serde::Deserialize;

/// How this process works through the queue.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JobsConfig {
    /// How many tries run at the same time.
    pub concurrency: u32,
    /// How many hours a job that has succeeded stays visible; 0 removes it at once.
    pub keep_done_hours: u32,
    /// How many days a dead job is kept for people to look at.
    pub keep_dead_days: u32,
    /// How many seconds running tries get to finish when the process stops.
    pub drain_s: u32,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { concurrency: 128, keep_done_hours: 0, keep_dead_days: 90, drain_s: 20 }
    }
}

impl JobsConfig {
    /// Says what is wrong with the section, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        if !(1..=10_000).contains(&self.concurrency) {
            return Err("jobs.concurrency must be between 1 and 10000".into());
        }
        if self.drain_s > 25 {
            return Err("jobs.drain_s must be at most 25: a stop takes at most 30 seconds".into());
        }
        Ok(())
    }

    pub(crate) fn keep_done(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_done_hours) * 3600)
    }

    pub(crate) fn keep_dead(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_dead_days) * 86400)
    }
}
