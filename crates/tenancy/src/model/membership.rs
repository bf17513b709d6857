//! Who belongs to an organisation, and as what.

use quoin_kernel::{OrgId, Standing, Timestamp, UserId};
use serde::Serialize;
use serde_json::{Map, Value};

use super::policy::Policy;

/// The organisation in whose name a session acts. Access tokens repeat all of it but the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveOrg {
    /// The organisation.
    pub org_id: OrgId,
    /// What the person is in it.
    pub standing: Standing,
    /// The membership's version; a token with a lower one than the revocation list names is refused.
    pub version: i64,
    /// What else its members' tokens say: the organisation's metadata without reserved names.
    pub claims: Map<String, Value>,
    /// What it demands of sessions.
    pub policy: Policy,
}

/// A person to be added to an organisation.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// The organisation.
    pub org_id: OrgId,
    /// The person.
    pub user_id: UserId,
    /// As what.
    pub standing: Standing,
    /// When.
    pub now: Timestamp,
}

/// A member as others of the organisation see them.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct Membership {
    /// The person.
    pub user_id: UserId,
    /// The name of their role.
    pub role: String,
    /// When they joined.
    pub created_at: Timestamp,
}
