//! What follows from the provider's word besides a session: the address it has proved, and where the person belongs.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{OrgId, Problem};
use quoin_tenancy::{Attestation as OrgWord, AttestedOrg};

use crate::Identity;
use crate::model::{AttestedOrganization, EmailProof, LinkEnding, User};
use crate::port::AttestedOrganizations;
use crate::service::attested_account::Arrival;
use crate::service::letters::{self, Letter};
use crate::store::{links_global, users_global};

/// Lets the address follow what the provider has proved, as long as nobody else has it.
pub(crate) fn address(
    tx: &mut Tx<'_>,
    identity: &Identity,
    mut user: User,
    arrival: &Arrival,
    origin: &Origin,
) -> Result<User, Problem> {
    let now = origin.now;
    let Some(proved) = arrival.provider.proved_address(&arrival.attested) else { return Ok(user) };
    if user.email.as_ref() == Some(&proved) && user.is_proved() {
        return Ok(user);
    }
    if users_global::find_by_email(tx, user.realm, &proved)?.is_some_and(|other| other.id != user.id) {
        return Ok(user);
    }
    let old = user.email.clone().filter(|old| *old != proved);
    user.take_address(proved.clone(), EmailProof::Provider, now);
    user.updated_at = now;
    users_global::update(tx, &user)?;
    if let Some(old) = &old {
        links_global::end_of_user(tx, user.id, LinkEnding::Revoked, now)?;
        for address in [old, &proved] {
            letters::send(
                tx,
                identity,
                (user.realm, address, user.language_in(origin)),
                &Letter::EmailChanged { new: proved.clone() },
                now,
            )?;
        }
    }
    let entry = identity.entry(Actor::User(user.id), "identity.user.email_changed", origin);
    quoin_audit::record(tx, &entry.on(user.id))?;
    Ok(user)
}

/// Lets memberships follow what the provider says, and returns the organisation for which the person has signed in.
pub(crate) fn organizations(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    (arrival, said): (&Arrival, &AttestedOrganizations),
    origin: &Origin,
) -> Result<Option<OrgId>, Problem> {
    if said.active.is_none() && said.all.is_none() {
        return Ok(None);
    }
    let named =
        |org: &AttestedOrganization| AttestedOrg { external_id: org.id.clone(), name: org.name.clone() };
    let word = OrgWord {
        issuer: arrival.attested.issuer.clone(),
        user_id: user.id,
        active: said.active.as_ref().map(named),
        all: said.all.as_ref().map(|all| all.iter().map(named).collect()),
        now: origin.now,
    };
    // Another one each time: somebody may join several at once.
    let entry = || identity.entry(Actor::User(user.id), "tenancy.member.followed_provider", origin);
    let limits = quoin_tenancy::Limits::of(identity.app());
    Ok(quoin_tenancy::follow_attestation(tx, &limits, &word, identity.app().rng(), &entry)?)
}
