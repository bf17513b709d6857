//! Ending sessions: rows go, and what their access tokens still claim is revoked, in one transaction.

use quoin_db::{DbError, Tx};
use quoin_kernel::{SessionId, Timestamp, UserId};
use quoin_tenancy::revocations::{self, Revocation, Revoked};

use crate::Identity;
use crate::service::upstream::later;
use crate::store::{codes_global, oauth_flows_global, sessions_global};

/// Ends one session.
pub(crate) fn end_session(
    tx: &mut Tx<'_>,
    identity: &Identity,
    id: SessionId,
    now: Timestamp,
) -> Result<(), DbError> {
    let upheld_by = match identity.user_store() {
        Some(_) => sessions_global::upstream_state(tx, id)?,
        None => None,
    };
    if sessions_global::delete(tx, id)? {
        revoke(tx, identity, id, now)?;
        if let Some(sealed_token) = upheld_by {
            later::end_session(tx, identity, &sealed_token, now)?;
        }
    }
    Ok(())
}

/// Ends a session whose successor takes over what upholds it.
pub(crate) fn replace_session(
    tx: &mut Tx<'_>,
    identity: &Identity,
    id: SessionId,
    now: Timestamp,
) -> Result<(), DbError> {
    hand_over(tx, identity, id)?;
    end_session(tx, identity, id, now)
}

/// Takes from a session what upholds it, so that its end is not the end of its successor's.
pub(crate) fn hand_over(tx: &mut Tx<'_>, identity: &Identity, id: SessionId) -> Result<(), DbError> {
    match identity.user_store() {
        Some(_) => sessions_global::hand_over(tx, id),
        None => Ok(()),
    }
}

/// Ends a person's sessions, except one, the codes that would open another, and the journeys that would link an identity:
/// whoever held a stolen session must not keep a door of their own.
pub(crate) fn end_sessions(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user_id: UserId,
    except: Option<SessionId>,
    now: Timestamp,
) -> Result<(), DbError> {
    codes_global::delete_of_user(tx, user_id)?;
    oauth_flows_global::delete_of_user(tx, user_id)?;
    for id in sessions_global::list_ids(tx, user_id)? {
        if Some(id) != except {
            end_session(tx, identity, id, now)?;
        }
    }
    Ok(())
}

/// The entry's id is drawn here because how many there are shows only in the transaction; a rerun draws others.
fn revoke(tx: &mut Tx<'_>, identity: &Identity, id: SessionId, now: Timestamp) -> Result<(), DbError> {
    let revocation = Revocation::new(Revoked::Session(id), now, identity.app().rng());
    revocations::revoke(tx, &revocation)
}
