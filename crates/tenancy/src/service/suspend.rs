//! Closing an organisation for the time being, and opening it again: the platform does, for example for abuse.

use quoin_audit::Entry;
use quoin_kernel::{OrgId, Timestamp};

use super::end_tokens;
use crate::Tenancy;
use crate::error::TenancyError;
use crate::model::OrgStatus;
use crate::store::organizations;

/// Closes an organisation: its members' tokens and its keys end at once, its rows stay as they are.
///
/// # Errors
/// 404 where there is none, 409 where it is closed already.
pub async fn suspend(
    tenancy: &Tenancy,
    org_id: OrgId,
    now: Timestamp,
    entry: Entry,
) -> Result<(), TenancyError> {
    let (entry, inside) = (entry.in_org(org_id).on(org_id), tenancy.clone());
    tenancy
        .db()
        .write("tenancy.orgs.suspend", move |tx| {
            organizations::status(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?;
            if !organizations::suspend(tx, org_id, now)? {
                return Err(TenancyError::AlreadySuspended);
            }
            end_tokens(tx, org_id, now, inside.0.app.rng())?;
            Ok(quoin_audit::record(tx, &entry)?)
        })
        .await
}

/// Opens an organisation again that was closed; one that was not, and is being deleted, is kept: its owners may have no way in
/// any more.
///
/// # Errors
/// 404 where there is none, 409 where it is not closed.
pub async fn reinstate(
    tenancy: &Tenancy,
    org_id: OrgId,
    now: Timestamp,
    entry: Entry,
) -> Result<OrgStatus, TenancyError> {
    let entry = entry.in_org(org_id).on(org_id);
    tenancy
        .db()
        .write("tenancy.orgs.reinstate", move |tx| {
            organizations::status(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?;
            if !organizations::reinstate(tx, org_id)? && !organizations::restore(tx, org_id, now)? {
                return Err(TenancyError::NotSuspended);
            }
            quoin_audit::record(tx, &entry)?;
            organizations::status(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)
        })
        .await
}
