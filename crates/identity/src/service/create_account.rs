//! Making an account: the person, their personal organisation, the trail and the news, in one transaction.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::event::Event;
use quoin_kernel::port::Origin;
use quoin_kernel::{EventId, OrgId, Problem};
use quoin_tenancy::{NewPersonal, OrgName};
use serde_json::json;

use crate::Identity;
use crate::model::{Realm, User};
use crate::store::users_global;

/// Adds a person whose address is free in their realm, whoever makes the account: sign-up, an invitation, an administrator.
pub(crate) fn create_account(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    actor: Actor,
    origin: &Origin,
) -> Result<(), Problem> {
    let (rng, now) = (identity.app().rng(), origin.now);
    users_global::insert(tx, user)?;
    // Whoever is one of an organisation's people belongs to that one alone.
    if user.realm == Realm::INSTANCE {
        let name = OrgName::personal(user.shown_name().unwrap_or_else(|| local_part(user)));
        let personal = NewPersonal { org_id: OrgId::new(now, rng), user_id: user.id, name, now };
        quoin_tenancy::create_personal(tx, &personal)?;
    }
    let org_id = user.realm.org_id();
    let entry = identity.entry(actor, "identity.user.created", origin).on(user.id);
    quoin_audit::record(tx, &entry.in_org_of(org_id))?;
    let event = Event { name: "identity.user.created", org_id, payload: json!({"user_id": user.id}) };
    quoin_jobs::publish(tx, EventId::new(now, rng), now, &event)?;
    Ok(())
}

/// Returns what stands before the @: how people are called before they say so.
fn local_part(user: &User) -> &str {
    user.email.as_ref().and_then(|email| email.as_str().split('@').next()).unwrap_or("Guest")
}
