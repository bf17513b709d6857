//! Erasing a person: every byte of theirs goes, in one transaction. The trail keeps ids, and nothing else does.

use quoin_audit::{Actor, Entry};
use quoin_db::{DbError, Tx};
use quoin_kernel::event::Event;
use quoin_kernel::port::Origin;
use quoin_kernel::{EventId, Problem, Timestamp, UserId};
use serde_json::json;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::User;
use crate::service::end_sessions::end_sessions;
use crate::service::letters;
use crate::service::list_users::get_user;
use crate::service::upstream::administer;
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
    if let Some(store) = identity.user_store() {
        // There first: whoever is erased here and not there would be somebody new at the next sign-in.
        administer::delete(identity, store, &get_user(identity, id).await?).await?;
    }
    let inside = identity.clone();
    let entry = identity.entry(actor, "identity.user.deleted", origin).on(id);
    let now = origin.now;
    let delete = move |tx: &mut Tx<'_>| {
        let user = users_global::find(tx, id)?.ok_or(IdentityError::UserNotFound)?;
        erase(tx, &inside, &user, &entry, now)?;
        Ok::<_, Problem>(user)
    };
    identity.db().write("identity.user.delete", delete).await
}

/// Erases a person, whoever wants it: an administrator, or the end of the organisation whose people they are one of.
pub(crate) fn erase(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    entry: &Entry,
    now: Timestamp,
) -> Result<(), DbError> {
    let (id, realm, rng) = (user.id, user.realm.org_id(), identity.app().rng());
    end_sessions(tx, identity, id, None, now)?;
    let limits = quoin_tenancy::Limits::of(identity.app());
    let removed = quoin_tenancy::remove_person(tx, &limits, id, now, rng)?;
    // What waits for an address is theirs once they have proved it: anybody could name one to take its mails away.
    match user.email.as_ref() {
        Some(address) if user.is_proved() => {
            quoin_mail::forget(tx, realm, address, now)?;
            quoin_tenancy::forget_address(tx, realm, address)?;
        }
        Some(address) => letters::forget_own(tx, (realm, address), now)?,
        None => {}
    }
    users_global::delete(tx, id)?;
    let handed_over: Vec<_> = removed.handed_over.iter().map(|(org_id, _)| org_id).collect();
    let detail = json!({"deleted_orgs": removed.deleted, "handed_over_orgs": handed_over});
    quoin_audit::record(tx, &entry.clone().detail(detail))?;
    let event = Event { name: "identity.user.deleted", org_id: None, payload: json!({"user_id": id}) };
    quoin_jobs::publish(tx, EventId::new(now, rng), now, &event)
}
