//! Ending sessions: rows go, and what their access tokens still claim is revoked, in one transaction.

use quoin_db::{DbError, Tx};
use quoin_kernel::{SessionId, Timestamp, UserId};
use quoin_tenancy::revocations::{self, Revocation, Revoked};

use crate::Identity;
use crate::store::{codes_global, oauth_flows_global, sessions_global};

/// Ends one session.
pub(crate) fn end_session(
    tx: &mut Tx<'_>,
    identity: &Identity,
    id: SessionId,
    now: Timestamp,
) -> Result<(), DbError> {
    if sessions_global::delete(tx, id)? {
        revoke(tx, identity, id, now)?;
    }
    Ok(())
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
