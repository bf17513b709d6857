//! In whose name an object is kept.

use std::fmt;

use quoin_kernel::{Caller, OrgId, UserId};
use uuid::Uuid;

/// Names to whom an object belongs: the organisation in whose name it was stored, else the person, else the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// An organisation.
    Organization(OrgId),
    /// A person who had no organisation active.
    Person(UserId),
    /// The instance itself: what a platform key stores without choosing anybody.
    Platform,
}

impl Owner {
    /// Returns in whose name a caller acts, unless they choose; `None` for nobody.
    pub fn of(caller: &Caller) -> Option<Self> {
        match caller {
            Caller::Anonymous => None,
            Caller::User(user) => Some(match user.org {
                Some((org_id, _)) => Self::Organization(org_id),
                None => Self::Person(user.user_id),
            }),
            Caller::ApiKey(key) => Some(key.org_id.map_or(Self::Platform, Self::Organization)),
        }
    }

    /// Returns the id that rows carry; nil for the instance.
    pub const fn id(self) -> Uuid {
        match self {
            Self::Organization(id) => id.uuid(),
            Self::Person(id) => id.uuid(),
            Self::Platform => Uuid::nil(),
        }
    }

    /// Returns the kind that rows carry.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Organization(_) => "organization",
            Self::Person(_) => "person",
            Self::Platform => "platform",
        }
    }

    /// Reads kind and id back.
    pub fn parse(kind: &str, id: Uuid) -> Option<Self> {
        match kind {
            "organization" => Some(Self::Organization(OrgId::from_uuid(id))),
            "person" => Some(Self::Person(UserId::from_uuid(id))),
            "platform" => Some(Self::Platform),
            _ => None,
        }
    }

    /// Returns the organisation, where it is one.
    pub const fn org_id(self) -> Option<OrgId> {
        match self {
            Self::Organization(id) => Some(id),
            Self::Person(_) | Self::Platform => None,
        }
    }
}

impl fmt::Display for Owner {
    /// Writes the first part of store keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => id.fmt(f),
            Self::Person(id) => id.fmt(f),
            Self::Platform => f.write_str("platform"),
        }
    }
}
