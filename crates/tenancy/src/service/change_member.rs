//! Changing a member's role, and removing a member. Both end the member's tokens for this organisation at once.

use quoin_audit::Entry;
use quoin_db::{Db, Tx};
use quoin_kernel::{OrgId, Rng, Role, Standing, Timestamp, UserId};

use super::limits::Limits;
use crate::error::TenancyError;
use crate::model::{ActiveOrg, may_change};
use crate::revocations::{Revocation, Revoked, revoke};
use crate::store::{departures, memberships, roles};

/// What both verbs need: who asks, about whom, where, and when.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// The organisation.
    pub org_id: OrgId,
    /// Who asks, a member.
    pub actor: UserId,
    /// Whose membership changes.
    pub user_id: UserId,
    /// When.
    pub now: Timestamp,
}

/// Gives a member another role, named `role`.
pub async fn change_role(
    db: &Db,
    rng: &dyn Rng,
    change: Change,
    role: String,
    entry: Entry,
) -> Result<(), TenancyError> {
    let entry = entry.in_org(change.org_id).on(change.user_id);
    let revocation = Unversioned::new(change, rng);
    db.write("tenancy.members.change", move |tx| {
        let to = roles::find(tx, change.org_id, &role)?.ok_or(TenancyError::NoSuchRole)?;
        let member = check(tx, change, Some(&to))?;
        if member.standing == to {
            return Ok(());
        }
        let version = memberships::change_role(tx, change.org_id, change.user_id, &to)?;
        revocation.revoke_below(tx, version.ok_or(TenancyError::NoSuchMember)?)?;
        keep_an_owner(tx, change.org_id)?;
        Ok(quoin_audit::record(tx, &entry)?)
    })
    .await
}

/// Removes a member; everybody may remove themselves, which is leaving.
pub async fn remove_member(
    db: &Db,
    rng: &dyn Rng,
    limits: Limits,
    change: Change,
    entry: Entry,
) -> Result<(), TenancyError> {
    let entry = entry.in_org(change.org_id).on(change.user_id);
    let revocation = Unversioned::new(change, rng);
    db.write("tenancy.members.remove", move |tx| {
        check(tx, change, None)?;
        let version = memberships::delete(tx, change.org_id, change.user_id)?;
        revocation.revoke_below(tx, version.ok_or(TenancyError::NoSuchMember)? + 1)?;
        departures::insert(tx, change.org_id, change.user_id, change.now)?;
        keep_an_owner(tx, change.org_id)?;
        limits.leave_seat(tx, change.org_id, change.now)?;
        Ok(quoin_audit::record(tx, &entry)?)
    })
    .await
}

/// Reads both roles anew, inside the transaction: what the door saw may have changed since.
fn check(tx: &mut Tx<'_>, change: Change, to: Option<&Standing>) -> Result<ActiveOrg, TenancyError> {
    let actor =
        memberships::find(tx, change.org_id, change.actor)?.ok_or(TenancyError::NoSuchOrganization)?;
    let member = memberships::find(tx, change.org_id, change.user_id)?.ok_or(TenancyError::NoSuchMember)?;
    let leaves_or_steps_down =
        change.actor == change.user_id && to.is_none_or(|to| steps_down(&member.standing, to));
    if leaves_or_steps_down || may_change(&actor.standing, &member.standing, to) {
        return Ok(member);
    }
    Err(TenancyError::RoleTooLow)
}

/// Tells whether `to` is the same or plainly less than `from`: everybody may have less.
fn steps_down(from: &Standing, to: &Standing) -> bool {
    let lower_rank = to.rank < from.rank && to.custom.is_none();
    let plain_member = from.custom.is_some() && *to == Standing::of(Role::Member);
    from == to || lower_rank || plain_member
}

/// Refuses what has left the organisation without an owner. Transactions are serialisable, so two owners cannot both
/// step down because each still saw the other.
fn keep_an_owner(tx: &mut Tx<'_>, org_id: OrgId) -> Result<(), TenancyError> {
    if memberships::count_owners(tx, org_id)? == 0 {
        return Err(TenancyError::LastOwner);
    }
    Ok(())
}

/// A revocation whose id is made before the transaction and whose version is known only in it.
pub(super) struct Unversioned {
    entry: Revocation,
    change: Change,
}

impl Unversioned {
    pub(super) fn new(change: Change, rng: &dyn Rng) -> Self {
        let revoked =
            Revoked::Membership { user_id: change.user_id, org_id: change.org_id, below_version: 0 };
        Self { entry: Revocation::new(revoked, change.now, rng), change }
    }

    pub(super) fn revoke_below(&self, tx: &mut Tx<'_>, below_version: i64) -> Result<(), TenancyError> {
        let Change { user_id, org_id, .. } = self.change;
        let entry = self.entry.of(Revoked::Membership { user_id, org_id, below_version });
        Ok(revoke(tx, &entry)?)
    }
}
