//! What `identity` asks at the door, inside its own transactions: which provider, who may come another way, who joins.

use quoin_audit::Entry;
use quoin_db::{DbError, Tx};
use quoin_kernel::{EmailAddress, OrgId, Role, Timestamp, UserId};
use serde_json::json;

use super::limits::Limits;
use crate::error::TenancyError;
use crate::model::{NewMember, OrgStatus, SsoConnection, SsoKey};
use crate::store::{departures, domains_global, memberships, organizations, roles, sso_connections};

/// Finds a connection that may be used: its organisation is open and has proved a domain.
pub fn sso_connection(tx: &mut Tx<'_>, key: &SsoKey) -> Result<Option<SsoConnection>, DbError> {
    let org_id = match key {
        SsoKey::Domain(domain) => domains_global::find_usable(tx, domain)?.map(|holder| holder.org_id),
        SsoKey::Connection(id) => domains_global::find_org(tx, *id)?,
    };
    let Some(org_id) = org_id else { return Ok(None) };
    if organizations::status(tx, org_id)? != Some(OrgStatus::Active) {
        return Ok(None);
    }
    let Some(connection) = sso_connections::find(tx, org_id)? else { return Ok(None) };
    let domains = sso_connections::list_domains(tx, org_id)?;
    Ok((!domains.is_empty()).then_some(SsoConnection { connection, domains }))
}

/// Tells whether an organisation still has the connection through which a session came.
pub fn has_sso_connection(tx: &mut Tx<'_>, org_id: OrgId) -> Result<bool, DbError> {
    Ok(sso_connections::find(tx, org_id)?.is_some())
}

/// Notes that somebody has come through an organisation's connection: from then on it may be required.
pub fn note_sso_use(tx: &mut Tx<'_>, org_id: OrgId, now: Timestamp) -> Result<(), DbError> {
    sso_connections::note_use(tx, org_id, now)
}

/// Returns the organisation whose own provider is the only way in for whoever has this address; `None` where there is
/// none, and for the owner for whom other ways stay open.
pub fn sso_demanded_of(
    tx: &mut Tx<'_>,
    user_id: UserId,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Option<OrgId>, DbError> {
    let Some(holder) = domains_global::find_usable(tx, email.domain())? else { return Ok(None) };
    if holder.sso_required_from.is_none_or(|from| now < from) {
        return Ok(None);
    }
    if holder.break_glass == Some(user_id) {
        let membership = memberships::find(tx, holder.org_id, user_id)?;
        if membership.is_some_and(|membership| membership.standing.rank == Role::Owner) {
            return Ok(None);
        }
    }
    Ok(Some(holder.org_id))
}

/// Makes whoever came through an organisation's own provider a member of it, with its default role.
///
/// # Errors
/// `removed_from_organization` for whoever has left or was removed: an invitation brings them back; `limit_reached`
/// where the plan has no seat for them.
pub fn join_by_sso(
    tx: &mut Tx<'_>,
    limits: &Limits,
    org_id: OrgId,
    user_id: UserId,
    now: Timestamp,
    entry: &Entry,
) -> Result<(), TenancyError> {
    if memberships::find(tx, org_id, user_id)?.is_some() {
        return Ok(());
    }
    if departures::is_gone(tx, org_id, user_id)? {
        return Err(TenancyError::Departed);
    }
    limits.take_seat(tx, org_id, now)?;
    join(tx, org_id, user_id, now, entry)
}

/// Makes whoever has proved an address of an organisation's domain a member of it, where it wants that and its plan has a
/// seat for them: whoever signs in for something else is not kept from it by another's plan.
pub fn join_by_domain(
    tx: &mut Tx<'_>,
    limits: &Limits,
    user_id: UserId,
    email: &EmailAddress,
    now: Timestamp,
    entry: &Entry,
) -> Result<(), TenancyError> {
    let holder = domains_global::find_usable(tx, email.domain())?.filter(|holder| holder.auto_join);
    let Some(org_id) = holder.map(|holder| holder.org_id) else { return Ok(()) };
    let is_known =
        memberships::find(tx, org_id, user_id)?.is_some() || departures::is_gone(tx, org_id, user_id)?;
    if is_known {
        return Ok(());
    }
    match limits.take_seat(tx, org_id, now) {
        Ok(()) => join(tx, org_id, user_id, now, entry),
        Err(TenancyError::Limit(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn join(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    user_id: UserId,
    now: Timestamp,
    entry: &Entry,
) -> Result<(), TenancyError> {
    let name = organizations::default_role(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?;
    let standing = roles::find(tx, org_id, &name)?.ok_or(TenancyError::NoSuchRole)?;
    memberships::insert(tx, &NewMember { org_id, user_id, standing, now })?;
    let entry = entry.clone().in_org(org_id).on(user_id).detail(json!({"role": name}));
    Ok(quoin_audit::record(tx, &entry)?)
}
