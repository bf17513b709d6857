//! Checkouts, whoever's they are.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::billing::Subject;
use uuid::Uuid;

statements! {
    /// Finds whose session it is.
    FIND_SUBJECT = "select subject_kind, subject_id, id from quoin.payments_checkouts where remote_id = ?1";

    /// Lists sessions that are open as far as is known here.
    LIST_OPEN = "select provider, remote_id from quoin.payments_checkouts
        where state = 'open' and remote_id is not null and remote_id > ?1 order by remote_id limit ?2";
}

/// Finds whose session it is, and which checkout.
pub(crate) fn find_subject(tx: &mut Tx<'_>, remote_id: &str) -> Result<Option<(Subject, Uuid)>, DbError> {
    tx.query_opt(&FIND_SUBJECT, &params![remote_id], |row| Ok((super::subject(row, 0, 1)?, row.get(2)?)))
}

/// A session, and who opened it where that was written down.
pub(crate) type Session = (Option<String>, String);

/// Lists the next sessions after one that are open as far as is known here.
pub(crate) fn list_open(tx: &mut Tx<'_>, after: &str, limit: u32) -> Result<Vec<Session>, DbError> {
    tx.query(&LIST_OPEN, &params![after, limit], |row| Ok((row.get(0)?, row.get(1)?)))
}
