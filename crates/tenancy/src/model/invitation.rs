//! An invitation: somebody whose address is known is asked to join, with a role.

use std::time::Duration;

use quoin_kernel::hash::sha256;
use quoin_kernel::{EmailAddress, Id, OrgId, Timestamp, UserId};
use serde::Serialize;

/// The kind of thing that an [`InvitationId`] names.
#[derive(Debug)]
pub enum InvitationKind {}

/// Identifies an invitation.
pub type InvitationId = Id<InvitationKind>;

/// How long an ended invitation is kept, so that its link can say what became of it.
pub const KEPT_AFTER_END: Duration = Duration::from_hours(24);
/// How long one that has expired is kept, so that it can be sent again.
pub const KEPT_AFTER_EXPIRY: Duration = Duration::from_hours(30 * 24);

/// How an invitation ends other than by expiring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationEnding {
    /// Somebody has joined.
    Accepted,
    /// Somebody who may has taken it back.
    Revoked,
    /// It had expired when another one was sent to the same address.
    Replaced,
}

impl InvitationEnding {
    /// Returns what the row says.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
        }
    }
}

/// An invitation that has not ended, as the row holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The organisation.
    pub org_id: OrgId,
    /// The invitation.
    pub id: InvitationId,
    /// The address that was invited; whoever accepts must have proved that it is theirs.
    pub email: EmailAddress,
    /// The name of the role.
    pub role: String,
    /// Who vouches for it. What they may no longer give, it no longer gives.
    pub invited_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when its newest link works.
    pub expires_at: Timestamp,
}

/// An invitation as those who manage members see it.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct InvitationOut {
    /// The invitation.
    pub id: InvitationId,
    /// The address.
    pub email: EmailAddress,
    /// The role.
    pub role: String,
    /// `pending`, or `expired`: then it can be sent again.
    pub status: &'static str,
    /// Who sent it last.
    pub invited_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when its link works.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// Tells whether its link has stopped working by itself.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Shows it at `now`.
    pub fn show(self, now: Timestamp) -> InvitationOut {
        let status = if self.is_expired(now) { "expired" } else { "pending" };
        let Self { id, email, role, invited_by, created_at, expires_at, .. } = self;
        InvitationOut { id, email, role, status, invited_by, created_at, expires_at }
    }
}

/// Returns what is stored of a link's token.
pub fn token_hash(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}
