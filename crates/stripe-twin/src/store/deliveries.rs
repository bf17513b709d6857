//! Deliveries to endpoints.

use quoin_db::{DbError, Row, Tx, params, statements};

statements! {
    INSERT = "insert into quoin.stripe_twin_deliveries (id, seq, event_id, endpoint_id, attempts, due_at_ms, fault)
        select ?1, coalesce(max(seq), 0) + 1, ?2, ?3, 0, ?4, ?5 from quoin.stripe_twin_deliveries";
    DUE = "select id, event_id, endpoint_id, attempts, due_at_ms, fault, last_status, last_answer, last_at_ms
        from quoin.stripe_twin_deliveries where due_at_ms <= ?1 order by due_at_ms, seq limit ?2";
    NEXT_DUE = "select min(due_at_ms) from quoin.stripe_twin_deliveries";
    SETTLE = "update quoin.stripe_twin_deliveries set attempts = ?2, due_at_ms = ?3, fault = null, last_status = ?4,
        last_answer = ?5, last_at_ms = ?6 where id = ?1";
    LEASE = "update quoin.stripe_twin_deliveries set due_at_ms = ?2 where id = ?1";
    RECENT = "select id, event_id, endpoint_id, attempts, due_at_ms, fault, last_status, last_answer, last_at_ms
        from quoin.stripe_twin_deliveries order by seq desc limit ?1";
    OF_EVENT = "select id, event_id, endpoint_id, attempts, due_at_ms, fault, last_status, last_answer, last_at_ms
        from quoin.stripe_twin_deliveries where event_id = ?1 order by seq";
    COUNT_PENDING = "select count(*) from quoin.stripe_twin_deliveries where event_id = ?1 and due_at_ms is not null";
    DELETE_OF_ENDPOINT = "delete from quoin.stripe_twin_deliveries where endpoint_id = ?1";
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) event_id: String,
    pub(crate) endpoint_id: String,
    pub(crate) attempts: i64,
    /// When it is tried next, in milliseconds; nothing once it is over.
    pub(crate) due_at_ms: Option<i64>,
    /// What the chaos knob does to its next attempt.
    pub(crate) fault: Option<String>,
    pub(crate) last_status: Option<i64>,
    pub(crate) last_answer: Option<String>,
    pub(crate) last_at_ms: Option<i64>,
}

fn delivery(row: &Row<'_>) -> Result<Delivery, DbError> {
    Ok(Delivery {
        id: row.get(0)?,
        event_id: row.get(1)?,
        endpoint_id: row.get(2)?,
        attempts: row.get(3)?,
        due_at_ms: row.get(4)?,
        fault: row.get(5)?,
        last_status: row.get(6)?,
        last_answer: row.get(7)?,
        last_at_ms: row.get(8)?,
    })
}

/// Inserts a delivery that was not tried yet.
pub(crate) fn insert(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<(), DbError> {
    let Delivery { id, event_id, endpoint_id, due_at_ms, fault, .. } = delivery;
    tx.execute(&INSERT, &params![id, event_id, endpoint_id, *due_at_ms, fault.as_deref()]).map(drop)
}

/// Claims what is due, and pushes it out of the way until `leased_until_ms`.
pub(crate) fn claim_due(
    tx: &mut Tx<'_>,
    now_ms: i64,
    leased_until_ms: i64,
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    let due = tx.query(&DUE, &params![now_ms, limit], delivery)?;
    for delivery in &due {
        tx.execute(&LEASE, &params![&delivery.id, leased_until_ms])?;
    }
    Ok(due)
}

/// Finds the moment at which something is due next.
pub(crate) fn find_next_due(tx: &mut Tx<'_>) -> Result<Option<i64>, DbError> {
    tx.query_one(&NEXT_DUE, &params![], |row| row.get(0))
}

/// Writes how an attempt went.
pub(crate) fn update(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<(), DbError> {
    let Delivery { id, attempts, due_at_ms, last_status, last_answer, last_at_ms, .. } = delivery;
    let params = params![id, *attempts, *due_at_ms, *last_status, last_answer.as_deref(), *last_at_ms];
    tx.execute(&SETTLE, &params).map(drop)
}

/// Lists the newest deliveries first.
pub(crate) fn list_recent(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Delivery>, DbError> {
    tx.query(&RECENT, &params![limit], delivery)
}

/// Lists the deliveries of one event.
pub(crate) fn list_of_event(tx: &mut Tx<'_>, event_id: &str) -> Result<Vec<Delivery>, DbError> {
    tx.query(&OF_EVENT, &params![event_id], delivery)
}

/// Counts an event's deliveries that are not over.
pub(crate) fn count_pending(tx: &mut Tx<'_>, event_id: &str) -> Result<i64, DbError> {
    tx.query_one(&COUNT_PENDING, &params![event_id], |row| row.get(0))
}

/// Forgets the deliveries to an endpoint.
pub(crate) fn delete_of_endpoint(tx: &mut Tx<'_>, endpoint_id: &str) -> Result<(), DbError> {
    tx.execute(&DELETE_OF_ENDPOINT, &params![endpoint_id]).map(drop)
}
