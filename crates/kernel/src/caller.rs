//! Who is asking: nobody, a person with a session, or an API key.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, OrgId, SessionId, Timestamp, UserId};

/// Names who makes a call, after every check that a credential needs.
#[derive(Debug, Clone)]
pub enum Caller {
    /// No credential, or the publishable key alone.
    Anonymous,
    /// A person with a live session.
    User(Arc<UserCaller>),
    /// A secret API key.
    ApiKey(Arc<ApiKeyCaller>),
}

/// A person's verified access token.
#[derive(Debug)]
pub struct UserCaller {
    /// The person.
    pub user_id: UserId,
    /// The session the token belongs to.
    pub session_id: SessionId,
    /// The active organisation and the person's role in it.
    pub org: Option<(OrgId, Role)>,
    /// How strongly the person was authenticated.
    pub aal: Aal,
    /// True where a stronger factor must be shown before anything else is allowed.
    pub needs_second_factor: bool,
    /// When the token was issued.
    pub issued_at: Timestamp,
    /// When the token expires.
    pub expires_at: Timestamp,
    /// The token's claims as one JSON object, which policies read through `auth.jwt()`.
    pub claims: Arc<str>,
}

/// A live secret API key.
#[derive(Debug)]
pub struct ApiKeyCaller {
    /// The key.
    pub key_id: ApiKeyId,
    /// The one organisation it is confined to; `None` is the whole platform.
    pub org_id: Option<OrgId>,
    /// What it may do; `*` is everything.
    pub scopes: Vec<String>,
}

impl ApiKeyCaller {
    /// Tells whether the key may do what `scope` names.
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == "*" || held == scope)
    }
}

impl Caller {
    /// Returns the person, where a person asks.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user.user_id),
            Self::Anonymous | Self::ApiKey(_) => None,
        }
    }

    /// Returns the organisation in whose name the call is made.
    pub fn org_id(&self) -> Option<OrgId> {
        match self {
            Self::User(user) => user.org.map(|(org_id, _)| org_id),
            Self::ApiKey(key) => key.org_id,
            Self::Anonymous => None,
        }
    }
}

/// What a member may do in an organisation; a later one may do all that an earlier one may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Uses the organisation.
    Member,
    /// Manages members and settings.
    Admin,
    /// May do everything, deletion and ownership included.
    Owner,
}

impl Role {
    /// Returns the name that tokens, rows and JSON carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Reads the name back.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Member, Self::Admin, Self::Owner].into_iter().find(|role| role.as_str() == name)
    }
}

/// The authenticator assurance level of a session.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Aal {
    /// One factor.
    Aal1,
    /// Two factors.
    Aal2,
}

impl Aal {
    /// Returns the value of the `aal` claim.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }
}
