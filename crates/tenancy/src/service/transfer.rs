//! Handing an organisation over: another member becomes owner and the caller an admin, in one step.

use quoin_audit::Entry;
use quoin_db::Db;
use quoin_kernel::{Rng, Role, Standing};

use super::change_member::Unversioned;
use super::{Change, standing_in};
use crate::error::TenancyError;
use crate::store::memberships;

/// Makes `change.user_id` an owner and the caller, an owner, an admin. Both have new tokens to fetch.
///
/// # Errors
/// 403 for whoever is no owner (any more), 404 for somebody who does not belong to the organisation, 400 to oneself.
pub async fn transfer(db: &Db, rng: &dyn Rng, change: Change, entry: Entry) -> Result<(), TenancyError> {
    let Change { org_id, actor, user_id, .. } = change;
    let entry = entry.in_org(org_id).on(user_id);
    let (given, taken) =
        (Unversioned::new(change, rng), Unversioned::new(Change { user_id: actor, ..change }, rng));
    db.write("tenancy.orgs.transfer", move |tx| {
        if standing_in(tx, org_id, actor)?.rank < Role::Owner {
            return Err(TenancyError::RoleTooLow);
        }
        if actor == user_id {
            return Err(TenancyError::TransferToOneself);
        }
        memberships::find(tx, org_id, user_id)?.ok_or(TenancyError::NoSuchMember)?;
        for (revocation, user_id, rank) in [(&given, user_id, Role::Owner), (&taken, actor, Role::Admin)] {
            let version = memberships::change_role(tx, org_id, user_id, &Standing::of(rank))?;
            revocation.revoke_below(tx, version.ok_or(TenancyError::NoSuchMember)?)?;
        }
        Ok(quoin_audit::record(tx, &entry)?)
    })
    .await
}
