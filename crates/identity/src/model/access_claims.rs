//! The claims of an access token.

use quoin_kernel::{Aal, Caller, OrgId, Role, SessionId, Timestamp, UserCaller, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The `typ` header of access tokens (RFC 9068), which no other token carries.
pub const TOKEN_TYPE: &str = "at+jwt";
/// The `aud` claim of people's tokens.
pub const AUDIENCE: &str = "authenticated";

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The instance that issued it: its public URL with `/auth/v1`.
    pub iss: String,
    /// The person.
    pub sub: UserId,
    /// Always [`AUDIENCE`].
    pub aud: String,
    /// When it expires, in seconds since 1970.
    pub exp: i64,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// The address, or an empty text.
    pub email: String,
    /// The telephone number, or an empty text.
    pub phone: String,
    /// The database role: `authenticated`.
    pub role: String,
    /// How strongly the person was authenticated.
    pub aal: Aal,
    /// Which methods attested the person, and when.
    pub amr: Vec<Method>,
    /// The session.
    pub session_id: SessionId,
    /// Metadata that only the server writes.
    pub app_metadata: Map<String, Value>,
    /// Metadata that the person writes.
    pub user_metadata: Map<String, Value>,
    /// True for a person without any credential.
    pub is_anonymous: bool,
    /// Whether the address is proved.
    pub email_verified: bool,
    /// True while a second factor is owed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_second_factor: bool,
    /// The active organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    /// The name of the role in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_role: Option<Arc<str>>,
    /// The organisation whose own provider has opened the session, which then acts for no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso_org_id: Option<OrgId>,
    /// The version of that membership, so that a change of role ends older tokens and no newer one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_version: Option<i64>,
    /// What the organisation's metadata adds; never a name of those above.
    #[serde(flatten)]
    pub org_claims: Map<String, Value>,
}

/// One method of authentication (RFC 8176) and its moment in seconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Method {
    /// `password`, `otp`, `recovery`, `token_refresh`, …
    pub method: String,
    /// Seconds since 1970.
    pub timestamp: i64,
}

impl AccessClaims {
    /// Names the caller that this token, once verified, stands for. `claims` is the token's own JSON.
    pub fn into_caller(self, claims: Arc<str>) -> Caller {
        Caller::User(Arc::new(UserCaller {
            user_id: self.sub,
            session_id: self.session_id,
            // A role of the organisation's own ranks as member.
            org: self
                .org_id
                .zip(self.org_role.as_deref())
                .map(|(org_id, role)| (org_id, Role::parse(role).unwrap_or(Role::Member))),
            org_role: self.org_role,
            sso_org_id: self.sso_org_id,
            aal: self.aal,
            needs_second_factor: self.needs_second_factor,
            issued_at: Timestamp::from_micros(self.iat.saturating_mul(1_000_000)),
            expires_at: Timestamp::from_micros(self.exp.saturating_mul(1_000_000)),
            claims,
        }))
    }
}

#[cfg(test)]
mod tests;
