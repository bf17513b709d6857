//! Doorkeepers: each says in its type whom it lets in, and refuses everybody else before the handler runs.

use std::marker::PhantomData;
use std::sync::Arc;

use http::request::Parts;
use quoin_kernel::{ApiKeyCaller, Caller, OrgId, Problem, Role, Standing, UserCaller, permission};

use crate::app::App;
use crate::credential::identify;
use crate::params::path_param;
use crate::request::RequestInfo;

/// Names whom an operation lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody; the door looks at no credential, because the operation checks one of its own kind or none.
    Unidentified,
    /// Everybody; a credential that is sent must be valid.
    Anyone,
    /// A signed-in person, but for sessions that an organisation's own provider has opened.
    User,
    /// A signed-in person, also one who still owes a second factor.
    UserAtAnyLevel,
    /// A member of the organisation.
    Member,
    /// An admin or owner of the organisation.
    Admin,
    /// An owner of the organisation.
    Owner,
    /// A member of the organisation whose role holds this permission.
    Permitted(&'static str),
    /// A secret API key, of the platform or of one organisation.
    SecretKey,
    /// A secret API key of the platform.
    PlatformKey,
}

/// Lets a caller in, or refuses.
pub trait Doorkeeper: Sized + Send + 'static {
    /// Whom this doorkeeper lets in.
    const WHO: Who;

    /// Decides about one request.
    ///
    /// # Errors
    /// 401 without a valid credential, 403 with one that does not suffice, 404 for another tenant's organisation.
    fn admit(parts: &mut Parts, app: &App) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// Lets everybody in without looking at a credential.
#[derive(Debug, Clone, Copy)]
pub struct Unidentified;

/// Lets everybody in; a credential that is sent must be valid.
#[derive(Debug, Clone)]
pub struct Anyone {
    /// Who calls.
    pub caller: Caller,
}

/// Lets a signed-in person in, to whom the call belongs. A session that an organisation's own provider has opened acts for
/// that organisation alone, and is refused.
#[derive(Debug, Clone)]
pub struct User {
    /// The person.
    pub user: Arc<UserCaller>,
}

/// Lets a signed-in person in, also one who still owes a second factor.
#[derive(Debug, Clone)]
pub struct UserAtAnyLevel {
    /// The person.
    pub user: Arc<UserCaller>,
}

/// Lets any secret API key in; the handler asks `key.allows(scope)`.
#[derive(Debug, Clone)]
pub struct SecretKey {
    /// The key.
    pub key: Arc<ApiKeyCaller>,
}

/// Lets a secret API key of the whole platform in.
#[derive(Debug, Clone)]
pub struct PlatformKey {
    /// The key.
    pub key: Arc<ApiKeyCaller>,
}

impl PlatformKey {
    /// Demands a scope.
    ///
    /// # Errors
    /// 403 where the key does not hold it.
    pub fn demand(&self, scope: &str) -> Result<(), Problem> {
        demand(&self.key, scope)
    }
}

impl SecretKey {
    /// Demands a scope.
    ///
    /// # Errors
    /// 403 where the key does not hold it.
    pub fn demand(&self, scope: &str) -> Result<(), Problem> {
        demand(&self.key, scope)
    }
}

fn demand(key: &ApiKeyCaller, scope: &str) -> Result<(), Problem> {
    if key.allows(scope) {
        return Ok(());
    }
    Err(Problem::forbidden(format!("This API key lacks the scope {scope}.")))
}

async fn caller_of(parts: &Parts, app: &App) -> Result<Caller, Problem> {
    identify(RequestInfo::of(&parts.extensions)?, &parts.headers, app).await
}

fn second_factor_missing() -> Problem {
    Problem::new(403, "insufficient_aal", "A second factor is needed first")
        .hint("Verify one of your factors, then call again with the new token.")
}

/// Refuses a person who owes a second factor.
fn at_full_level(caller: Caller) -> Result<Caller, Problem> {
    match caller {
        Caller::User(user) if user.needs_second_factor => Err(second_factor_missing()),
        caller => Ok(caller),
    }
}

async fn user_of(parts: &Parts, app: &App) -> Result<Arc<UserCaller>, Problem> {
    match caller_of(parts, app).await? {
        Caller::User(user) => Ok(user),
        Caller::Anonymous => Err(Problem::unauthenticated()),
        Caller::ApiKey(_) => Err(Problem::forbidden("This call is for signed-in people, not for API keys.")),
    }
}

async fn user_at_full_level(parts: &Parts, app: &App) -> Result<Arc<UserCaller>, Problem> {
    let user = user_of(parts, app).await?;
    if user.needs_second_factor { Err(second_factor_missing()) } else { Ok(user) }
}

async fn key_of(parts: &Parts, app: &App) -> Result<Arc<ApiKeyCaller>, Problem> {
    match at_full_level(caller_of(parts, app).await?)? {
        Caller::ApiKey(key) => Ok(key),
        Caller::Anonymous => Err(Problem::unauthenticated()),
        Caller::User(_) => Err(Problem::forbidden("This call needs a secret API key.")),
    }
}

