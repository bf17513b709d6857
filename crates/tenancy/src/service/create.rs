//! Creating an organisation.

use quoin_audit::Entry;
use quoin_db::Tx;
use quoin_kernel::{Role, Standing};

use super::limits::Limits;
use crate::Tenancy;
use crate::error::TenancyError;
use crate::model::{Bar, NewMember, NewOrganization, Organization};
use crate::store::{memberships, organizations};

/// Creates an organisation; the caller becomes its owner.
///
/// # Errors
/// 402 `limit_reached` where the plan for which they act allows no more; 403 `session_confined` for whoever belongs to one
/// organisation alone, where people belong to one each.
pub async fn create(
    tenancy: &Tenancy,
    new: NewOrganization,
    entry: Entry,
) -> Result<Organization, TenancyError> {
    let entry = entry.in_org(new.org_id).on(new.org_id);
    let (inside, limits) = (tenancy.clone(), Limits::of(&tenancy.0.app));
    let create = move |tx: &mut Tx<'_>| {
        if inside.people()?.confined_to(tx, new.owner)?.is_some() {
            return Err(TenancyError::Barred(Bar::Confined));
        }
        create_owned(tx, &limits, &new, &entry)
    };
    tenancy.db().write("tenancy.orgs.create", create).await
}

/// Adds the organisation and its owner.
pub(crate) fn create_owned(
    tx: &mut Tx<'_>,
    limits: &Limits,
    new: &NewOrganization,
    entry: &Entry,
) -> Result<Organization, TenancyError> {
    let NewOrganization { org_id, name, owner, billed, now } = new;
    limits.take_organization(tx, (*billed, *owner), *now)?;
    organizations::insert(tx, *org_id, name.as_str(), None, *now)?;
    let standing = Standing::of(Role::Owner);
    memberships::insert_first(tx, &NewMember { org_id: *org_id, user_id: *owner, standing, now: *now })?;
    quoin_audit::record(tx, entry)?;
    organizations::find(tx, *org_id, *owner)?.ok_or(TenancyError::NoSuchOrganization)
}
