//! One entry of the trail: who did what, to what, for which organisation, from where.

use std::net::IpAddr;

use quoin_kernel::port::Origin;
use quoin_kernel::{ApiKeyId, Caller, Id, OrgId, Rng, Timestamp, UserId};
use serde_json::Value;

/// The kind of thing that an [`EntryId`] names.
#[derive(Debug)]
pub enum AuditEntry {}

/// Identifies an entry of the trail.
pub type EntryId = Id<AuditEntry>;

/// Says who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who has not shown who they are, for example at sign-up.
    Anonymous,
    /// A person.
    User(UserId),
    /// A secret API key.
    ApiKey(ApiKeyId),
    /// A part of Quoin itself: a job, a schedule, the command line.
    System(&'static str),
}

impl Actor {
    /// Returns the kind that rows and filters carry.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User(_) => "user",
            Self::ApiKey(_) => "api_key",
            Self::System(_) => "system",
        }
    }

    /// Returns the id that rows and filters carry.
    pub fn id(&self) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::User(id) => Some(id.to_string()),
            Self::ApiKey(id) => Some(id.to_string()),
            Self::System(name) => Some((*name).to_owned()),
        }
    }
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        match caller {
            Caller::Anonymous => Self::Anonymous,
            Caller::User(user) => Self::User(user.user_id),
            Caller::ApiKey(key) => Self::ApiKey(key.key_id),
        }
    }
}

/// An entry to be written. Holds no secret and no more about a person than their id and address on the network.
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) id: EntryId,
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) org_id: Option<OrgId>,
    pub(crate) action: &'static str,
    pub(crate) target: Option<String>,
    pub(crate) detail: Value,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) request_id: Option<String>,
}

impl Entry {
    /// Starts an entry named `domain.noun.verb-in-the-past`, outside the transaction that will write it.
    pub fn new(rng: &dyn Rng, at: Timestamp, actor: Actor, action: &'static str) -> Self {
        Self {
            id: EntryId::new(at, rng),
            at,
            actor,
            org_id: None,
            action,
            target: None,
            detail: Value::Object(serde_json::Map::new()),
            ip: None,
            request_id: None,
        }
    }

    /// Adds where the request came from.
    #[must_use]
    pub fn from(mut self, origin: &Origin) -> Self {
        self.ip = Some(origin.ip);
        self.request_id = Some(origin.request_id.clone());
        self
    }

    /// Adds the organisation whose trail shows the entry.
    #[must_use]
    pub const fn in_org(mut self, org_id: OrgId) -> Self {
        self.org_id = Some(org_id);
        self
    }

    /// Adds the organisation whose trail shows the entry, where there is one.
    #[must_use]
    pub const fn in_org_of(mut self, org_id: Option<OrgId>) -> Self {
        self.org_id = org_id;
        self
    }

    /// Adds what it was done to: an id, a name.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "targets are ids and short names")]
    pub fn on(mut self, target: impl ToString) -> Self {
        self.target = Some(target.to_string());
        self
    }

    /// Adds what a reader needs to know besides, as a JSON object.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}
