//! Deleting an organisation: at once it can no longer be used, and after a time of grace it is gone.

use quoin_audit::{Actor, Entry};
use quoin_kernel::{OrgId, Role, Timestamp, UserId};

use super::{Erasure, end_tokens, standing_in};
use crate::Tenancy;
use crate::error::TenancyError;
use crate::model::Organization;
use crate::store::{memberships, organizations, organizations_global};

/// How many organisations one run of the job removes at most; the next run goes on.
const AT_ONCE: i64 = 100;

/// Begins the end of an organisation: its members' tokens and its keys end at once. What it owns is removed once the time
/// of grace is over, or now where there is none.
///
/// # Errors
/// 403 for whoever is no owner (any more), 404 where there is none, 409 for a personal one.
pub async fn delete(
    tenancy: &Tenancy,
    (org_id, actor): (OrgId, UserId),
    now: Timestamp,
    entry: Entry,
) -> Result<(), TenancyError> {
    let (entry, inside) = (entry.in_org(org_id).on(org_id), tenancy.clone());
    let grace = tenancy.0.config.deletion_grace();
    tenancy
        .db()
        .write("tenancy.orgs.delete", move |tx| {
            match organizations::is_personal(tx, org_id)? {
                None => return Err(TenancyError::NoSuchOrganization),
                Some(true) => return Err(TenancyError::PersonalOrganization),
                Some(false) => {}
            }
            if standing_in(tx, org_id, actor)?.rank < Role::Owner {
                return Err(TenancyError::RoleTooLow);
            }
            quoin_audit::record(tx, &entry)?;
            if grace.is_zero() {
                return Ok(Erasure::of(org_id, now, inside.0.app.rng()).carry_out(tx)?);
            }
            if !organizations::schedule_deletion(tx, org_id, now + grace)? {
                return Err(TenancyError::NoSuchOrganization);
            }
            Ok(end_tokens(tx, org_id, now, inside.0.app.rng())?)
        })
        .await
}

/// Takes the end back, within the time of grace.
///
/// # Errors
/// 404 for whoever is no owner of an organisation that is being deleted.
pub async fn restore(
    tenancy: &Tenancy,
    (org_id, actor): (OrgId, UserId),
    now: Timestamp,
    entry: Entry,
) -> Result<Organization, TenancyError> {
    let entry = entry.in_org(org_id).on(org_id);
    tenancy
        .db()
        .write("tenancy.orgs.restore", move |tx| {
            let is_owner = memberships::find(tx, org_id, actor)?
                .is_some_and(|membership| membership.standing.rank == Role::Owner);
            if !is_owner || !organizations::restore(tx, org_id, now)? {
                return Err(TenancyError::NoSuchOrganization);
            }
            quoin_audit::record(tx, &entry)?;
            organizations::find(tx, org_id, actor)?.ok_or(TenancyError::NoSuchOrganization)
        })
        .await
}

/// Removes the organisations whose time of grace is over, each in a transaction of its own; other rooms hear of each and
/// remove what they keep of it.
pub(crate) async fn delete_due(tenancy: &Tenancy, now: Timestamp) -> Result<usize, TenancyError> {
    let due: Vec<OrgId> = tenancy
        .db()
        .read::<_, TenancyError, _>("tenancy.orgs.due", move |tx| {
            Ok(organizations_global::list_due(tx, now, AT_ONCE)?)
        })
        .await?;
    let count = due.len();
    for org_id in due {
        let erasure = Erasure::of(org_id, now, tenancy.0.app.rng());
        let actor = Actor::System("tenancy.delete_due");
        let entry = Entry::new(tenancy.0.app.rng(), now, actor, "tenancy.organization.erased");
        let entry = entry.in_org(org_id).on(org_id);
        tenancy
            .db()
            .write::<_, TenancyError, _>("tenancy.orgs.erase", move |tx| {
                // Somebody may have taken the end back since it was listed.
                if organizations::is_due(tx, org_id, now)? {
                    erasure.carry_out(tx)?;
                    quoin_audit::record(tx, &entry)?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(count)
}
