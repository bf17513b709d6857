//! Which doors stay open where a provider keeps people: only those behind which it, or nobody, vouches for the person.

use quoin_kernel::OrgId;

use super::subject_of;
use crate::Identity;
use crate::error::IdentityError;
use crate::model::{AuthMethod, Session, User};

/// What must be asked before a session goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Nothing: the provider does not keep this person.
    Nothing,
    /// Whether its sealed token still holds.
    Token(Vec<u8>),
    /// Whether this subject may still sign in.
    Standing(String),
    /// There is nobody to ask: the session was opened before the provider kept people, by a door that is shut now.
    Refuse,
}

/// Refuses a session that no attestation of the provider stands behind. People whom the provider does not keep still come
/// through others that are configured; an organisation's own provider answers for its own sessions.
///
/// # Errors
/// `provider_required`.
pub(crate) fn check_door(
    identity: &Identity,
    user: &User,
    (method, sso_org_id): (AuthMethod, Option<OrgId>),
    is_upheld: bool,
) -> Result<(), IdentityError> {
    if identity.user_store().is_none() || is_upheld || sso_org_id.is_some() {
        return Ok(());
    }
    let by_others = matches!(method, AuthMethod::Oauth | AuthMethod::Sso);
    if by_others && subject_of(identity, user).is_none() {
        return Ok(());
    }
    Err(IdentityError::ProviderRequired)
}

/// Says what must be asked before a session goes on.
pub(crate) fn demand_of(identity: &Identity, user: &User, session: &Session) -> Demand {
    if identity.user_store().is_none() || session.sso_org_id.is_some() {
        return Demand::Nothing;
    }
    let token = session.upstream_state.clone().filter(|_| session.owed_factor.is_none());
    match (token, subject_of(identity, user)) {
        (Some(token), Some(_)) => Demand::Token(token),
        (None, Some(subject)) => Demand::Standing(subject.to_owned()),
        (_, None) if session.method == AuthMethod::Oauth => Demand::Nothing,
        (_, None) => Demand::Refuse,
    }
}

/// Refuses what only this room's own store has: links that sign in, passkeys, addresses that people change themselves.
///
/// # Errors
/// `kept_by_provider`.
pub(crate) fn demand_own_store(identity: &Identity) -> Result<(), IdentityError> {
    match identity.user_store() {
        Some(_) => Err(IdentityError::KeptByProvider(
            "Accounts are kept by your provider: sign up, in and out with name and password, and recover there.",
        )),
        None => Ok(()),
    }
}
