//! The verbs. `in_transaction` holds what `identity` calls inside its own transactions; the rest owns its transaction.

mod change_member;
mod create;
mod delete;
mod in_transaction;
mod read;
mod remove_person;

pub use change_member::{Change, change_role, remove_member};
pub use create::create;
pub use delete::delete;
pub use in_transaction::{
    active_org, add_member, create_personal, exists, membership_of, role_of, set_last_used,
};
pub use read::{find, list, list_members, rename};
pub use remove_person::{RemovedPerson, remove_person};

use quoin_db::{DbError, Tx};
use quoin_kernel::event::Event;
use quoin_kernel::{EventId, OrgId, Rng, Timestamp};
use serde_json::json;

use crate::revocations::{Revocation, Revoked, revoke};
use crate::store::{memberships, organizations};

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
        memberships::delete_all(tx, org_id)?;
        organizations::delete(tx, org_id)?;
        revoke(tx, &self.revocation)?;
        let event =
            Event { name: ORGANIZATION_DELETED, org_id: Some(org_id), payload: json!({"org_id": org_id}) };
        quoin_jobs::publish(tx, self.event_id, now, &event)
    }
}
