//! Reading organisations and members, and changing a name.

use quoin_audit::Entry;
use quoin_db::{Db, DbError};
use quoin_kernel::page::{Listed, Page};
use quoin_kernel::{OrgId, Timestamp, UserId};

use crate::error::TenancyError;
use crate::model::{Membership, OrgName, Organization};
use crate::store::{memberships, organizations};

/// Finds an organisation as its member `user_id` sees it.
pub async fn find(db: &Db, org_id: OrgId, user_id: UserId) -> Result<Organization, TenancyError> {
    let found = db.read("tenancy.orgs.get", move |tx| organizations::find(tx, org_id, user_id)).await?;
    found.ok_or(TenancyError::NoSuchOrganization)
}

/// Lists the organisations a person belongs to, oldest first; those that are being deleted, or the others.
pub async fn list(
    db: &Db,
    user_id: UserId,
    deleting: bool,
    page: Page,
) -> Result<Listed<Organization>, DbError> {
    let rows =
        db.read("tenancy.orgs.list", move |tx| organizations::list(tx, user_id, deleting, page)).await?;
    Ok(Listed::from_rows(rows, page, |row| row.id.uuid(), |row| row))
}

/// Lists the members of an organisation, in order of their accounts' age.
pub async fn list_members(db: &Db, org_id: OrgId, page: Page) -> Result<Listed<Membership>, DbError> {
    let rows = db.read("tenancy.members.list", move |tx| memberships::list(tx, org_id, page)).await?;
    Ok(Listed::from_rows(rows, page, |row| row.user_id.uuid(), |row| row))
}

/// Changes an organisation's name; the caller is one of its admins.
pub async fn rename(
    db: &Db,
    (org_id, user_id): (OrgId, UserId),
    name: OrgName,
    now: Timestamp,
    entry: Entry,
) -> Result<Organization, TenancyError> {
    let entry = entry.in_org(org_id).on(org_id);
    db.write("tenancy.orgs.rename", move |tx| {
        if !organizations::rename(tx, org_id, name.as_str(), now)? {
            return Err(TenancyError::NoSuchOrganization);
        }
        quoin_audit::record(tx, &entry)?;
        organizations::find(tx, org_id, user_id)?.ok_or(TenancyError::NoSuchOrganization)
    })
    .await
}
