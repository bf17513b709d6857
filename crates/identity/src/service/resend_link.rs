//! Asking for a link once more. Known and unknown addresses are answered alike.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Timestamp};
use serde::Deserialize;

use crate::Identity;
use crate::model::{Purpose, Realm, User};
use crate::service::change_email::{ChangeDraft, send_pending_links};
use crate::service::limits;
use crate::service::send_link::{LinkDraft, LinkWishes, send_link};
use crate::service::upstream::{gate, reset};
use crate::store::users_global;

/// Which link is wanted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResendType {
    /// The confirmation of a sign-up.
    Signup,
    /// The links of a change of address.
    EmailChange,
}

/// Sends a link again, if one was sent before and has not been used; the older one is dead from then on.
///
/// # Errors
/// 429 `over_email_send_rate_limit`, for unknown addresses too.
pub async fn resend_link(
    identity: &Identity,
    (kind, email): (ResendType, EmailAddress),
    wishes: LinkWishes,
    origin: &Origin,
) -> Result<(), Problem> {
    if let Some(store) = identity.user_store() {
        if kind == ResendType::EmailChange {
            gate::demand_own_store(identity)?;
        }
        return reset::request(identity, store, (&email, reset::Wanted::Confirmation), origin).await;
    }
    let realm = identity.realm(origin)?;
    let account = realm.account(&email);
    quoin_web::evenly(&account, send_again(identity, (kind, realm, email), wishes, origin)).await
}

async fn send_again(
    identity: &Identity,
    (kind, realm, email): (ResendType, Realm, EmailAddress),
    wishes: LinkWishes,
    origin: &Origin,
) -> Result<(), Problem> {
    limits::spend_mail(identity, (realm, &email), origin).await?;
    let now = origin.now;
    let signup = LinkDraft::new(identity, Purpose::Signup, &wishes, origin);
    let change = ChangeDraft::new(identity, &wishes, origin);
    let entry = identity.entry(Actor::Anonymous, "identity.link.resend_requested", origin);
    let inside = identity.clone();
    identity
        .db()
        .write("identity.link.resend", move |tx| {
            quoin_audit::record(tx, &entry)?;
            let found = users_global::find_by_email(tx, realm, &email)?;
            let Some(user) = found.filter(|user| !user.is_banned(now)) else { return Ok(()) };
            let is_confirmed = user.is_confirmed(inside.config().unverified);
            match kind {
                ResendType::Signup if !is_confirmed => confirm_again(tx, &inside, user, &signup, now),
                ResendType::EmailChange => send_pending_links(tx, &inside, &user, &change, now),
                ResendType::Signup => Ok(()),
            }
        })
        .await
}

fn confirm_again(
    tx: &mut Tx<'_>,
    identity: &Identity,
    mut user: User,
    draft: &LinkDraft,
    now: Timestamp,
) -> Result<(), Problem> {
    user.confirmation_sent_at = Some(now);
    users_global::update(tx, &user)?;
    let Some(email) = user.email.clone() else { return Ok(()) };
    send_link(tx, identity, &user, &email, draft, now)
}
