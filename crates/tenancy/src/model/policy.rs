//! What an organisation demands of the sessions that act for it.

use std::time::Duration;

use quoin_kernel::{Aal, Timestamp};
use serde::Serialize;

/// Whether an organisation can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrgStatus {
    /// It can.
    Active,
    /// The platform has closed it for the time being.
    Suspended,
    /// It will be gone once its time of grace is over.
    Deleting,
}

/// What an organisation demands of the sessions that act for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether it can be used at all.
    pub status: OrgStatus,
    /// Whether a second factor must have been shown.
    pub mfa_required: bool,
    /// How long after a sign-in its session may act.
    pub session_lifetime: Option<Duration>,
}

/// What a session brings along.
#[derive(Debug, Clone, Copy)]
pub struct SessionFacts {
    /// How strongly its person was authenticated.
    pub aal: Aal,
    /// When they last showed who they are.
    pub authenticated_at: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// Why an organisation does not accept a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// The organisation cannot be used.
    Closed(OrgStatus),
    /// The sign-in is longer ago than the organisation allows.
    SignInTooOld,
    /// A second factor must be shown first.
    SecondFactor,
}

/// The policy as its owner reads and writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct PolicySettings {
    /// Whether members must show a second factor before they act for the organisation.
    pub mfa_required: bool,
    /// Seconds after which members must sign in again to act for it, 300 to 31536000; null for no limit of its own.
    pub session_lifetime_s: Option<i64>,
}

/// The shortest and the longest lifetime that a policy may set, in seconds.
const LIFETIME_RANGE_S: std::ops::RangeInclusive<i64> = 300..=365 * 24 * 3600;

impl PolicySettings {
    /// Checks every range.
    ///
    /// # Errors
    /// The field that is outside of its range, and the rule.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let in_range = self.session_lifetime_s.is_none_or(|span| LIFETIME_RANGE_S.contains(&span));
        if in_range {
            Ok(())
        } else {
            Err(("session_lifetime_s", "must be between 300 and 31536000, or null"))
        }
    }

    /// Tells whether sessions that `before` accepted may be refused now.
    pub fn is_stricter_than(&self, before: &Self) -> bool {
        let lifetime = |settings: &Self| settings.session_lifetime_s.unwrap_or(i64::MAX);
        (self.mfa_required && !before.mfa_required) || lifetime(self) < lifetime(before)
    }
}

impl Policy {
    /// Returns why a session may not make the organisation its active one; a missing second factor is no such reason,
    /// because the session can still get it.
    pub fn bars_activation(&self, facts: &SessionFacts) -> Option<Bar> {
        self.bars(facts).filter(|bar| *bar != Bar::SecondFactor)
    }

    /// Returns why a session may not act for the organisation.
    pub fn bars(&self, facts: &SessionFacts) -> Option<Bar> {
        if self.status != OrgStatus::Active {
            return Some(Bar::Closed(self.status));
        }
        if self.session_lifetime.is_some_and(|span| facts.now.since(facts.authenticated_at) >= span) {
            return Some(Bar::SignInTooOld);
        }
        (self.mfa_required && facts.aal < Aal::Aal2).then_some(Bar::SecondFactor)
    }

    /// Returns when a session that signed in at `authenticated_at` can no longer act for the organisation.
    pub fn ends_session_at(&self, authenticated_at: Timestamp) -> Option<Timestamp> {
        self.session_lifetime.map(|span| authenticated_at + span)
    }
}
