//! The section `[tenancy]` of the configuration.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

/// How people come into organisations, and how organisations end.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TenancyConfig {
    /// Days an invitation can be accepted; 30 at most.
    pub invitation_days: u32,
    /// Invitations to one address within an hour, from all organisations together.
    pub invitations_per_address: u32,
    /// Invitations that one person may send within an hour.
    pub invitations_per_person: u32,
    /// Days within which a deleted organisation can be restored before everything it owns is removed; 0 removes at once.
    pub deletion_grace_days: u32,
    /// Name servers that are asked for the records that prove domains, each as address and port; the system's by default.
    pub dns_servers: Vec<SocketAddr>,
}

impl Default for TenancyConfig {
    fn default() -> Self {
        Self {
            invitation_days: 7,
            invitations_per_address: 5,
            invitations_per_person: 100,
            deletion_grace_days: 30,
            dns_servers: Vec::new(),
        }
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
        if self.deletion_grace_days > 365 {
            return Err("tenancy.deletion_grace_days must be 365 or less".into());
        }
        Ok(())
    }

    /// How long a deleted organisation can be restored.
    pub(crate) fn deletion_grace(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.deletion_grace_days))
    }

    /// How long an invitation can be accepted.
    pub(crate) fn invitation(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.invitation_days))
    }
}
