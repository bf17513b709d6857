//! Letting memberships follow what the provider that keeps people says at the door, inside the transaction of the sign-in.
//!
//! An organisation of the provider's is one here, by a remembered id and never by its name; it is made when the first of its
//! people comes, who owns it. Whoever the provider lists no longer is no member any more. Somebody who was removed here
//! stays away until they are invited.

use quoin_audit::Entry;
use quoin_db::Tx;
use quoin_kernel::{OrgId, Rng, Role, Standing, Timestamp, UserId};
use serde_json::json;

use super::limits::Limits;
use super::remove_person::revoke_below;
use crate::error::TenancyError;
use crate::model::{NewMember, OrgName};
use crate::store::{departures, memberships, organizations, provider_orgs_global, roles};

/// What a provider says about where somebody belongs.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// The provider.
    pub issuer: String,
    /// The person.
    pub user_id: UserId,
    /// For which organisation they have signed in.
    pub active: Option<AttestedOrg>,
    /// All that they belong to, where the provider was asked.
    pub all: Option<Vec<AttestedOrg>>,
    /// The moment.
    pub now: Timestamp,
}

/// An organisation as a provider names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedOrg {
    /// Its id there, for ever.
    pub external_id: String,
    /// What it is called there, at most a beginning for the name here.
    pub name: Option<String>,
}

/// Starts an entry of the trail, another one each time.
type Begin<'a> = &'a dyn Fn() -> Entry;

/// Joins and leaves what the provider says, and returns the organisation for which the person has signed in, if they belong
/// to it here too.
///
/// # Errors
/// 402 `limit_reached` where the plan of the organisation for which they have signed in has no seat for them.
pub fn follow_attestation(
    tx: &mut Tx<'_>,
    limits: &Limits,
    said: &Attestation,
    rng: &dyn Rng,
    entry: Begin<'_>,
) -> Result<Option<OrgId>, TenancyError> {
    if let Some(all) = &said.all {
        leave_others(tx, limits, (said, all), rng, entry)?;
        for org in all.iter().filter(|org| Some(*org) != said.active.as_ref()) {
            match join(tx, limits, (said, org), rng, entry) {
                // Whoever signs in for something else is not kept from it by another's plan.
                Err(TenancyError::Limit(_)) | Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
    }
    let Some(active) = &said.active else { return Ok(None) };
    let org_id = join(tx, limits, (said, active), rng, entry)?;
    let is_member = memberships::find(tx, org_id, said.user_id)?.is_some();
    Ok(is_member.then_some(org_id))
}

/// Makes the person a member of what the provider means, which is made where it is not there yet.
fn join(
    tx: &mut Tx<'_>,
    limits: &Limits,
    (said, org): (&Attestation, &AttestedOrg),
    rng: &dyn Rng,
    entry: Begin<'_>,
) -> Result<OrgId, TenancyError> {
    let (user_id, now) = (said.user_id, said.now);
    let org_id = match provider_orgs_global::find(tx, &said.issuer, &org.external_id)? {
        Some(org_id) => org_id,
        None => create(tx, said, org, rng)?,
    };
    let stays =
        memberships::find(tx, org_id, user_id)?.is_some() || departures::is_gone(tx, org_id, user_id)?;
    if stays {
        return Ok(org_id);
    }
    let standing = if memberships::count_owners(tx, org_id)? == 0 {
        Standing::of(Role::Owner)
    } else {
        limits.take_seat(tx, org_id, now)?;
        let name = organizations::default_role(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?;
        roles::find(tx, org_id, &name)?.ok_or(TenancyError::NoSuchRole)?
    };
    let role = standing.name().to_owned();
    memberships::insert(tx, &NewMember { org_id, user_id, standing, now })?;
    let entry = entry().in_org(org_id).on(user_id).detail(json!({"role": role}));
    quoin_audit::record(tx, &entry)?;
    Ok(org_id)
}

fn create(
    tx: &mut Tx<'_>,
    said: &Attestation,
    org: &AttestedOrg,
    rng: &dyn Rng,
) -> Result<OrgId, TenancyError> {
    let org_id = OrgId::new(said.now, rng);
    let name = org.name.as_deref().and_then(OrgName::new).or_else(|| OrgName::new(&org.external_id));
    let name = name.unwrap_or_else(|| OrgName::personal("Organisation"));
    organizations::insert(tx, org_id, name.as_str(), None, said.now)?;
    provider_orgs_global::insert(tx, org_id, (&said.issuer, &org.external_id), said.now)?;
    Ok(org_id)
}

/// Takes the person out of every organisation of the provider's that it does not list for them any more. What they were the
/// last owner of goes to the oldest of those who stay; what nobody stays in waits for the next of its people.
fn leave_others(
    tx: &mut Tx<'_>,
    limits: &Limits,
    (said, all): (&Attestation, &[AttestedOrg]),
    rng: &dyn Rng,
    entry: Begin<'_>,
) -> Result<(), TenancyError> {
    let (user_id, now) = (said.user_id, said.now);
    for (org_id, external_id) in provider_orgs_global::list_of(tx, &said.issuer, user_id)? {
        if all.iter().chain(&said.active).any(|org| org.external_id == external_id) {
            continue;
        }
        let Some(version) = memberships::delete(tx, org_id, user_id)? else { continue };
        revoke_below(tx, (org_id, user_id), version + 1, now, rng)?;
        if memberships::count_owners(tx, org_id)? == 0
            && let Some(successor) = memberships::find_successor(tx, org_id, user_id)?
            && let Some(version) =
                memberships::change_role(tx, org_id, successor, &Standing::of(Role::Owner))?
        {
            revoke_below(tx, (org_id, successor), version, now, rng)?;
        }
        limits.leave_seat(tx, org_id, now)?;
        let left = json!({"left": true});
        quoin_audit::record(tx, &entry().in_org(org_id).on(user_id).detail(left))?;
    }
    Ok(())
}
