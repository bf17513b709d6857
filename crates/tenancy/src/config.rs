//! The section `[tenancy]` of the configuration.

use std::time::Duration;

use serde::Deserialize;

/// How people come into organisations.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TenancyConfig {
    /// Days an invitation can be accepted; 30 at most.
    pub invitation_days: u32,
    /// Invitations to one address within an hour, from all organisations together.
    pub invitations_per_address: u32,
    /// Invitations that one person may send within an hour.
    pub invitations_per_person: u32,
}

impl Default for TenancyConfig {
    fn default() -> Self {
        Self { invitation_days: 7, invitations_per_address: 5, invitations_per_person: 100 }
    }
}

impl TenancyConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// The first field that is outside of its range.
    pub fn validate(&self) -> Result<(), String> {
        if !(1..=30).contains(&self.invitation_days) {
            return Err("tenancy.invitation_days must be between 1 and 30".into());
        }
        Ok(())
    }

    /// How long an invitation can be accepted.
    pub(crate) fn invitation(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.invitation_days))
    }
}
