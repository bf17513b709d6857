//! The section `[audit]` of the configuration.

use std::time::Duration;

use serde::Deserialize;

/// How long the trail is kept.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// How many days entries are kept, 30 or more; 0 keeps them for ever. Entries name people's ids and addresses on the
    /// network, so for ever is rarely lawful.
    pub keep_days: u32,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { keep_days: 400 }
    }
}

impl AuditConfig {
    /// Says what is wrong with the section, if anything is.
    pub fn validate(&self) -> Result<(), String> {
        if (1..30).contains(&self.keep_days) {
            return Err("audit.keep_days must be 30 or more, or 0 to keep entries for ever".into());
        }
        Ok(())
    }

    /// How long entries are kept; `None` for ever.
    pub(crate) fn keep(&self) -> Option<Duration> {
        (self.keep_days > 0).then(|| Duration::from_hours(24 * u64::from(self.keep_days)))
    }
}
