//! People whom a provider elsewhere keeps, in place of this room: the port `UserStore` behind the same verbs.
//!
//! The provider attests who somebody is, by issuer and subject; sessions, profile, organisations and the trail are ours.
//! Each session is upheld by the provider: by its refresh token, which is shown at every refresh, or by a look at the
//! account where there is none. What attests nobody to the provider (links by mail, passkeys) opens nothing: `gate`.
//!
//! Reading order: `gate`, `sign_in`, `follow`, `owed_factor`, `uphold`, `sign_up`, `reset`, `change`, `administer`, `later`.

pub(crate) mod administer;
pub(crate) mod change;
pub(crate) mod follow;
pub(crate) mod gate;
pub(crate) mod later;
pub(crate) mod owed_factor;
pub(crate) mod reset;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod uphold;
pub(crate) mod verify_code;

use quoin_kernel::{Problem, Secret};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::User;
use crate::port::StoreError;

/// The purpose under which a provider's refresh token is sealed.
const TOKEN_SEALED_AS: &str = "identity.upstream.token";
/// The purpose under which the state of an owed factor is sealed.
const OWED_SEALED_AS: &str = "identity.upstream.owed";
/// The longest name that is shown to a provider, in bytes.
const MAX_NAME_BYTES: usize = 320;

/// Says what a provider's refusal means to whoever called. Whatever is the operator's to mend is a 503 and in the log.
pub(crate) fn told(error: StoreError) -> Problem {
    if matches!(error, StoreError::Busy | StoreError::Refused(_) | StoreError::Unreachable(_)) {
        tracing::warn!(%error, "the provider that keeps people does not answer as it must");
    }
    match error {
        StoreError::InvalidCredentials => IdentityError::InvalidCredentials.into(),
        StoreError::Unconfirmed => IdentityError::EmailNotConfirmed.into(),
        StoreError::ActionRequired(what) => IdentityError::ProviderActionRequired(what).into(),
        StoreError::Ended(_) => IdentityError::SessionNotFound.into(),
        StoreError::Exists => IdentityError::EmailExists.into(),
        StoreError::NoSuchPerson => IdentityError::UserNotFound.into(),
        StoreError::WeakPassword(why) => IdentityError::PasswordRefused(why).into(),
        StoreError::CodeRefused | StoreError::CodeExpired => IdentityError::LinkExpired.into(),
        StoreError::NotOffered(what) => IdentityError::ProviderLacks(what).into(),
        StoreError::Busy | StoreError::Refused(_) | StoreError::Unreachable(_) => unreachable(),
    }
}

fn unreachable() -> Problem {
    Problem::unavailable("provider_unreachable", "The provider cannot be asked now; try again", 5)
}

/// Returns the person's subject at the provider that keeps people, where they have one.
pub(crate) fn subject_of<'a>(identity: &Identity, user: &'a User) -> Option<&'a str> {
    let issuer = &identity.user_store()?.provider().issuer;
    let known = user.identities.iter().find(|known| &known.issuer == issuer)?;
    Some(&known.subject)
}

/// Returns the name by which the person signs in at the provider.
fn name_of(identity: &Identity, user: &User) -> Option<String> {
    let issuer = &identity.user_store()?.provider().issuer;
    let known = user.identities.iter().find(|known| &known.issuer == issuer)?;
    let said = |key: &str| known.data[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    said("username")
        .or_else(|| said("preferred_username"))
        .or_else(|| said("email"))
        .or_else(|| user.email.as_ref().map(ToString::to_string))
}

/// Refuses a name that no provider could have.
fn usable_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        let why = "must be an address or a user name";
        return Err(Problem::invalid(format!("username {why}.")).field("username", why));
    }
    Ok(name.to_owned())
}

/// Seals a provider's refresh token for the row of its session.
fn seal_token(identity: &Identity, token: Option<&Secret<String>>) -> Option<Vec<u8>> {
    token.map(|token| identity.app().master_key().seal(TOKEN_SEALED_AS, token.expose().as_bytes()))
}

fn open_text(identity: &Identity, purpose: &str, sealed: &[u8]) -> Result<Secret<String>, Problem> {
    let opened = identity.app().master_key().open(purpose, sealed).map_err(Problem::internal)?;
    let text = String::from_utf8(opened.expose().clone()).map_err(Problem::internal)?;
    Ok(Secret::new(text))
}

/// Ends a session at the provider that opened none here. Best effort: it ends there by itself sooner or later.
async fn abandon(identity: &Identity, token: Option<&Secret<String>>) {
    if let (Some(store), Some(token)) = (identity.user_store(), token)
        && let Err(error) = store.end(token).await
    {
        tracing::info!(%error, "a session that opened nothing here goes on at the provider");
    }
}
