//! Organisations, whichever they are.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::{OrgId, Timestamp};

statements! {
    /// Lists organisations whose time of grace is over.
    LIST_DUE = "select id from quoin.tenancy_organizations where delete_after <= ?1 order by delete_after limit ?2";
}

/// Lists organisations whose time of grace is over.
pub(crate) fn list_due(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<Vec<OrgId>, DbError> {
    tx.query(&LIST_DUE, &params![now, limit], |row| row.get(0))
}
