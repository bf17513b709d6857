//! Deleting an organisation.

use quoin_audit::Entry;
use quoin_db::Db;
use quoin_kernel::{OrgId, Rng, Timestamp};

use super::Erasure;
use crate::error::TenancyError;
use crate::store::organizations;

/// Deletes an organisation: its members lose it and its tokens end at once; what other rooms keep of it follows.
pub async fn delete(
    db: &Db,
    org_id: OrgId,
    now: Timestamp,
    rng: &dyn Rng,
    entry: Entry,
) -> Result<(), TenancyError> {
    let entry = entry.in_org(org_id).on(org_id);
    let erasure = Erasure::of(org_id, now, rng);
    db.write("tenancy.orgs.delete", move |tx| {
        match organizations::is_personal(tx, org_id)? {
            None => return Err(TenancyError::NoSuchOrganization),
            Some(true) => return Err(TenancyError::PersonalOrganization),
            Some(false) => {}
        }
        erasure.carry_out(tx)?;
        Ok(quoin_audit::record(tx, &entry)?)
    })
    .await
}
