//! Taking an external identity from an account: never the last way in.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, UserCaller};
use serde_json::json;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{IdentityId, User};
use crate::service::end_sessions::end_sessions;
use crate::service::letters::{self, FactorChange, Letter};
use crate::service::step_up::{own_strong_session, strong_session_in};
use crate::service::upstream::subject_of;
use crate::store::identities_global;

/// Removes one of the caller's external identities; their other sessions end.
///
/// # Errors
/// `identity_not_found`, `single_identity_not_deletable`, `insufficient_aal`, `reauthentication_needed`.
pub async fn unlink_identity(
    identity: &Identity,
    caller: &UserCaller,
    id: IdentityId,
    origin: &Origin,
) -> Result<(), Problem> {
    own_strong_session(identity, caller, origin).await?;
    let session_id = caller.session_id;
    let (inside, seen_from) = (identity.clone(), origin.clone());
    identity
        .db()
        .write("identity.identity.unlink", move |tx| {
            let (user, _) = strong_session_in(tx, &inside, session_id, &seen_from)?;
            let linked = user.identities.iter().find(|linked| linked.id == id);
            let linked = linked.ok_or(IdentityError::IdentityNotFound)?;
            let is_the_way_in = subject_of(&inside, &user).is_some_and(|subject| subject == linked.subject);
            if is_the_way_in || !has_another_way_in(&inside, &user) {
                return Err(Problem::from(IdentityError::SingleIdentity));
            }
            identities_global::delete(tx, user.id, id)?;
            end_sessions(tx, &inside, user.id, Some(session_id), seen_from.now)?;
            let letter = Letter::FactorChanged { what: FactorChange::IdentityUnlinked };
            letters::tell(tx, &inside, &user, &letter, &seen_from)?;
            let entry = inside.entry(Actor::User(user.id), "identity.identity.unlinked", &seen_from);
            let detail = json!({"provider": linked.provider});
            Ok(quoin_audit::record(tx, &entry.on(user.id).detail(detail))?)
        })
        .await
}

/// Tells whether one identity can go: another one stays, or an address at which the person can be reached.
fn has_another_way_in(identity: &Identity, user: &User) -> bool {
    user.identities.len() > 1 || user.is_confirmed(identity.config().unverified)
}
