//! The ledger of events: each once, by its id.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

use super::json;
use crate::model::Announcement;

statements! {
    /// Adds an event, unless it is there.
    INSERT = "insert into quoin.payments_events (provider, id, kind, state, reason, objects, announced_at, received_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict (provider, id) do nothing";

    /// Removes what is too old to explain anything.
    DELETE_OLD = "delete from quoin.payments_events where received_at < ?1";
}

/// Adds an event; `false` where it came before.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    provider: &str,
    event: &Announcement,
    now: Timestamp,
) -> Result<bool, DbError> {
    let state = match event {
        Announcement { foreign: Some(_), .. } => "refused",
        Announcement { objects, .. } if objects.is_empty() => "ignored",
        Announcement { .. } => "taken",
    };
    let objects = json(&event.objects)?;
    let row =
        params![provider, &event.id, &event.kind, state, event.foreign, &objects, event.announced_at, now];
    Ok(tx.execute(&INSERT, &row)? == 1)
}

/// Removes what is too old to explain anything.
pub(crate) fn delete_old(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &params![before])
}
