//! Making an account: the person, their personal organisation, the trail and the news, in one transaction.

use quoin_audit::{Actor, Entry};
use quoin_db::Tx;
use quoin_kernel::event::Event;
use quoin_kernel::port::Origin;
use quoin_kernel::{EventId, Problem};
use serde_json::json;

use crate::Identity;
use crate::model::User;
use crate::service::active_org;
use crate::store::users_global;

/// Adds a person whose address is free, whoever makes the account: sign-up, an invitation, an administrator.
pub(crate) fn create_account(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    actor: Actor,
    origin: &Origin,
) -> Result<(), Problem> {
    let (rng, now) = (identity.app().rng(), origin.now);
    users_global::insert(tx, user)?;
    active_org::create_personal(tx, identity, user, origin)?;
    let entry = Entry::new(rng, now, actor, "identity.user.created").from(origin).on(user.id);
    quoin_audit::record(tx, &entry)?;
    let event = Event { name: "identity.user.created", org_id: None, payload: json!({"user_id": user.id}) };
    quoin_jobs::publish(tx, EventId::new(now, rng), now, &event)?;
    Ok(())
}
