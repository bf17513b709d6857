//! Sums and reports of use, whoever's they are: what the provider is told next, and what is forgotten.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

use super::usage::{Unreported, begin_sending, read_unreported};

statements! {
    /// Lists sums of which the provider does not know everything.
    LIST_UNREPORTED = "select subject_kind, subject_id, meter, period_start, sending, batch, coalesce(sending_at, updated_at)
        from quoin.payments_usage where reported < total order by subject_id, meter, period_start limit ?1";

    /// Removes keys that nobody will use again.
    DELETE_OLD = "delete from quoin.payments_usage_reports where at < ?1";
}

/// Takes up to `limit` sums of which the provider does not know everything, and fixes what is sent of each.
pub(crate) fn claim_unreported(
    tx: &mut Tx<'_>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Unreported>, DbError> {
    for sum in &list_unreported(tx, limit)? {
        begin_sending(tx, sum, now)?;
    }
    list_unreported(tx, limit)
}

fn list_unreported(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<Unreported>, DbError> {
    tx.query(&LIST_UNREPORTED, &params![limit], read_unreported)
}

/// Removes keys of reports that nobody will use again.
pub(crate) fn delete_old(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &params![before])
}
