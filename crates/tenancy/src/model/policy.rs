//! What an organisation demands of the sessions that act for it.

use std::time::Duration;

use quoin_kernel::{Aal, OrgId, Timestamp, UserId};
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

/// What an organisation demands of the sessions of one of its members that act for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whose policy it is.
    pub org_id: OrgId,
    /// Whether it can be used at all.
    pub status: OrgStatus,
    /// Whether a second factor must have been shown.
    pub mfa_required: bool,
    /// How long after a sign-in its session may act.
    pub session_lifetime: Option<Duration>,
    /// From when on the organisation's own provider is the only way in for this member; none for the owner for whom
    /// other ways stay open.
    pub sso_required_from: Option<Timestamp>,
}

/// What a session brings along.
#[derive(Debug, Clone, Copy)]
pub struct SessionFacts {
    /// How strongly its person was authenticated.
    pub aal: Aal,
    /// When they last showed who they are.
    pub authenticated_at: Timestamp,
    /// The organisation whose own provider has attested them; the session acts for no other.
    pub sso_org_id: Option<OrgId>,
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
    /// Another organisation's own provider has opened the session.
    Confined,
    /// The organisation's own provider is the only way in.
    SsoRequired,
    /// A second factor must be shown first.
    SecondFactor,
}

/// The policy as its owner reads and writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "switches that owners set one by one")]
pub struct PolicySettings {
    /// Whether members must show a second factor before they act for the organisation.
    pub mfa_required: bool,
    /// Seconds after which members must sign in again to act for it, 300 to 31536000; null for no limit of its own.
    pub session_lifetime_s: Option<i64>,
    /// Whether the organisation's own provider is, or will be, the only way in.
    pub sso_required: bool,
    /// From when on.
    pub sso_required_from: Option<Timestamp>,
    /// The owner for whom other ways stay open, for the day on which the provider fails.
    pub break_glass: Option<UserId>,
    /// Whether whoever has proved an address of a proved domain joins by themselves at sign-in.
    pub auto_join: bool,
    /// Whether only somebody who is invited can make an account, where people belong to one organisation each.
    pub invited_only: bool,
}

/// The policy as an owner wishes it; what is left out is not demanded.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "switches that owners set one by one")]
pub struct PolicyWish {
    /// Whether a second factor must be shown.
    pub mfa_required: bool,
    /// How long after a sign-in its session may act, in seconds.
    pub session_lifetime_s: Option<i64>,
    /// Whether the organisation's own provider shall be the only way in.
    pub sso_required: bool,
    /// Seconds until it is; what was set before stays where it is left out.
    pub sso_grace_s: Option<i64>,
    /// The owner for whom other ways stay open; whoever set it before, else whoever asks, where it is left out.
    pub break_glass: Option<UserId>,
    /// Whether whoever has proved an address of a proved domain joins by themselves.
    pub auto_join: bool,
    /// Whether only somebody who is invited can make an account.
    pub invited_only: bool,
}

/// The longest time of grace, in seconds.
const GRACE_RANGE_S: std::ops::RangeInclusive<i64> = 0..=90 * 24 * 3600;

/// The shortest and the longest lifetime that a policy may set, in seconds.
const LIFETIME_RANGE_S: std::ops::RangeInclusive<i64> = 300..=365 * 24 * 3600;

impl PolicyWish {
    /// Checks every range.
    ///
    /// # Errors
    /// The field that is outside of its range, and the rule.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.session_lifetime_s.is_some_and(|span| !LIFETIME_RANGE_S.contains(&span)) {
            return Err(("session_lifetime_s", "must be between 300 and 31536000, or null"));
        }
        if self.sso_grace_s.is_some_and(|span| !GRACE_RANGE_S.contains(&span)) {
            return Err(("sso_grace_s", "must be between 0 and 7776000, or null"));
        }
        Ok(())
    }

    /// Works out what holds from `now` on, wished by `actor` where `before` held.
    pub fn settle(&self, before: &PolicySettings, actor: UserId, now: Timestamp) -> PolicySettings {
        let grace = self.sso_grace_s.map(|span| now + Duration::from_secs(span.unsigned_abs()));
        let from = grace.or(before.sso_required_from).unwrap_or(now);
        PolicySettings {
            mfa_required: self.mfa_required,
            session_lifetime_s: self.session_lifetime_s,
            sso_required: self.sso_required,
            sso_required_from: self.sso_required.then_some(from),
            break_glass: self
                .break_glass
                .or(before.break_glass)
                .or(Some(actor))
                .filter(|_| self.sso_required),
            auto_join: self.auto_join,
            invited_only: self.invited_only,
        }
    }
}

impl PolicySettings {
    /// Tells whether sessions that `before` accepted may be refused now, or earlier than their tokens expire.
    pub fn is_stricter_than(&self, before: &Self) -> bool {
        let lifetime = |settings: &Self| settings.session_lifetime_s.unwrap_or(i64::MAX);
        let sso_sooner = match (self.sso_required_from, before.sso_required_from) {
            (Some(now), Some(then)) => now < then || self.break_glass != before.break_glass,
            (now, _) => now.is_some(),
        };
        (self.mfa_required && !before.mfa_required) || lifetime(self) < lifetime(before) || sso_sooner
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
        if facts.sso_org_id.is_some_and(|org_id| org_id != self.org_id) {
            return Some(Bar::Confined);
        }
        if !self.is_own_provider(facts) && self.sso_required_from.is_some_and(|from| facts.now >= from) {
            return Some(Bar::SsoRequired);
        }
        if self.session_lifetime.is_some_and(|span| facts.now.since(facts.authenticated_at) >= span) {
            return Some(Bar::SignInTooOld);
        }
        self.demands_second_factor(facts).then_some(Bar::SecondFactor)
    }

    /// Tells whether a second factor is still to be shown. The organisation's own provider shows its own.
    pub fn demands_second_factor(&self, facts: &SessionFacts) -> bool {
        self.mfa_required && facts.aal < Aal::Aal2 && !self.is_own_provider(facts)
    }

    /// Returns when a session can no longer act for the organisation.
    pub fn ends_session_at(&self, facts: &SessionFacts) -> Option<Timestamp> {
        let too_old = self.session_lifetime.map(|span| facts.authenticated_at + span);
        let shut = self.sso_required_from.filter(|_| !self.is_own_provider(facts));
        too_old.into_iter().chain(shut).min()
    }

    fn is_own_provider(&self, facts: &SessionFacts) -> bool {
        facts.sso_org_id == Some(self.org_id)
    }
}
