//! What each kind of link does to the account, once it is consumed.

use quoin_audit::Actor;
use quoin_db::{DbError, Tx};
use quoin_kernel::Problem;
use quoin_kernel::port::Origin;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{EmailProof, Link, LinkEnding, Purpose, User};
use crate::service::end_sessions::end_sessions;
use crate::service::letters::{self, Letter};
use crate::store::{factors_global, identities_global, links_global, users_global};

/// What a consumed link has done.
pub(crate) enum Applied {
    /// All that it is for; the person as they are now.
    Done(Box<User>),
    /// Half of a change of address: the other address has to agree too.
    OneOfTwo,
}

/// Applies a link to the account it belongs to.
///
/// # Errors
/// `otp_expired` where the link was sent to an address that is no longer the one in question.
pub(crate) fn apply_link(
    tx: &mut Tx<'_>,
    identity: &Identity,
    mut user: User,
    link: &Link,
    origin: &Origin,
) -> Result<Applied, Problem> {
    let bound_to = match link.purpose {
        Purpose::EmailChangeNew => user.new_email.as_ref(),
        _ => user.email.as_ref(),
    };
    if bound_to != Some(&link.email) {
        return Err(IdentityError::LinkExpired.into());
    }
    match link.purpose {
        // Sign-ups that disagree have left no password, so that none of another person's is confirmed here.
        Purpose::Signup => user.confirm(EmailProof::Mail, origin.now),
        Purpose::Invite | Purpose::Recovery | Purpose::Magiclink => {
            // One that is only believed may be a stranger's, wherever that counts.
            if !user.is_proved() {
                disown_stranger(tx, identity, &mut user, origin)?;
            }
            user.confirm(EmailProof::Mail, origin.now);
        }
        Purpose::EmailChangeCurrent | Purpose::EmailChangeNew => {
            return change_address(tx, identity, user, link, origin);
        }
        // Its code is taken by the change it was asked for, never here.
        Purpose::Reauthentication => return Err(IdentityError::LinkExpired.into()),
    }
    users_global::update(tx, &user)?;
    Ok(Applied::Done(Box::new(user)))
}

/// Takes an account whose address nobody has proved from whoever made it: the reader of the address owns it now.
pub(crate) fn disown_stranger(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &mut User,
    origin: &Origin,
) -> Result<(), DbError> {
    user.password_hash = None;
    user.factors.clear();
    factors_global::delete_all(tx, user.id)?;
    user.identities.clear();
    identities_global::delete_all(tx, user.id)?;
    user.new_email = None;
    user.email_change_sent_at = None;
    links_global::end_of_user(tx, user.id, LinkEnding::Revoked, origin.now)?;
    end_sessions(tx, identity, user.id, None, origin.now)
}

/// Changes the address once both the present and the new one have agreed; one that was never proved is not asked.
fn change_address(
    tx: &mut Tx<'_>,
    identity: &Identity,
    mut user: User,
    link: &Link,
    origin: &Origin,
) -> Result<Applied, Problem> {
    let now = origin.now;
    let other = match link.purpose {
        Purpose::EmailChangeCurrent => Purpose::EmailChangeNew,
        _ => Purpose::EmailChangeCurrent,
    };
    let since = user.email_change_sent_at.unwrap_or(link.created_at);
    let asks_both = user.is_confirmed(identity.config().unverified);
    if asks_both && !links_global::was_used_since(tx, user.id, other, since)? {
        return Ok(Applied::OneOfTwo);
    }
    let new = user.new_email.take().ok_or(IdentityError::LinkExpired)?;
    if users_global::find_by_email(tx, user.realm, &new)?.is_some() {
        return Err(IdentityError::LinkExpired.into());
    }
    let old = user.take_address(new.clone(), EmailProof::Mail, now);
    user.email_change_sent_at = None;
    users_global::update(tx, &user)?;
    links_global::end_of_user(tx, user.id, LinkEnding::Revoked, now)?;
    let letter = Letter::EmailChanged { new: new.clone() };
    // Somebody without an address so far has just read this one's mail.
    for address in old.iter().chain(old.as_ref().map(|_| &new)) {
        let reader = (user.realm, address, user.language_in(origin));
        letters::send(tx, identity, reader, &letter, now)?;
    }
    let entry = identity.entry(Actor::User(user.id), "identity.user.email_changed", origin);
    quoin_audit::record(tx, &entry.on(user.id))?;
    Ok(Applied::Done(Box::new(user)))
}