impl Doorkeeper for Unidentified {
    const WHO: Who = Who::Unidentified;

    async fn admit(_: &mut Parts, _: &App) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl Doorkeeper for Anyone {
    const WHO: Who = Who::Anyone;

    async fn admit(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ok(Self { caller: at_full_level(caller_of(parts, app).await?)? })
    }
}

impl Doorkeeper for UserAtAnyLevel {
    const WHO: Who = Who::UserAtAnyLevel;

    async fn admit(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ok(Self { user: user_of(parts, app).await? })
    }
}

impl Doorkeeper for User {
    const WHO: Who = Who::User;

    async fn admit(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let user = user_at_full_level(parts, app).await?;
        user.demand_own_session()?;
        Ok(Self { user })
    }
}

impl Doorkeeper for SecretKey {
    const WHO: Who = Who::SecretKey;

    async fn admit(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ok(Self { key: key_of(parts, app).await? })
    }
}

impl Doorkeeper for PlatformKey {
    const WHO: Who = Who::PlatformKey;

    async fn admit(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let key = key_of(parts, app).await?;
        if key.org_id.is_some() {
            return Err(Problem::forbidden("This call needs a secret key of the platform."));
        }
        Ok(Self { key })
    }
}

/// Declares a doorkeeper that demands a role in the organisation.
macro_rules! by_role {
    ($(#[$doc:meta])* $name:ident, $role:expr) => {
        $(#[$doc])*
        ///
        /// The organisation is the one of the path parameter `org_id`, else the active one.
        #[derive(Debug, Clone)]
        pub struct $name {
            /// The person.
            pub user: Arc<UserCaller>,
            /// The organisation.
            pub org_id: OrgId,
            /// What the person is there.
            pub standing: Standing,
        }

        impl Doorkeeper for $name {
            const WHO: Who = Who::$name;

            async fn admit(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
                let user = user_at_full_level(parts, app).await?;
                let (org_id, standing) = membership(parts, app, &user).await?;
                if standing.rank < $role {
                    let needed = $role.as_str();
                    return Err(Problem::forbidden(format!("This call needs the role {needed} in the organisation.")));
                }
                Ok(Self { user, org_id, standing })
            }
        }
    };
}

by_role!(
    /// Lets a member of the organisation in.
    Member,
    Role::Member
);
by_role!(
    /// Lets an admin or owner of the organisation in.
    Admin,
    Role::Admin
);
by_role!(
    /// Lets an owner of the organisation in.
    Owner,
    Role::Owner
);

/// Lets a member in whose role holds the permission `P`.
///
/// The organisation is the one of the path parameter `org_id`, else the active one.
#[derive(Debug, Clone)]
pub struct Permitted<P> {
    /// The person.
    pub user: Arc<UserCaller>,
    /// The organisation.
    pub org_id: OrgId,
    /// What the person is there.
    pub standing: Standing,
    permission: PhantomData<fn() -> P>,
}

/// A permission as a type, so that a door names it in its signature.
pub trait Permission: 'static {
    /// The permission's name.
    const NAME: &'static str;
}

/// Declares the type of each permission.
macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl Permission for $name {
            const NAME: &'static str = $text;
        }
    )*};
}

permissions! {
    /// Invites, changes and removes members.
    ManageMembers = permission::MEMBERS_MANAGE;
    /// Makes and changes roles.
    ManageRoles = permission::ROLES_MANAGE;
    /// Changes name and metadata.
    ManageSettings = permission::SETTINGS_MANAGE;
    /// Reads the audit trail.
    ReadAudit = permission::AUDIT_READ;
    /// Buys and cancels.
    ManageBilling = permission::BILLING_MANAGE;
}

impl<P: Permission> Doorkeeper for Permitted<P> {
    const WHO: Who = Who::Permitted(P::NAME);

    async fn admit(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let user = user_at_full_level(parts, app).await?;
        let (org_id, standing) = membership(parts, app, &user).await?;
        if !standing.allows(P::NAME) {
            let name = P::NAME;
            return Err(Problem::forbidden(format!(
                "This call needs the permission {name} in the organisation."
            )));
        }
        Ok(Self { user, org_id, standing, permission: PhantomData })
    }
}

/// Looks the role up, always: what the token says of it may be an hour old.
async fn membership(parts: &mut Parts, app: &App, user: &UserCaller) -> Result<(OrgId, Standing), Problem> {
    let named = path_param(parts, "org_id").await?;
    let org_id = match named {
        Some(text) => {
            text.parse().map_err(|_| Problem::invalid("The organisation's id in the path is not a UUID."))?
        }
        None => match user.org {
            Some((org_id, _)) => org_id,
            None => {
                return Err(Problem::forbidden("No organisation is active. Switch to one first."));
            }
        },
    };
    let standing = app.ports()?.memberships.standing_of(user, org_id).await?;
    standing.map(|standing| (org_id, standing)).ok_or_else(|| Problem::not_found("organisation"))
}
