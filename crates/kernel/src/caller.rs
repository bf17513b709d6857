//! Who is asking: nobody, a person with a session, or an API key.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, OrgId, Problem, SessionId, Timestamp, UserId};

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
    /// The active organisation and the rank of the person's role in it.
    pub org: Option<(OrgId, Role)>,
    /// The name of that role: of a built-in one, or of one that the organisation has made for itself.
    pub org_role: Option<Arc<str>>,
    /// The organisation whose own provider has opened the session, which then acts for no other, and not for the person.
    pub sso_org_id: Option<OrgId>,
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

impl UserCaller {
    /// Makes sure that the session acts for the person, and not for one organisation alone.
    ///
    /// # Errors
    /// 403 `session_confined`.
    pub fn demand_own_session(&self) -> Result<(), Problem> {
        if self.sso_org_id.is_none() {
            return Ok(());
        }
        Err(Problem::new(403, "session_confined", "This session acts for its organisation alone")
            .hint("Sign in another way to act for yourself."))
    }
}

/// A live secret API key.
#[derive(Clone, Debug)]
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

/// Who had something signed that somebody else uses later. It is good for as long as their own credential would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Issuer {
    /// A person, in a session of theirs.
    Session {
        /// The person.
        user_id: UserId,
        /// The session.
        session_id: SessionId,
        /// The organisation that it acted for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        org_id: Option<OrgId>,
    },
    /// An API key.
    Key {
        /// The key.
        key_id: ApiKeyId,
    },
}

impl Issuer {
    /// Returns as whom a caller has things signed; `None` for nobody.
    pub fn of(caller: &Caller) -> Option<Self> {
        match caller {
            Caller::Anonymous => None,
            Caller::User(user) => Some(Self::Session {
                user_id: user.user_id,
                session_id: user.session_id,
                org_id: user.org.map(|(org_id, _)| org_id),
            }),
            Caller::ApiKey(key) => Some(Self::Key { key_id: key.key_id }),
        }
    }

    /// Returns the person, where it was one.
    pub const fn user_id(self) -> Option<UserId> {
        match self {
            Self::Session { user_id, .. } => Some(user_id),
            Self::Key { .. } => None,
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

/// What a person is in an organisation: the rank of their role, and what a role of the organisation's own allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The rank. Roles of the organisation's own rank as members.
    pub rank: Role,
    /// The organisation's own role that the person has, where it is none of the built-in ones.
    pub custom: Option<CustomRole>,
}

/// A role that an organisation has made for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRole {
    /// Its name, which tokens carry as `org_role`.
    pub name: String,
    /// What it allows beyond what every member may do: permissions of Quoin's ([`permission`]) and of the product's own.
    pub permissions: Vec<String>,
}

impl Standing {
    /// Describes somebody with a built-in role.
    pub const fn of(rank: Role) -> Self {
        Self { rank, custom: None }
    }

    /// Returns the role's name.
    pub fn name(&self) -> &str {
        self.custom.as_ref().map_or(self.rank.as_str(), |custom| &custom.name)
    }

    /// Tells whether the role allows something: admins and owners hold every permission, others what theirs lists.
    pub fn allows(&self, permission: &str) -> bool {
        self.rank >= Role::Admin
            || self
                .custom
                .as_ref()
                .is_some_and(|custom| custom.permissions.iter().any(|held| held == permission))
    }
}

/// The permissions that Quoin's own operations ask for. A product adds its own, named the same way.
///
/// What only owners may do (ownership, domains, sign-in policy, the end of the organisation) is none: it cannot be
/// handed out through a role.
pub mod permission {
    /// Invite people, and change or remove members whose role holds no more than the caller's.
    pub const MEMBERS_MANAGE: &str = "members.manage";
    /// Make and change roles that hold no more than the caller's.
    pub const ROLES_MANAGE: &str = "roles.manage";
    /// Change the organisation's name and metadata.
    pub const SETTINGS_MANAGE: &str = "settings.manage";
    /// Read the organisation's audit trail.
    pub const AUDIT_READ: &str = "audit.read";
    /// Check out, change and cancel subscriptions.
    pub const BILLING_MANAGE: &str = "billing.manage";

    /// All of them, in the order in which a form would show them.
    pub const ALL: &[&str] = &[MEMBERS_MANAGE, ROLES_MANAGE, SETTINGS_MANAGE, AUDIT_READ, BILLING_MANAGE];
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
