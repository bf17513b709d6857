//! An administrator invites somebody: an account without a password, and a link that opens it.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, UserId};
use serde_json::{Map, Value};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Metadata, Purpose, User};
use crate::service::create_account::create_account;
use crate::service::send_link::{LinkDraft, LinkWishes, send_link};
use crate::service::upstream::gate;
use crate::store::users_global;

/// Makes an account for an address, or takes the one that nobody has confirmed yet, and sends the invitation.
///
/// # Errors
/// `email_exists` where somebody has confirmed the address.
pub async fn invite_user(
    identity: &Identity,
    (email, data): (EmailAddress, Map<String, Value>),
    wishes: LinkWishes,
    actor: Actor,
    origin: &Origin,
) -> Result<User, Problem> {
    gate::demand_own_store(identity)?;
    let (now, realm) = (origin.now, identity.realm(origin)?);
    let metadata = Metadata::default().merged(&data, "data")?;
    let draft = LinkDraft::new(identity, Purpose::Invite, &wishes, &origin.for_another_reader());
    let id = UserId::new(now, identity.app().rng());
    let (inside, seen_from) = (identity.clone(), origin.clone());
    identity
        .db()
        .write("identity.user.invite", move |tx| {
            let known = users_global::find_by_email(tx, realm, &email)?;
            if known.as_ref().is_some_and(|user| user.is_confirmed(inside.config().unverified)) {
                return Err(Problem::from(IdentityError::EmailExists));
            }
            let is_new = known.is_none();
            let mut user = known.unwrap_or_else(|| User::new(realm, id, email.clone(), now));
            user.user_metadata = user.user_metadata.merged(metadata.object(), "data")?;
            user.invited_at = Some(now);
            user.updated_at = now;
            if is_new {
                create_account(tx, &inside, &user, actor.clone(), &seen_from)?;
            } else {
                users_global::update(tx, &user)?;
            }
            let entry = inside.entry(actor.clone(), "identity.user.invited", &seen_from).on(user.id);
            quoin_audit::record(tx, &entry)?;
            send_link(tx, &inside, &user, &email, &draft, now)?;
            Ok(user)
        })
        .await
}
