//! Facts that one domain writes in its own transaction and others subscribe to.

use serde_json::Value;

use crate::OrgId;

/// A fact about something that has happened, named `domain.noun.verb-in-the-past`.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened, for example `identity.user.created`.
    pub name: &'static str,
    /// Whose fact it is, where it belongs to an organisation.
    pub org_id: Option<OrgId>,
    /// What subscribers need to know. Never a secret.
    pub payload: Value,
}
