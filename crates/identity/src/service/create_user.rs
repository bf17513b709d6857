//! An administrator makes an account. No mail is sent.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, UserId};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::User;
use crate::service::admin_changes::AdminChanges;
use crate::service::create_account::create_account;
use crate::store::users_global;

/// Makes an account with its personal organisation.
///
/// # Errors
/// `email_exists`; `weak_password`; 400 `validation_failed` without an address, or 409 `conflict` where the id is taken.
pub async fn create_user(
    identity: &Identity,
    id: Option<UserId>,
    changes: AdminChanges,
    actor: Actor,
    origin: &Origin,
) -> Result<User, Problem> {
    let now = origin.now;
    let checked = changes.check(identity).await?;
    let email = checked
        .email
        .clone()
        .ok_or_else(|| Problem::invalid("An account needs an address.").field("email", "is needed"))?;
    let id = id.unwrap_or_else(|| UserId::new(now, identity.app().rng()));
    let mut user = User::new(id, email.clone(), now);
    checked.apply(&mut user, now)?;
    let (inside, seen_from) = (identity.clone(), origin.clone());
    identity
        .db()
        .write("identity.user.create", move |tx| {
            if users_global::find_by_email(tx, &email)?.is_some() {
                return Err(Problem::from(IdentityError::EmailExists));
            }
            if users_global::find(tx, user.id)?.is_some() {
                return Err(Problem::new(409, "conflict", "There is a user with this id already"));
            }
            create_account(tx, &inside, &user, actor.clone(), &seen_from)?;
            Ok(user.clone())
        })
        .await
}
