//! Where a person is signed in: shown with device and place, ended one by one.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, SessionId, UserCaller};

use crate::Identity;
use crate::model::session::ListedSession;
use crate::service::end_sessions::end_session;
use crate::store::sessions_global;

/// Lists the caller's sessions, the one used last first.
pub async fn list_sessions(identity: &Identity, caller: &UserCaller) -> Result<Vec<ListedSession>, Problem> {
    caller.demand_own_session()?;
    let user_id = caller.user_id;
    Ok(identity.db().read("identity.session.list", move |tx| sessions_global::list(tx, user_id)).await?)
}

/// Ends one of the caller's sessions; its tokens are refused from the next request on.
///
/// # Errors
/// 404 for a session that is not theirs, or has ended.
pub async fn revoke_session(
    identity: &Identity,
    caller: &UserCaller,
    id: SessionId,
    origin: &Origin,
) -> Result<(), Problem> {
    caller.demand_own_session()?;
    let (user_id, now) = (caller.user_id, origin.now);
    let entry = identity.entry(Actor::User(user_id), "identity.session.revoked", origin).on(id);
    let inside = identity.clone();
    identity
        .db()
        .write("identity.session.revoke", move |tx| {
            if !sessions_global::list_ids(tx, user_id)?.contains(&id) {
                return Err(Problem::not_found("session"));
            }
            end_session(tx, &inside, id, now)?;
            Ok(quoin_audit::record(tx, &entry)?)
        })
        .await
}
