//! Who belongs to an organisation, as what, and who may change that.

use quoin_kernel::{OrgId, Role, Timestamp, UserId};
use serde::Serialize;

/// The organisation in whose name a session acts. Access tokens repeat all three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveOrg {
    /// The organisation.
    pub org_id: OrgId,
    /// The person's role in it.
    pub role: Role,
    /// The membership's version; a token with a lower one than the revocation list names is refused.
    pub version: i64,
}

/// A person to be added to an organisation.
#[derive(Debug, Clone, Copy)]
pub struct NewMember {
    /// The organisation.
    pub org_id: OrgId,
    /// The person.
    pub user_id: UserId,
    /// As what.
    pub role: Role,
    /// When.
    pub now: Timestamp,
}

/// A member as others of the organisation see them.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct Membership {
    /// The person.
    pub user_id: UserId,
    /// Their role.
    pub role: Role,
    /// When they joined.
    pub created_at: Timestamp,
}

/// Tells whether somebody with role `actor` may turn another member's role `from` into `to` (`None`: remove them).
///
/// Owners may do anything; admins manage members and admins, and cannot make or unmake owners.
pub fn may_change(actor: Role, from: Role, to: Option<Role>) -> bool {
    match actor {
        Role::Owner => true,
        Role::Admin => from < Role::Owner && to.is_none_or(|to| to < Role::Owner),
        Role::Member => false,
    }
}
