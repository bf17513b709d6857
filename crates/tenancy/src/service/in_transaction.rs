//! What `identity` asks and does inside its own transactions: sign-up, sign-in, refresh, switch.

use quoin_db::{DbError, Tx};
use quoin_kernel::{OrgId, Role, Standing, Timestamp, UserId};

use crate::model::{ActiveOrg, NewMember, NewPersonal};
use crate::store::{memberships, organizations};

/// Creates the organisation that every account begins with, and makes the person its owner.
pub fn create_personal(tx: &mut Tx<'_>, new: &NewPersonal) -> Result<ActiveOrg, DbError> {
    organizations::insert(tx, new.org_id, new.name.as_str(), Some(new.user_id), new.now)?;
    let standing = Standing::of(Role::Owner);
    let owner = NewMember { org_id: new.org_id, user_id: new.user_id, standing, now: new.now };
    memberships::insert_first(tx, &owner)
}

/// Finds the organisation that a session of this person acts for: `preferred` if they belong to it, else the one used
/// last, else their personal one, else any; `None` for somebody who belongs nowhere.
pub fn active_org(
    tx: &mut Tx<'_>,
    user_id: UserId,
    preferred: Option<OrgId>,
) -> Result<Option<ActiveOrg>, DbError> {
    memberships::find_active(tx, user_id, preferred)
}

/// Finds a person's membership of one organisation.
pub fn membership_of(tx: &mut Tx<'_>, user_id: UserId, org_id: OrgId) -> Result<Option<ActiveOrg>, DbError> {
    memberships::find(tx, org_id, user_id)
}

/// Tells whether there is such an organisation.
pub fn exists(tx: &mut Tx<'_>, org_id: OrgId) -> Result<bool, DbError> {
    Ok(organizations::is_personal(tx, org_id)?.is_some())
}

/// Finds what a person is in one organisation.
pub fn standing_of(tx: &mut Tx<'_>, user_id: UserId, org_id: OrgId) -> Result<Option<Standing>, DbError> {
    Ok(memberships::find(tx, org_id, user_id)?.map(|membership| membership.standing))
}

/// Remembers which organisation a person acts for, so that the next sign-in begins there; `false` for a non-member.
pub fn set_last_used(
    tx: &mut Tx<'_>,
    user_id: UserId,
    org_id: OrgId,
    now: Timestamp,
) -> Result<bool, DbError> {
    memberships::note_use(tx, org_id, user_id, now)
}

/// Adds a person to an organisation, for whoever has decided that they may join.
///
/// # Errors
/// [`DbError::Unique`] of `tenancy_memberships_pkey` for a member, [`DbError::ForeignKey`] without such an organisation.
pub fn add_member(tx: &mut Tx<'_>, member: &NewMember) -> Result<ActiveOrg, DbError> {
    memberships::insert(tx, member)
}
