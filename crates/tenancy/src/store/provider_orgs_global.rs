//! Which organisation here is which at a provider: asked at the door, by people who may belong to none yet.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::{OrgId, Timestamp, UserId};

statements! {
    /// Finds the organisation that a provider means.
    FIND = "select org_id from quoin.tenancy_provider_orgs where issuer = ?1 and external_id = ?2";

    /// Lists what a provider means by the organisations that somebody belongs to.
    LIST_OF = "select known.org_id, known.external_id from quoin.tenancy_provider_orgs as known
        join quoin.tenancy_memberships as member on member.org_id = known.org_id
        where known.issuer = ?1 and member.user_id = ?2 order by known.org_id";

    /// Remembers what a provider means.
    INSERT = "insert into quoin.tenancy_provider_orgs (org_id, issuer, external_id, created_at)
        values (?1, ?2, ?3, ?4)";

    /// Forgets an organisation.
    DELETE = "delete from quoin.tenancy_provider_orgs where org_id = ?1";
}

/// Finds the organisation that a provider means.
pub(crate) fn find(tx: &mut Tx<'_>, issuer: &str, external_id: &str) -> Result<Option<OrgId>, DbError> {
    tx.query_opt(&FIND, &params![issuer, external_id], |row| row.get(0))
}

/// Lists the organisations of somebody that a provider knows too, with its ids.
pub(crate) fn list_of(
    tx: &mut Tx<'_>,
    issuer: &str,
    user_id: UserId,
) -> Result<Vec<(OrgId, String)>, DbError> {
    tx.query(&LIST_OF, &params![issuer, user_id], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Remembers what a provider means; [`DbError::Unique`] where it is remembered already.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    (issuer, external_id): (&str, &str),
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&INSERT, &params![org_id, issuer, external_id, now]).map(|_| ())
}

/// Forgets an organisation that is gone.
pub(crate) fn delete(tx: &mut Tx<'_>, org_id: OrgId) -> Result<(), DbError> {
    tx.execute(&DELETE, &params![org_id]).map(|_| ())
}
