//! Erasing a person: every byte of theirs goes, in one transaction. The trail keeps ids, and nothing else does.

use quoin_audit::Actor;
use quoin_kernel::event::Event;
use quoin_kernel::port::Origin;
use quoin_kernel::{EventId, Problem, UserId};
use serde_json::json;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::User;
use crate::service::end_sessions::end_sessions;
use crate::store::users_global;

/// Erases a person, their sessions, links, waiting mails, memberships and whatever organisation is theirs alone.
///
/// # Errors
/// `user_not_found`.
pub async fn delete_user(
    identity: &Identity,
    id: UserId,
    actor: Actor,
    origin: &Origin,
) -> Result<User, Problem> {
    let (inside, seen_from) = (identity.clone(), origin.clone());
    identity
        .db()
        .write("identity.user.delete", move |tx| {
            let now = seen_from.now;
            let user = users_global::find(tx, id)?.ok_or(IdentityError::UserNotFound)?;
            end_sessions(tx, &inside, id, None, now)?;
            let removed = quoin_tenancy::remove_person(tx, id, now, inside.app().rng())?;
            for address in [user.email.as_ref(), user.new_email.as_ref()].into_iter().flatten() {
                quoin_mail::forget(tx, address, now)?;
                quoin_tenancy::forget_address(tx, address)?;
            }
            users_global::delete(tx, id)?;
            let entry = inside.entry(actor.clone(), "identity.user.deleted", &seen_from).on(id);
            let entry = entry.detail(json!({
                "deleted_orgs": removed.deleted,
                "handed_over_orgs": removed.handed_over.iter().map(|(org_id, _)| org_id).collect::<Vec<_>>(),
            }));
            quoin_audit::record(tx, &entry)?;
            let event =
                Event { name: "identity.user.deleted", org_id: None, payload: json!({"user_id": id}) };
            quoin_jobs::publish(tx, EventId::new(now, inside.app().rng()), now, &event)?;
            Ok(user)
        })
        .await
}
