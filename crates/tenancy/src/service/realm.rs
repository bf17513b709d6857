//! What `identity` asks where people belong to one organisation each: how somebody becomes a member of theirs, and how an
//! operator founds one.

use quoin_audit::Entry;
use quoin_db::{DbError, Tx};
use quoin_kernel::{EmailAddress, OrgId, Role, Standing, Timestamp, UserId};
use serde_json::json;

use super::accept_invitation::still_given;
use super::limits::Limits;
use crate::error::TenancyError;
use crate::model::{InvitationEnding, InvitationId, NewMember, OrgName};
use crate::store::{departures, invitations, memberships, organizations, roles};

/// Somebody who comes in as one of an organisation's people.
pub struct Coming<'a> {
    /// The organisation.
    pub org_id: OrgId,
    /// Who comes.
    pub user_id: UserId,
    /// The address that they have proved to be theirs.
    pub proved: Option<&'a EmailAddress>,
    /// Whether they may come without an invitation.
    pub uninvited: bool,
}

/// Makes somebody a member of the organisation whose people they are one of, when they come in: with the role of the
/// invitation to their proved address, which is accepted thereby, else with the default role. Whoever has come before they had
/// proved the address gets the invitation's role once they have. Returns false where nobody has invited them and they may not
/// come without.
///
/// # Errors
/// `removed_from_organization` for whoever has left or was removed: an invitation brings them back; `limit_reached` where the
/// plan has no seat for them; 404 where the organisation is gone.
pub fn join_realm(
    tx: &mut Tx<'_>,
    limits: &Limits,
    coming: &Coming<'_>,
    now: Timestamp,
    entry: &Entry,
) -> Result<bool, TenancyError> {
    let &Coming { org_id, user_id, proved, uninvited } = coming;
    let member = memberships::find(tx, org_id, user_id)?;
    // Only what anybody gets is exchanged: an owner is not made less by an old invitation.
    if member.as_ref().is_some_and(|member| member.standing != Standing::of(Role::Member)) {
        return Ok(true);
    }
    let invited = match proved {
        Some(email) => take_invitation(tx, org_id, email, now)?,
        None => None,
    };
    match (member, invited) {
        (Some(_), Some(standing)) => {
            memberships::change_role(tx, org_id, user_id, &standing)?;
            let detail = json!({"role": standing.name()});
            quoin_audit::record(tx, &entry.clone().in_org(org_id).on(user_id).detail(detail))?;
        }
        (Some(_), None) => {}
        (None, None) if departures::is_gone(tx, org_id, user_id)? => return Err(TenancyError::Departed),
        (None, None) if !uninvited => return Ok(false),
        (None, invited) => {
            let standing = invited.map_or_else(|| role_in(tx, org_id, None), Ok)?;
            add(tx, limits, &NewMember { org_id, user_id, standing, now }, entry)?;
        }
    }
    Ok(true)
}

/// Makes somebody a member whom an administrator has made one of an organisation's people, in the transaction that does so.
///
/// # Errors
/// 404 for a role that there is not, or where the organisation is gone; `limit_reached`.
pub fn add_to_realm(
    tx: &mut Tx<'_>,
    limits: &Limits,
    (org_id, user_id): (OrgId, UserId),
    role: Option<&str>,
    now: Timestamp,
    entry: &Entry,
) -> Result<(), TenancyError> {
    let standing = role_in(tx, org_id, role)?;
    add(tx, limits, &NewMember { org_id, user_id, standing, now }, entry)
}

/// Founds an organisation for the person who will own it, in the name of the platform's team.
///
/// # Errors
/// The database's own.
pub fn found(
    tx: &mut Tx<'_>,
    (org_id, name): (OrgId, &OrgName),
    now: Timestamp,
    entry: &Entry,
) -> Result<(), DbError> {
    organizations::insert(tx, org_id, name.as_str(), None, now)?;
    quoin_audit::record(tx, &entry.clone().in_org(org_id).on(org_id).detail(json!({"name": name.as_str()})))
}

/// Makes somebody the owner of an organisation that was founded in this transaction.
pub fn own(tx: &mut Tx<'_>, (org_id, user_id): (OrgId, UserId), now: Timestamp) -> Result<(), DbError> {
    let owner = NewMember { org_id, user_id, standing: Standing::of(Role::Owner), now };
    memberships::insert_first(tx, &owner).map(drop)
}

/// Tells whether anybody may become one of an organisation's people; nobody where there is none.
pub fn takes_anybody(tx: &mut Tx<'_>, org_id: OrgId) -> Result<bool, DbError> {
    Ok(organizations::policy(tx, org_id)?.is_some_and(|policy| !policy.invited_only))
}

/// Tells whether an address has an invitation that can be accepted.
pub fn is_invited(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<bool, TenancyError> {
    Ok(open_invitation(tx, org_id, email, now)?.is_some())
}

/// Accepts the invitation of an address, where there is one that can be, and returns what it makes of somebody.
fn take_invitation(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Option<Standing>, TenancyError> {
    let Some((id, standing)) = open_invitation(tx, org_id, email, now)? else { return Ok(None) };
    let taken = invitations::end(tx, (org_id, id), InvitationEnding::Accepted, now)?;
    Ok(taken.then_some(standing))
}

/// Finds the invitation of an address that can be accepted, and what it makes of somebody. One whose sender may not give it
/// any more is as if there were none.
fn open_invitation(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Option<(InvitationId, Standing)>, TenancyError> {
    let open = invitations::find_open(tx, org_id, email)?;
    let Some(open) = open.filter(|open| !open.is_expired(now)) else { return Ok(None) };
    match still_given(tx, &open) {
        Ok(standing) => Ok(Some((open.id, standing))),
        Err(TenancyError::InvitationNotValid) => Ok(None),
        Err(error) => Err(error),
    }
}

fn role_in(tx: &mut Tx<'_>, org_id: OrgId, name: Option<&str>) -> Result<Standing, TenancyError> {
    let name = match name {
        Some(name) => name.to_owned(),
        None => organizations::default_role(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?,
    };
    roles::find(tx, org_id, &name)?.ok_or(TenancyError::NoSuchRole)
}

fn add(tx: &mut Tx<'_>, limits: &Limits, new: &NewMember, entry: &Entry) -> Result<(), TenancyError> {
    limits.take_seat(tx, new.org_id, new.now)?;
    memberships::insert(tx, new)?;
    let entry = entry.clone().in_org(new.org_id).on(new.user_id);
    Ok(quoin_audit::record(tx, &entry.detail(json!({"role": new.standing.name()})))?)
}
