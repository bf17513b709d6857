//! A change of address: both the present and the new address have to agree, each by a link of its own.

use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Timestamp};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{EmailProof, LinkEnding, Purpose, User};
use crate::service::letters::{self, Letter};
use crate::service::send_link::{LinkDraft, LinkWishes, send_link};
use crate::store::{links_global, users_global};

/// The two links, drawn before their transaction.
#[derive(Debug, Clone)]
pub(crate) struct ChangeDraft {
    current: LinkDraft,
    new: LinkDraft,
}

impl ChangeDraft {
    /// Draws both links.
    pub(crate) fn new(identity: &Identity, wishes: &LinkWishes, origin: &Origin) -> Self {
        Self {
            current: LinkDraft::new(identity, Purpose::EmailChangeCurrent, wishes, origin),
            new: LinkDraft::new(identity, Purpose::EmailChangeNew, wishes, origin),
        }
    }
}

/// Notes the wished address and sends both links.
///
/// Whether somebody has that address already is not said to who asks; its owner is told instead.
pub(crate) fn begin_change(
    tx: &mut Tx<'_>,
    identity: &Identity,
    mut user: User,
    new: EmailAddress,
    draft: &ChangeDraft,
    now: Timestamp,
) -> Result<User, Problem> {
    user.new_email = Some(new);
    user.email_change_sent_at = Some(now);
    user.updated_at = now;
    users_global::update(tx, &user)?;
    send_pending_links(tx, identity, &user, draft, now)?;
    Ok(user)
}

/// Takes an address at once, where the configuration believes every address.
///
/// # Errors
/// `email_exists` where somebody has it.
pub(crate) fn change_at_once(
    tx: &mut Tx<'_>,
    identity: &Identity,
    mut user: User,
    new: EmailAddress,
    origin: &Origin,
) -> Result<User, Problem> {
    let now = origin.now;
    if users_global::find_by_email(tx, user.realm, &new)?.is_some() {
        return Err(IdentityError::EmailExists.into());
    }
    let old = user.take_address(new.clone(), EmailProof::Believed, now);
    users_global::update(tx, &user)?;
    if let Some(old) = old {
        let reader = (user.realm, &old, user.language_in(origin));
        letters::send(tx, identity, reader, &Letter::EmailChanged { new }, now)?;
    }
    Ok(user)
}

/// Sends the links of a change to those who have not agreed to it yet; their older ones are dead from then on. What was
/// agreed to since the change began stays so: anybody may ask for links again.
pub(crate) fn send_pending_links(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    draft: &ChangeDraft,
    now: Timestamp,
) -> Result<(), Problem> {
    let (Some(new), Some(since)) = (user.new_email.clone(), user.email_change_sent_at) else { return Ok(()) };
    let mut is_pending = |purpose| -> Result<bool, Problem> {
        if links_global::was_used_since(tx, user.id, purpose, since)? {
            return Ok(false);
        }
        links_global::end_of_purpose(tx, user.id, purpose, LinkEnding::Replaced, now)?;
        Ok(true)
    };
    let asks_current = is_pending(Purpose::EmailChangeCurrent)?;
    let asks_new = is_pending(Purpose::EmailChangeNew)?;
    if let Some(current) =
        user.email.as_ref().filter(|_| asks_current && user.is_confirmed(identity.config().unverified))
    {
        send_link(tx, identity, user, current, &draft.current, now)?;
    }
    if !asks_new {
        return Ok(());
    }
    if let Some(holder) = users_global::find_by_email(tx, user.realm, &new)? {
        let reader = (user.realm, &new, holder.language().or(draft.new.language()));
        return letters::send(tx, identity, reader, &Letter::AccountExists, now);
    }
    send_link(tx, identity, user, &new, &draft.new, now)
}
