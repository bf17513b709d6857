//! Showing once more who one is: a code by mail, or a sign-in that is recent enough.

use std::time::Duration;

use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret, UserCaller};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Link, Purpose, Session, User};
use crate::service::limits::{self, Guessed};
use crate::service::send_link::{LinkDraft, LinkWishes, send_link};
use crate::service::update_user::{own_session, session_in};
use crate::store::links_global;

/// Sends the caller a code that a change of password or address accepts as `nonce`.
///
/// # Errors
/// `session_not_found`; 429 `over_email_send_rate_limit`.
pub async fn request_reauthentication(
    identity: &Identity,
    caller: &UserCaller,
    origin: &Origin,
) -> Result<(), Problem> {
    let (session_id, now) = (caller.session_id, origin.now);
    let (user, _) = own_session(identity, caller).await?;
    let (realm, email) = (user.realm, user.email.ok_or(IdentityError::ReauthenticationNotValid)?);
    limits::spend_mail(identity, (realm, &email), origin).await?;
    let draft = LinkDraft::new(identity, Purpose::Reauthentication, &LinkWishes::default(), origin);
    let inside = identity.clone();
    identity
        .db()
        .write("identity.reauthentication.request", move |tx| {
            let (user, _) = session_in(tx, session_id)?;
            send_link(tx, &inside, &user, &email, &draft, now)
        })
        .await
}

/// Tells whether the session is young enough for a change that needs a recent sign-in.
pub(crate) fn is_recent(identity: &Identity, session: &Session, origin: &Origin) -> bool {
    origin.now.since(session.last_shown()) <= Duration::from_secs(identity.config().recent_sign_in_s)
}

/// Finds out, before the transaction, whether a nonce is the code that was sent; a wrong one is counted.
///
/// # Errors
/// `reauthentication_not_valid`; 429 after too many wrong codes.
pub(crate) async fn check_nonce(
    identity: &Identity,
    user: &User,
    nonce: &Secret<String>,
    origin: &Origin,
) -> Result<(), Problem> {
    let guessed = Guessed::Factor(user.id);
    limits::check_failures(identity, guessed, origin).await?;
    let (user_id, now, typed) = (user.id, origin.now, nonce.clone());
    let master = identity.app().master_key().clone();
    // Compared and counted in one transaction: see `verify_link`.
    let matches = identity
        .db()
        .write("identity.reauthentication.guess", move |tx| {
            let links = links_global::list_alive(tx, user_id, now)?;
            let sent = |link: &Link| link.purpose == Purpose::Reauthentication && link.is_alive(now);
            let Some(link) = links.into_iter().find(sent) else { return Ok(None) };
            if link.has_code(&master, typed.expose()) {
                return Ok(Some(true));
            }
            links_global::update_failures(tx, link.id)?;
            Ok::<_, Problem>(Some(false))
        })
        .await?;
    match matches {
        Some(true) => return Ok(()),
        Some(false) => limits::count_failure(identity, guessed, origin).await?,
        None => {}
    }
    Err(IdentityError::ReauthenticationNotValid.into())
}

/// Uses the code up, in the transaction of the change that it was asked for.
///
/// # Errors
/// `reauthentication_not_valid` where another change has used it.
pub(crate) fn consume_nonce(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    nonce: &Secret<String>,
    origin: &Origin,
) -> Result<(), Problem> {
    let now = origin.now;
    let links = links_global::list_alive(tx, user.id, now)?;
    let master = identity.app().master_key();
    let sent = links
        .into_iter()
        .find(|link| link.purpose == Purpose::Reauthentication && link.has_code(master, nonce.expose()));
    let link = sent.ok_or(IdentityError::ReauthenticationNotValid)?;
    if links_global::consume(tx, link.id, now)? {
        return Ok(());
    }
    Err(IdentityError::ReauthenticationNotValid.into())
}
