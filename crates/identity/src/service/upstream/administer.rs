//! What administrators do with people whom the provider keeps: there first, where it is idempotent, and then here.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, UserId};

use super::sign_up::Account;
use super::{later, subject_of, told};
use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Realm, User};
use crate::port::{NewPerson, PersonChanges, UserStore};
use crate::service::admin_changes::AdminChanges;
use crate::service::new_password::check_new_password;

/// Makes an account at the provider, and the row here that waits for its person.
///
/// # Errors
/// `email_exists`, `weak_password`; `kept_by_provider` for a hash; 400 `validation_failed` without an address.
pub(crate) async fn create(
    identity: &Identity,
    store: &dyn UserStore,
    (id, mut changes): (Option<UserId>, AdminChanges),
    actor: Actor,
    origin: &Origin,
) -> Result<User, Problem> {
    let now = origin.now;
    refuse_hash(&changes)?;
    let email = changes
        .email
        .clone()
        .ok_or_else(|| Problem::invalid("An account needs an address.").field("email", "is needed"))?;
    let password = changes.password.take();
    if let Some(password) = &password {
        check_new_password(identity, password)?;
    }
    let person =
        NewPerson { email: email.clone(), username: None, password, email_verified: changes.email_confirm };
    let checked = changes.check(identity).await?;
    let mut user =
        User::new(Realm::INSTANCE, id.unwrap_or_else(|| UserId::new(now, identity.app().rng())), email, now);
    checked.apply(&mut user, now)?;
    let registered = store.create(&person).await.map_err(told)?;
    let account = Account::new(identity, store, (&user, &person), registered.subject, origin);
    let inside = identity.clone();
    identity
        .db()
        .write("identity.user.create_elsewhere", move |tx| {
            let user = account.store(tx, actor.clone())?;
            if user.is_banned(now) {
                later::carry_standing(tx, &inside, &user, now)?;
            }
            Ok(user)
        })
        .await
}

/// Carries a new address and a new password over to the provider, before they are noted here.
///
/// # Errors
/// `email_exists`, `weak_password`; `kept_by_provider` for a hash, and for somebody whom the provider does not keep.
pub(crate) async fn change(
    identity: &Identity,
    store: &dyn UserStore,
    user: &User,
    changes: &mut AdminChanges,
) -> Result<(), Problem> {
    refuse_hash(changes)?;
    if let Some(password) = &changes.password {
        check_new_password(identity, password)?;
    }
    let email = changes.email.clone().filter(|email| Some(email) != user.email.as_ref());
    let wanted = PersonChanges { email, password: changes.password.take(), is_enabled: None };
    if wanted.email.is_none() && wanted.password.is_none() {
        return Ok(());
    }
    let subject = subject_of(identity, user).ok_or(IdentityError::KeptByProvider(
        "The provider does not know this person, so there is nothing to change there.",
    ))?;
    store.change(subject, &wanted).await.map_err(told)?;
    changes.ends_sessions = wanted.password.is_some();
    Ok(())
}

/// Erases the account at the provider, so that its person cannot come back.
///
/// # Errors
/// `provider_lacks_this`; 503 where the provider cannot be asked.
pub(crate) async fn delete(identity: &Identity, store: &dyn UserStore, user: &User) -> Result<(), Problem> {
    let Some(subject) = subject_of(identity, user) else { return Ok(()) };
    store.delete(subject).await.or_else(later::erased)
}

fn refuse_hash(changes: &AdminChanges) -> Result<(), Problem> {
    if changes.password_hash.is_some() {
        return Err(IdentityError::KeptByProvider("The provider keeps passwords, and takes no hash.").into());
    }
    Ok(())
}
