//! Who may make an account by themselves: everybody while sign-up is open, to the instance and to the organisation whose people
//! they would become one of; otherwise whoever that organisation has invited.

use quoin_db::{DbError, Tx};
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Timestamp};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::Realm;

/// Refuses a call that would make an account where sign-up is closed, whoever it is about.
///
/// # Errors
/// `signup_disabled`; `organization_needed` where the call does not say among whom.
pub(crate) async fn require_open_sign_up(identity: &Identity, origin: &Origin) -> Result<(), Problem> {
    let realm = identity.realm(origin)?;
    let inside = identity.clone();
    let open = match realm.org_id() {
        // Nothing is asked of the database.
        None => identity.config().sign_up,
        Some(_) => {
            identity.db().read("identity.sign_up.is_open", move |tx| is_open(tx, &inside, realm)).await?
        }
    };
    if open { Ok(()) } else { Err(IdentityError::SignupDisabled.into()) }
}

/// Tells whether a call may make an account, as pages ask that would offer it.
///
/// # Errors
/// 503 where it cannot be found out.
pub async fn may_sign_up(identity: &Identity, origin: &Origin) -> Result<bool, Problem> {
    match require_open_sign_up(identity, origin).await {
        Err(problem) if problem.status() >= 500 => Err(problem),
        outcome => Ok(outcome.is_ok()),
    }
}

/// Tells whether somebody new may come: anybody while sign-up is open; otherwise whoever is invited with this address, who
/// could become one of an organisation's people in no other way.
pub(crate) fn is_welcome(
    tx: &mut Tx<'_>,
    identity: &Identity,
    (realm, email): (Realm, Option<&EmailAddress>),
    now: Timestamp,
) -> Result<bool, Problem> {
    if is_open(tx, identity, realm)? {
        return Ok(true);
    }
    match (realm.org_id(), email) {
        (Some(org_id), Some(email)) => Ok(quoin_tenancy::is_invited(tx, org_id, email, now)?),
        _ => Ok(false),
    }
}

/// Tells whether anybody may come.
pub(crate) fn is_open(tx: &mut Tx<'_>, identity: &Identity, realm: Realm) -> Result<bool, DbError> {
    if !identity.config().sign_up {
        return Ok(false);
    }
    realm.org_id().map_or(Ok(true), |org_id| quoin_tenancy::takes_anybody(tx, org_id))
}
