//! Taking over from a process that is gone.

use quoin_db::{Db, DbError};
use quoin_kernel::Timestamp;

use crate::store::claims_global;

/// Ends every lease, so that jobs which a killed process had begun run again at once and not when their lease is over.
///
/// Only a process that is alone on its database may say so: on SQLite, the one that holds the data directory's lock.
/// Returns how many jobs had been begun.
pub async fn take_over(db: &Db, now: Timestamp) -> Result<u64, DbError> {
    db.write("jobs.take_over", move |tx| claims_global::end_leases(tx, now)).await
}
