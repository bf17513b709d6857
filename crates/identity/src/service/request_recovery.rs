//! Asking for a recovery link. Known and unknown addresses are answered alike.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem};

use crate::Identity;
use crate::model::{Purpose, Realm};
use crate::service::limits;
use crate::service::new_password::demand_passwords;
use crate::service::send_link::{LinkDraft, LinkWishes, send_link};
use crate::service::upstream::reset;
use crate::store::users_global;

/// Sends a recovery link, if there is somebody to send it to who may sign in.
///
/// # Errors
/// `email_provider_disabled`; 429 `over_email_send_rate_limit`, for unknown addresses too.
pub async fn request_recovery(
    identity: &Identity,
    email: EmailAddress,
    wishes: LinkWishes,
    origin: &Origin,
) -> Result<(), Problem> {
    if let Some(store) = identity.user_store() {
        return reset::request(identity, store, (&email, reset::Wanted::Reset), origin).await;
    }
    demand_passwords(identity)?;
    let realm = identity.realm(origin)?;
    quoin_web::evenly(&realm.account(&email), send(identity, (realm, email), wishes, origin)).await
}

async fn send(
    identity: &Identity,
    (realm, email): (Realm, EmailAddress),
    wishes: LinkWishes,
    origin: &Origin,
) -> Result<(), Problem> {
    limits::spend_mail(identity, (realm, &email), origin).await?;
    let now = origin.now;
    let draft = LinkDraft::new(identity, Purpose::Recovery, &wishes, origin);
    // Written in either case: no less work for an unknown address.
    let entry = identity.entry(Actor::Anonymous, "identity.recovery.requested", origin);
    let inside = identity.clone();
    identity
        .db()
        .write("identity.recovery.request", move |tx| {
            let found = users_global::find_by_email(tx, realm, &email)?.filter(|user| !user.is_banned(now));
            let Some(mut user) = found else {
                return Ok(quoin_audit::record(tx, &entry)?);
            };
            quoin_audit::record(tx, &entry.clone().on(user.id))?;
            user.recovery_sent_at = Some(now);
            users_global::update(tx, &user)?;
            send_link(tx, &inside, &user, &email, &draft, now)
        })
        .await
}
