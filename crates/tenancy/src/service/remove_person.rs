//! Taking a person out of every organisation, when their account is erased.

use quoin_db::{DbError, Tx};
use quoin_kernel::{OrgId, Rng, Role, Standing, Timestamp, UserId};

use super::Erasure;
use super::limits::Limits;
use crate::revocations::{Revocation, Revoked, revoke};
use crate::store::{departures, memberships, organizations};

/// What has become of the organisations of a person.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RemovedPerson {
    /// Organisations that had nobody else, and are gone.
    pub deleted: Vec<OrgId>,
    /// Organisations whose last owner the person was, and who owns them now.
    pub handed_over: Vec<(OrgId, UserId)>,
}

/// Removes a person from every organisation, in the transaction that erases their account.
///
/// Erasure cannot wait for somebody to take over, so an organisation whose last owner goes is handed to its oldest
/// admin, else its oldest member; one that nobody else belongs to is deleted. A personal organisation to which others
/// belong becomes an ordinary one.
pub fn remove_person(
    tx: &mut Tx<'_>,
    limits: &Limits,
    user_id: UserId,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<RemovedPerson, DbError> {
    let mut removed = RemovedPerson::default();
    departures::delete_person(tx, user_id)?;
    for (org_id, version) in memberships::list_of(tx, user_id)? {
        let Some(successor) = memberships::find_successor(tx, org_id, user_id)? else {
            Erasure::of(org_id, now, rng).carry_out(tx)?;
            removed.deleted.push(org_id);
            continue;
        };
        organizations::detach(tx, org_id, user_id)?;
        memberships::delete(tx, org_id, user_id)?;
        limits.leave_seat(tx, org_id, now)?;
        revoke_below(tx, (org_id, user_id), version + 1, now, rng)?;
        if memberships::count_owners(tx, org_id)? > 0 {
            continue;
        }
        if let Some(version) = memberships::change_role(tx, org_id, successor, &Standing::of(Role::Owner))? {
            revoke_below(tx, (org_id, successor), version, now, rng)?;
            removed.handed_over.push((org_id, successor));
        }
    }
    Ok(removed)
}

pub(super) fn revoke_below(
    tx: &mut Tx<'_>,
    (org_id, user_id): (OrgId, UserId),
    below_version: i64,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<(), DbError> {
    let revoked = Revoked::Membership { user_id, org_id, below_version };
    revoke(tx, &Revocation::new(revoked, now, rng))
}
