//! The outbox of events. A row is consumed in the transaction that enqueues its jobs: no subscriber misses one, none
//! hears it twice.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::event::Event;
use quoin_kernel::{EventId, OrgId, Timestamp};
use serde_json::Value;

statements! {
    /// Adds an event.
    INSERT = "insert into quoin.jobs_events (id, name, org_id, payload, at) values (?1, ?2, ?3, ?4, ?5)";

    /// Takes up to `?1` events out.
    CONSUME = "delete from quoin.jobs_events where id in (select id from quoin.jobs_events order by id limit ?1)
        returning id, name, org_id, payload, at",
        postgres: "delete from quoin.jobs_events where id in (
            select id from quoin.jobs_events order by id limit ?1 for update skip locked)
        returning id, name, org_id, payload, at";
}

/// An event on its way to its subscribers.
#[derive(Debug)]
pub(crate) struct Happened {
    pub(crate) id: EventId,
    pub(crate) name: String,
    pub(crate) org_id: Option<OrgId>,
    pub(crate) payload: Value,
    pub(crate) at: Timestamp,
}

/// Adds `event`.
pub(crate) fn insert(tx: &mut Tx<'_>, id: EventId, at: Timestamp, event: &Event) -> Result<(), DbError> {
    tx.execute(&INSERT, &params![id, event.name, event.org_id, &event.payload, at]).map(|_| ())
}

/// Takes up to `limit` events out, oldest first.
pub(crate) fn consume(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Happened>, DbError> {
    let mut events = tx.query(&CONSUME, &params![limit], read)?;
    events.sort_unstable_by_key(|event| event.id);
    Ok(events)
}

fn read(row: &Row<'_>) -> Result<Happened, DbError> {
    Ok(Happened {
        id: row.get(0)?,
        name: row.get(1)?,
        org_id: row.get(2)?,
        payload: row.get(3)?,
        at: row.get(4)?,
    })
}
