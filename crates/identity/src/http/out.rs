//! What clients of the contract read: a person and a session.

use quoin_kernel::{EmailAddress, Timestamp, UserId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::factor_out::FactorOut;
use crate::model::{ExternalIdentity, User};
use crate::service::IssuedSession;

/// A person, as the contract writes them. What has not happened is left out.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct UserOut {
    /// The person.
    id: UserId,
    /// Always `authenticated`.
    aud: &'static str,
    /// Always `authenticated`.
    role: &'static str,
    /// Their address; empty where they have none.
    email: String,
    /// Always empty.
    phone: &'static str,
    /// When they proved that the address is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    email_confirmed_at: Option<Timestamp>,
    /// The same moment, under the name of the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<Timestamp>,
    /// When an administrator invited them.
    #[serde(skip_serializing_if = "Option::is_none")]
    invited_at: Option<Timestamp>,
    /// When the last confirmation mail was queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation_sent_at: Option<Timestamp>,
    /// When the last recovery mail was queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_sent_at: Option<Timestamp>,
    /// The address they want to change to.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_email: Option<EmailAddress>,
    /// When the mails about that were queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    email_change_sent_at: Option<Timestamp>,
    /// When they last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign_in_at: Option<Timestamp>,
    /// Until when they may not sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    banned_until: Option<Timestamp>,
    /// What only administrators may edit, and who vouches for the person.
    app_metadata: Map<String, Value>,
    /// What the person may edit.
    user_metadata: Map<String, Value>,
    /// By what they can be recognised.
    identities: Vec<IdentityOut>,
    /// When the account was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// True for somebody who has shown nothing yet by which they could be recognised.
    is_anonymous: bool,
    /// Their second factors; passkeys are listed apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    factors: Vec<FactorOut>,
}

/// By what a person can be recognised.
#[derive(Debug, Serialize, JsonSchema)]
struct IdentityOut {
    /// Names it in calls.
    identity_id: String,
    /// The subject at the provider; for addresses the person's id.
    id: String,
    /// The person.
    user_id: UserId,
    /// What the provider says.
    identity_data: Value,
    /// Who vouches: `email`, or the provider's name.
    provider: String,
    /// When it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign_in_at: Option<Timestamp>,
    /// When it was added.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// A pair of tokens and whose they are.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SessionOut {
    /// The access token: a JWT for `Authorization: Bearer`.
    access_token: String,
    /// Always `bearer`.
    token_type: &'static str,
    /// Seconds the access token lives.
    expires_in: u64,
    /// When it expires, in seconds since 1970.
    expires_at: i64,
    /// Gets the next pair, once.
    refresh_token: String,
    /// The person.
    user: UserOut,
}

/// What has no more to say.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Nothing {}

impl From<User> for UserOut {
    fn from(user: User) -> Self {
        Self {
            app_metadata: user.shown_app_metadata(),
            user_metadata: user.user_metadata.object().clone(),
            identities: IdentityOut::list(&user),
            factors: FactorOut::list(&user.factors),
            id: user.id,
            aud: "authenticated",
            role: "authenticated",
            email: user.email.map(|email| email.to_string()).unwrap_or_default(),
            phone: "",
            email_confirmed_at: user.email_confirmed_at,
            confirmed_at: user.email_confirmed_at,
            invited_at: user.invited_at,
            confirmation_sent_at: user.confirmation_sent_at,
            recovery_sent_at: user.recovery_sent_at,
            new_email: user.new_email,
            email_change_sent_at: user.email_change_sent_at,
            last_sign_in_at: user.last_sign_in_at,
            banned_until: user.banned_until,
            created_at: user.created_at,
            updated_at: user.updated_at,
            is_anonymous: user.is_anonymous,
        }
    }
}

impl IdentityOut {
    /// Lists the address, where it is a way in of its own, and what providers attest.
    fn list(user: &User) -> Vec<Self> {
        let own = user.is_known_by_address().then(|| Self::of_address(user)).flatten();
        own.into_iter().chain(user.identities.iter().map(Self::of_provider)).collect()
    }

    fn of_provider(identity: &ExternalIdentity) -> Self {
        Self {
            identity_id: identity.id.to_string(),
            id: identity.subject.clone(),
            user_id: identity.user_id,
            email: identity.data["email"].as_str().map(str::to_owned),
            identity_data: identity.data.clone(),
            provider: identity.provider.clone(),
            last_sign_in_at: Some(identity.last_sign_in_at),
            created_at: identity.created_at,
            updated_at: identity.updated_at,
        }
    }

    /// Describes the address, where there is one.
    fn of_address(user: &User) -> Option<Self> {
        let email = user.email.clone()?;
        Some(Self {
            identity_id: user.id.to_string(),
            id: user.id.to_string(),
            user_id: user.id,
            identity_data: json!({
                "sub": user.id,
                "email": email,
                "email_verified": user.email_confirmed_at.is_some(),
                "phone_verified": false,
            }),
            provider: "email".to_owned(),
            last_sign_in_at: user.last_sign_in_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
            email: Some(email.to_string()),
        })
    }
}

impl From<IssuedSession> for SessionOut {
    fn from(issued: IssuedSession) -> Self {
        Self {
            access_token: issued.access_token,
            token_type: "bearer",
            expires_in: issued.expires_in,
            expires_at: issued.expires_at,
            refresh_token: issued.refresh_token,
            user: issued.user.into(),
        }
    }
}
