//! An administrator changes an account: a new password or a ban ends its sessions and links at once.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, UserId};
use serde_json::json;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::ban::BanDuration;
use crate::model::{LinkEnding, User};
use crate::service::admin_changes::{AdminChanges, CheckedChanges};
use crate::service::end_sessions::end_sessions;
use crate::service::letters::{self, Letter};
use crate::service::list_users::get_user;
use crate::service::upstream::{administer, later};
use crate::store::{links_global, users_global};

/// Changes an account.
///
/// # Errors
/// `user_not_found`, `email_exists`, `weak_password`; 400 `validation_failed`.
pub async fn change_user(
    identity: &Identity,
    id: UserId,
    mut changes: AdminChanges,
    actor: Actor,
    origin: &Origin,
) -> Result<User, Problem> {
    if let Some(store) = identity.user_store() {
        let user = get_user(identity, id).await?;
        administer::change(identity, store, &user, &mut changes).await?;
    }
    let checked = changes.check(identity).await?;
    let (inside, seen_from) = (identity.clone(), origin.for_another_reader());
    identity
        .db()
        .write("identity.user.change", move |tx| {
            let user = users_global::find(tx, id)?.ok_or(IdentityError::UserNotFound)?;
            let user = change(tx, &inside, user, &checked, &seen_from)?;
            if checked.ban.is_some() {
                later::carry_standing(tx, &inside, &user, seen_from.now)?;
            }
            for action in actions(&checked) {
                let entry = inside.entry(actor.clone(), action, &seen_from).on(id);
                quoin_audit::record(tx, &entry.detail(json!({"banned_until": user.banned_until})))?;
            }
            Ok(user)
        })
        .await
}

fn change(
    tx: &mut Tx<'_>,
    identity: &Identity,
    mut user: User,
    checked: &CheckedChanges,
    origin: &Origin,
) -> Result<User, Problem> {
    let now = origin.now;
    let old_email = user.email.clone();
    checked.apply(&mut user, now)?;
    let moved = user.email != old_email;
    if let Some(email) = user.email.as_ref().filter(|_| moved) {
        user.is_anonymous = false;
        if users_global::find_by_email(tx, user.realm, email)?.is_some() {
            return Err(IdentityError::EmailExists.into());
        }
    }
    users_global::update(tx, &user)?;
    if moved || checked.changes_password() || user.is_banned(now) {
        links_global::end_of_user(tx, user.id, LinkEnding::Revoked, now)?;
    }
    if checked.changes_password() || user.is_banned(now) {
        end_sessions(tx, identity, user.id, None, now)?;
    }
    if checked.changes_password() {
        letters::tell(tx, identity, &user, &Letter::PasswordChanged, origin)?;
    }
    if let Some(new) = user.email.clone().filter(|_| moved) {
        let letter = Letter::EmailChanged { new: new.clone() };
        for address in old_email.iter().chain([&new]) {
            let reader = (user.realm, address, user.language());
            letters::send(tx, identity, reader, &letter, now)?;
        }
    }
    Ok(user)
}

/// Names what the trail shows; a ban has a name of its own, because people look for it.
fn actions(checked: &CheckedChanges) -> impl Iterator<Item = &'static str> {
    let ban = checked.ban.map(|ban| match ban {
        BanDuration::None => "identity.user.unbanned",
        BanDuration::For(_) => "identity.user.banned",
    });
    std::iter::once("identity.user.changed").chain(ban)
}
