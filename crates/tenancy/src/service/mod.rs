//! The verbs. `in_transaction` holds what `identity` calls inside its own transactions; the rest owns its transaction.

mod accept_invitation;
mod change_member;
mod create;
mod delete;
mod follow_attestation;
mod in_transaction;
mod invite;
mod kept_of_person;
mod limits;
mod manage_domains;
mod manage_roles;
mod manage_sso;
mod read;
mod realm;
mod remove_person;
mod settings;
mod sso;
mod suspend;
mod transfer;

pub use accept_invitation::{InvitationFacts, accept_invitation, forget_address, peek_invitation};
pub use change_member::{Change, change_role, remove_member};
pub use create::create;
#[cfg(test)]
pub(crate) use create::create_owned;
pub(crate) use delete::delete_due;
pub use delete::{delete, restore};
pub use follow_attestation::{Attestation, AttestedOrg, follow_attestation};
pub(crate) use in_transaction::{Bearer, standing_for};
pub use in_transaction::{
    active_org, add_member, count_members, count_organizations, create_personal, is_usable, membership_of,
    set_last_used,
};
pub use invite::{InvitationWish, invite, list_invitations, resend_invitation, revoke_invitation};
pub use kept_of_person::kept_of_person;
pub use limits::Limits;
pub use manage_domains::{claim_domain, list_domains, release_domain, verify_domain};
pub use manage_roles::{delete_role, list_roles, put_role, set_default_role};
pub use manage_sso::{delete_connection, get_connection, put_connection};
pub use read::{find, list, list_members, rename};
pub use realm::{Coming, add_to_realm, found, is_invited, join_realm, own, takes_anybody};
pub use remove_person::{RemovedPerson, remove_person};
pub use settings::{get_policy, set_metadata, set_policy};
pub use sso::{
    has_sso_connection, join_by_domain, join_by_sso, note_sso_use, sso_connection, sso_demanded_of,
};
pub use suspend::{reinstate, suspend};
pub use transfer::transfer;

use quoin_db::{DbError, Tx};
use quoin_kernel::event::Event;
use quoin_kernel::{EventId, OrgId, Rng, Standing, Timestamp, UserId};
use serde_json::json;

use crate::error::TenancyError;
use crate::revocations::{Revocation, Revoked, revoke};
use crate::store::{
    departures, domains, invitations, memberships, organizations, provider_orgs_global, roles,
    sso_connections,
};

/// The event of an organisation that is gone: rooms that keep its rows remove them.
pub const ORGANIZATION_DELETED: &str = "tenancy.organization.deleted";

/// The end of an organisation, with the ids that must be made before the transaction.
struct Erasure {
    org_id: OrgId,
    now: Timestamp,
    revocation: Revocation,
    event_id: EventId,
}

impl Erasure {
    fn of(org_id: OrgId, now: Timestamp, rng: &dyn Rng) -> Self {
        let revocation = Revocation::new(Revoked::Organization(org_id), now, rng);
        Self { org_id, now, revocation, event_id: EventId::new(now, rng) }
    }

    /// Removes the organisation with its memberships, ends its tokens and tells the other rooms.
    fn carry_out(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let Self { org_id, now, .. } = *self;
        invitations::delete_all(tx, org_id)?;
        memberships::delete_all(tx, org_id)?;
        roles::delete_all(tx, org_id)?;
        departures::delete_all(tx, org_id)?;
        domains::delete_all(tx, org_id)?;
        sso_connections::delete(tx, org_id)?;
        provider_orgs_global::delete(tx, org_id)?;
        organizations::delete(tx, org_id)?;
        revoke(tx, &self.revocation)?;
        let event =
            Event { name: ORGANIZATION_DELETED, org_id: Some(org_id), payload: json!({"org_id": org_id}) };
        quoin_jobs::publish(tx, self.event_id, now, &event)
    }
}

/// Reads what a member is, inside the transaction that depends on it; whoever is none learns nothing else.
fn standing_in(tx: &mut Tx<'_>, org_id: OrgId, user_id: UserId) -> Result<Standing, TenancyError> {
    let found = memberships::find(tx, org_id, user_id)?;
    Ok(found.ok_or(TenancyError::NoSuchOrganization)?.standing)
}

/// Ends every token that names the organisation: the version of each membership grows.
fn end_tokens(tx: &mut Tx<'_>, org_id: OrgId, now: Timestamp, rng: &dyn Rng) -> Result<(), DbError> {
    for (user_id, below_version) in memberships::grow_all(tx, org_id)? {
        let revoked = Revoked::Membership { user_id, org_id, below_version };
        revoke(tx, &Revocation::new(revoked, now, rng))?;
    }
    Ok(())
}
