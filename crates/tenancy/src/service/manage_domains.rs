//! Claiming mail domains, and proving them by a TXT record in their own DNS.

use std::time::Duration;

use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{OrgId, Role, UserId, rng};
use quoin_web::rate_limit::Counter;
use serde_json::json;

use super::standing_in;
use crate::Tenancy;
use crate::error::TenancyError;
use crate::model::{Domain, DomainHolder, DomainName, DomainOut, MAX_DOMAINS, record_value};
use crate::store::{domains, domains_global, organizations};

/// How often an organisation may have records looked up: each is a question to somebody else's server.
const LOOK_UPS: Counter = Counter::new("tenancy.domain.verify", 60, Duration::from_hours(1));

/// Claims a domain; claiming it again gives the same record. Others may claim it too: proving it is what counts.
///
/// # Errors
/// 403 for whoever is no owner (any more), 409 for a personal organisation or too many domains.
pub async fn claim_domain(
    tenancy: &Tenancy,
    (org_id, actor): (OrgId, UserId),
    name: DomainName,
    origin: &Origin,
) -> Result<DomainOut, TenancyError> {
    let token = rng::token(tenancy.0.app.rng());
    let domain = Domain { name, token, created_at: origin.now, verified_at: None };
    let entry = tenancy.entry(actor, "tenancy.domain.claimed", origin).in_org(org_id);
    let entry = entry.detail(json!({"domain": domain.name.as_str()}));
    tenancy
        .db()
        .write("tenancy.domains.claim", move |tx| {
            owner_in(tx, org_id, actor)?;
            if organizations::is_personal(tx, org_id)? != Some(false) {
                return Err(TenancyError::NotForPersonal);
            }
            if let Some(known) = domains::find(tx, org_id, &domain.name)? {
                return Ok(known.into());
            }
            if domains::count(tx, org_id)? >= MAX_DOMAINS {
                return Err(TenancyError::TooManyDomains);
            }
            domains::insert(tx, org_id, &domain)?;
            quoin_audit::record(tx, &entry)?;
            Ok(domain.clone().into())
        })
        .await
}

/// Lists the domains that the organisation has claimed.
pub async fn list_domains(tenancy: &Tenancy, org_id: OrgId) -> Result<Vec<DomainOut>, TenancyError> {
    let list = move |tx: &mut Tx<'_>| Ok::<_, TenancyError>(domains::list(tx, org_id)?);
    let found = tenancy.db().read("tenancy.domains.list", list).await?;
    Ok(found.into_iter().map(DomainOut::from).collect())
}

/// Looks the record up and, where it stands there, notes that the domain is the organisation's. One that was proved by
/// another organisation changes hands only where that one's record is gone.
///
/// # Errors
/// `domain_not_proved`, `domain_taken`, 404 for a domain that was not claimed, 429, 503 where DNS cannot be asked.
pub async fn verify_domain(
    tenancy: &Tenancy,
    (org_id, actor): (OrgId, UserId),
    name: DomainName,
    origin: &Origin,
) -> Result<DomainOut, TenancyError> {
    LOOK_UPS.spend(tenancy.db(), &org_id.to_string(), origin.now).await?;
    let wanted = name.clone();
    let find = move |tx: &mut Tx<'_>| Ok::<_, TenancyError>(domains::find(tx, org_id, &wanted)?);
    let claimed = tenancy.db().read("tenancy.domains.find", find).await?;
    let claimed = claimed.ok_or(TenancyError::NoSuchDomain)?;
    let said = tenancy.records()?.txt(&name.challenge_name()).await?;
    if !said.contains(&claimed.record_value()) {
        return Err(TenancyError::DomainNotProved);
    }
    let (inside, seen_from) = (tenancy.clone(), origin.clone());
    tenancy
        .db()
        .write("tenancy.domains.verify", move |tx| {
            owner_in(tx, org_id, actor)?;
            if let Some(other) = domains_global::find_other(tx, org_id, &name)? {
                displace(tx, &inside, (&other, &name), &said, &seen_from)?;
            }
            // Claimed anew in between, it has another token, which nobody has looked up.
            let known = domains::find(tx, org_id, &name)?;
            let known = known.filter(|known| known.token == claimed.token);
            let known = known.ok_or(TenancyError::NoSuchDomain)?;
            if known.verified_at.is_some() {
                return Ok(known.into());
            }
            domains::verify(tx, org_id, &name, seen_from.now)?;
            let entry = inside.entry(actor, "tenancy.domain.verified", &seen_from).in_org(org_id);
            quoin_audit::record(tx, &entry.detail(json!({"domain": name.as_str()})))?;
            Ok(Domain { verified_at: Some(seen_from.now), ..known }.into())
        })
        .await
}

/// Takes the domain from an organisation whose record has gone; one whose record still stands keeps it.
fn displace(
    tx: &mut Tx<'_>,
    tenancy: &Tenancy,
    (other, name): (&DomainHolder, &DomainName),
    said: &[String],
    origin: &Origin,
) -> Result<(), TenancyError> {
    if said.contains(&record_value(&other.token)) {
        return Err(TenancyError::DomainTaken);
    }
    domains::unverify(tx, other.org_id, name)?;
    let entry = tenancy.system_entry("tenancy.domain.lost", origin).in_org(other.org_id);
    Ok(quoin_audit::record(tx, &entry.detail(json!({"domain": name.as_str()})))?)
}

/// Gives a domain up.
///
/// # Errors
/// 404 for a domain that was not claimed, 409 for the last one while the organisation's own provider is required.
pub async fn release_domain(
    tenancy: &Tenancy,
    (org_id, actor): (OrgId, UserId),
    name: DomainName,
    origin: &Origin,
) -> Result<(), TenancyError> {
    let entry = tenancy.entry(actor, "tenancy.domain.released", origin).in_org(org_id);
    let entry = entry.detail(json!({"domain": name.as_str()}));
    tenancy
        .db()
        .write("tenancy.domains.release", move |tx| {
            owner_in(tx, org_id, actor)?;
            if !domains::delete(tx, org_id, &name)? {
                return Err(TenancyError::NoSuchDomain);
            }
            let proved = domains::list(tx, org_id)?.iter().any(|domain| domain.verified_at.is_some());
            let policy = organizations::policy(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?;
            if policy.sso_required && !proved {
                return Err(TenancyError::SsoIsRequired);
            }
            Ok(quoin_audit::record(tx, &entry)?)
        })
        .await
}

/// Reads anew, inside the transaction, that the caller is an owner: what the door saw may have changed since.
pub(super) fn owner_in(tx: &mut Tx<'_>, org_id: OrgId, actor: UserId) -> Result<(), TenancyError> {
    if standing_in(tx, org_id, actor)?.rank < Role::Owner { Err(TenancyError::RoleTooLow) } else { Ok(()) }
}
