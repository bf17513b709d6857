//! Checkouts, whoever's they are.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::billing::Subject;
use uuid::Uuid;

statements! {
    /// Finds whose session it is.
    FIND_SUBJECT = "select subject_kind, subject_id, id from quoin.payments_checkouts where remote_id = ?1";
}

/// Finds whose session it is, and which checkout.
pub(crate) fn find_subject(tx: &mut Tx<'_>, remote_id: &str) -> Result<Option<(Subject, Uuid)>, DbError> {
    tx.query_opt(&FIND_SUBJECT, &params![remote_id], |row| Ok((super::subject(row, 0, 1)?, row.get(2)?)))
}
