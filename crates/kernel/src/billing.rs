//! Who pays, how they stand, and what a plan refuses: the words that rooms share with the one that sells plans.

use std::fmt;

use serde_json::json;
use uuid::Uuid;

use crate::caller::UserCaller;
use crate::{OrgId, Problem, Timestamp, UserId};

/// Who is billed: the active organisation, or the person where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An organisation.
    Org(OrgId),
    /// A person who acts for no organisation.
    User(UserId),
}

impl Subject {
    /// Returns who is billed for what this person does now.
    pub fn of(user: &UserCaller) -> Self {
        Self::choose(user.org.map(|(org_id, _)| org_id), user.user_id)
    }

    /// Returns the organisation where there is one, else the person.
    pub fn choose(org_id: Option<OrgId>, user_id: UserId) -> Self {
        org_id.map_or(Self::User(user_id), Self::Org)
    }

    /// Reads back what [`Subject::kind`] and [`Subject::uuid`] gave.
    pub fn parse(kind: &str, id: Uuid) -> Option<Self> {
        match kind {
            "org" => Some(Self::Org(OrgId::from_uuid(id))),
            "user" => Some(Self::User(UserId::from_uuid(id))),
            _ => None,
        }
    }

    /// Returns `org` or `user`.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Org(_) => "org",
            Self::User(_) => "user",
        }
    }

    /// Returns the id that rows carry. Ids of people and of organisations never coincide.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Org(id) => id.uuid(),
            Self::User(id) => id.uuid(),
        }
    }

    /// Returns the organisation, where it is one.
    pub const fn org_id(self) -> Option<OrgId> {
        match self {
            Self::Org(id) => Some(id),
            Self::User(_) => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.uuid())
    }
}

/// What a subject has paid for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The plan in force, if any.
    pub plan: Option<String>,
    /// Whether it is paid for, or on trial.
    pub premium: bool,
    /// Until when, as far as is known.
    pub premium_until: Option<Timestamp>,
    /// Whether it goes on after that by itself.
    pub auto_renew: bool,
}

/// A limit of the plan that a wish would pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plan allows {limit} of {meter}, {used} are used and {wanted} more are wanted")]
pub struct LimitReached {
    /// What is counted, for example `seats`.
    pub meter: String,
    /// How much the plan allows.
    pub limit: i64,
    /// How much is used.
    pub used: i64,
    /// How much more was wanted.
    pub wanted: i64,
    /// Where a larger plan is to be had.
    pub upgrade_url: String,
}

impl From<LimitReached> for Problem {
    fn from(reached: LimitReached) -> Self {
        let LimitReached { meter, limit, used, wanted, upgrade_url } = reached;
        Self::new(402, "limit_reached", "The plan does not allow more of this")
            .detail(format!(
                "The plan allows {limit} of {meter}; {used} are used and {wanted} more were wanted."
            ))
            .hint(format!("A larger plan is to be had at {upgrade_url}"))
            .member("limit", json!({"meter": meter, "limit": limit, "used": used, "wanted": wanted}))
            .member("upgrade_url", json!(upgrade_url))
    }
}
