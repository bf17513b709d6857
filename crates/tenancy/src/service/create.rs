//! Creating an organisation.

use quoin_audit::Entry;
use quoin_db::Db;
use quoin_kernel::{Role, Standing};

use super::limits::Limits;
use crate::error::TenancyError;
use crate::model::{NewMember, NewOrganization, Organization};
use crate::store::{memberships, organizations};

/// Creates an organisation; the caller becomes its owner.
///
/// # Errors
/// 402 `limit_reached` where the plan for which they act allows no more.
pub async fn create(
    db: &Db,
    limits: Limits,
    new: NewOrganization,
    entry: Entry,
) -> Result<Organization, TenancyError> {
    let entry = entry.in_org(new.org_id).on(new.org_id);
    db.write("tenancy.orgs.create", move |tx| {
        let NewOrganization { org_id, name, owner, billed, now } = &new;
        limits.take_organization(tx, (*billed, *owner), *now)?;
        organizations::insert(tx, *org_id, name.as_str(), None, *now)?;
        let standing = Standing::of(Role::Owner);
        memberships::insert_first(tx, &NewMember { org_id: *org_id, user_id: *owner, standing, now: *now })?;
        quoin_audit::record(tx, &entry)?;
        organizations::find(tx, *org_id, *owner)?.ok_or(TenancyError::NoSuchOrganization)
    })
    .await
}
