//! Whose a domain is: asked by people at the door, who belong to no organisation yet.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{OrgId, Timestamp, UserId};

use super::organizations::read_status;
use crate::model::{ConnectionId, DomainHolder, DomainName, OrgStatus};

statements! {
    /// Finds the organisation that has proved a domain, and what it demands of the domain's people.
    FIND_HOLDER = "select domain.org_id, domain.token, org.suspended_at, org.delete_after, org.sso_required_from,
            org.sso_break_glass, org.auto_join
        from quoin.tenancy_domains as domain join quoin.tenancy_organizations as org on org.id = domain.org_id
        where domain.domain = ?1 and domain.verified_at is not null";

    /// Finds the organisation behind a connection.
    FIND_ORG = "select org_id from quoin.tenancy_sso_connections where id = ?1";
}

/// Finds the organisation that has proved a domain.
pub(crate) fn find_holder(tx: &mut Tx<'_>, domain: &str) -> Result<Option<DomainHolder>, DbError> {
    tx.query_opt(&FIND_HOLDER, &params![domain], read)
}

/// Finds the organisation that has proved a domain, where it can be used.
pub(crate) fn find_usable(tx: &mut Tx<'_>, domain: &str) -> Result<Option<DomainHolder>, DbError> {
    Ok(find_holder(tx, domain)?.filter(|holder| holder.status == OrgStatus::Active))
}

/// Finds the organisation that has proved a claimed domain, where that is another one.
pub(crate) fn find_other(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    name: &DomainName,
) -> Result<Option<DomainHolder>, DbError> {
    Ok(find_holder(tx, name.as_str())?.filter(|holder| holder.org_id != org_id))
}

/// Finds the organisation behind a connection.
pub(crate) fn find_org(tx: &mut Tx<'_>, id: ConnectionId) -> Result<Option<OrgId>, DbError> {
    tx.query_opt(&FIND_ORG, &params![id], |row| row.get(0))
}

fn read(row: &Row<'_>) -> Result<DomainHolder, DbError> {
    let (from, break_glass): (Option<Timestamp>, Option<UserId>) = (row.get(4)?, row.get(5)?);
    Ok(DomainHolder {
        org_id: row.get(0)?,
        token: row.get(1)?,
        status: read_status(row, 2)?,
        sso_required_from: from,
        break_glass,
        auto_join: row.get(6)?,
    })
}
