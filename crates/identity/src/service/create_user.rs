//! An administrator makes an account. No mail is sent.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, UserId};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Realm, User};
use crate::service::admin_changes::AdminChanges;
use crate::service::create_account::create_account;
use crate::service::upstream::administer;
use crate::store::users_global;

/// Makes an account with its personal organisation, or among the people of the organisation that the call is about.
///
/// # Errors
/// `email_exists`; `weak_password`; `organization_needed`; 400 `validation_failed` without an address, or 409 `conflict` where the id is taken.
pub async fn create_user(
    identity: &Identity,
    (id, org_role): (Option<UserId>, Option<String>),
    changes: AdminChanges,
    actor: Actor,
    origin: &Origin,
) -> Result<User, Problem> {
    if let Some(store) = identity.user_store() {
        return administer::create(identity, store, (id, changes), actor, origin).await;
    }
    let (now, realm) = (origin.now, identity.realm(origin)?);
    let checked = changes.check(identity).await?;
    if realm == Realm::INSTANCE && org_role.is_some() {
        let why = "is for identity.mode = \"per_organization\"";
        return Err(Problem::invalid(format!("org_role {why}.")).field("org_role", why));
    }
    let email = checked
        .email
        .clone()
        .ok_or_else(|| Problem::invalid("An account needs an address.").field("email", "is needed"))?;
    let id = id.unwrap_or_else(|| UserId::new(now, identity.app().rng()));
    let mut user = User::new(realm, id, email.clone(), now);
    checked.apply(&mut user, now)?;
    let (inside, seen_from) = (identity.clone(), origin.clone());
    identity
        .db()
        .write("identity.user.create", move |tx| {
            if users_global::find_by_email(tx, realm, &email)?.is_some() {
                return Err(Problem::from(IdentityError::EmailExists));
            }
            if users_global::find(tx, user.id)?.is_some() {
                return Err(Problem::new(409, "conflict", "There is a user with this id already"));
            }
            create_account(tx, &inside, &user, actor.clone(), &seen_from)?;
            if let Some(org_id) = realm.org_id() {
                let entry = inside.entry(actor.clone(), "tenancy.member.added", &seen_from);
                let limits = quoin_tenancy::Limits::of(inside.app());
                let whom = (org_id, user.id);
                quoin_tenancy::add_to_realm(tx, &limits, whom, org_role.as_deref(), now, &entry)?;
            }
            Ok(user.clone())
        })
        .await
}
