//! Rows of domains that organisations have claimed.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{OrgId, Timestamp};

use crate::model::{Domain, DomainName};

statements! {
    /// Adds a claim, unless there is one.
    INSERT = "insert into quoin.tenancy_domains (org_id, domain, token, created_at) values (?1, ?2, ?3, ?4)
        on conflict (org_id, domain) do nothing";

    /// Finds a claim.
    FIND = "select domain, token, created_at, verified_at from quoin.tenancy_domains where org_id = ?1 and domain = ?2";

    /// Lists the claims.
    LIST = "select domain, token, created_at, verified_at from quoin.tenancy_domains where org_id = ?1 order by domain";

    /// Counts the claims.
    COUNT = "select count(*) from quoin.tenancy_domains where org_id = ?1";

    /// Notes that a domain is proved; the unique index lets one organisation through.
    VERIFY = "update quoin.tenancy_domains set verified_at = ?3 where org_id = ?1 and domain = ?2";

    /// Takes the proof back.
    UNVERIFY = "update quoin.tenancy_domains set verified_at = null where org_id = ?1 and domain = ?2";

    /// Removes a claim.
    DELETE = "delete from quoin.tenancy_domains where org_id = ?1 and domain = ?2";

    /// Removes all claims.
    DELETE_ALL = "delete from quoin.tenancy_domains where org_id = ?1";
}

/// Adds a claim; `false` where there is one.
pub(crate) fn insert(tx: &mut Tx<'_>, org_id: OrgId, domain: &Domain) -> Result<bool, DbError> {
    let row = params![org_id, domain.name.as_str(), &domain.token, domain.created_at];
    Ok(tx.execute(&INSERT, &row)? == 1)
}

/// Finds a claim of this organisation.
pub(crate) fn find(tx: &mut Tx<'_>, org_id: OrgId, name: &DomainName) -> Result<Option<Domain>, DbError> {
    tx.query_opt(&FIND, &params![org_id, name.as_str()], read)
}

/// Lists the organisation's claims by name.
pub(crate) fn list(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Vec<Domain>, DbError> {
    tx.query(&LIST, &params![org_id], read)
}

/// Counts the organisation's claims.
pub(crate) fn count(tx: &mut Tx<'_>, org_id: OrgId) -> Result<i64, DbError> {
    tx.query_one(&COUNT, &params![org_id], |row| row.get(0))
}

/// Notes that a domain is proved; `false` where there is no such claim.
///
/// # Errors
/// [`DbError::Unique`] of `tenancy_domains_verified` where another organisation has proved it.
pub(crate) fn verify(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    name: &DomainName,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&VERIFY, &params![org_id, name.as_str(), now])? == 1)
}

/// Takes the proof of a domain back.
pub(crate) fn unverify(tx: &mut Tx<'_>, org_id: OrgId, name: &DomainName) -> Result<(), DbError> {
    tx.execute(&UNVERIFY, &params![org_id, name.as_str()]).map(|_| ())
}

/// Removes a claim; `false` where there is none.
pub(crate) fn delete(tx: &mut Tx<'_>, org_id: OrgId, name: &DomainName) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE, &params![org_id, name.as_str()])? == 1)
}

/// Removes all claims of an organisation.
pub(crate) fn delete_all(tx: &mut Tx<'_>, org_id: OrgId) -> Result<(), DbError> {
    tx.execute(&DELETE_ALL, &params![org_id]).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Domain, DbError> {
    Ok(Domain {
        name: DomainName::from_canonical(row.get(0)?),
        token: row.get(1)?,
        created_at: row.get(2)?,
        verified_at: row.get(3)?,
    })
}
