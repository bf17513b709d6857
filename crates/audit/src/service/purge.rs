//! Removing entries that have been kept long enough. That it was done, and up to when, stays in the trail.

use std::time::Duration;

use quoin_db::{Db, DbError};
use quoin_kernel::{Rng, Timestamp};
use serde_json::json;

use super::record;
use crate::model::{Actor, Entry, first_id_at};
use crate::store::purges_global;

/// Entries removed in one transaction: few enough that nobody waits for it.
const AT_ONCE: i64 = 1000;

/// Removes entries older than `keep`; returns how many.
pub async fn purge(db: &Db, rng: &dyn Rng, now: Timestamp, keep: Duration) -> Result<u64, DbError> {
    let before = now - keep;
    let first_kept = first_id_at(before);
    let entry = Entry::new(rng, now, Actor::System("audit"), "audit.entries.purged");
    let entry = entry.detail(json!({"before": before}));
    let any = db.write("audit.purge.begin", move |tx| {
        let any = purges_global::find_older(tx, first_kept)?;
        if any {
            purges_global::insert(tx, before, now)?;
            record(tx, &entry)?;
        }
        Ok::<_, DbError>(any)
    });
    if !any.await? {
        return Ok(0);
    }
    let mut removed = 0;
    loop {
        let some = db.write::<_, DbError, _>("audit.purge", move |tx| {
            purges_global::delete_older(tx, first_kept, AT_ONCE)
        });
        let some = some.await?;
        removed += some;
        if some < AT_ONCE.unsigned_abs() {
            return Ok(removed);
        }
    }
}
