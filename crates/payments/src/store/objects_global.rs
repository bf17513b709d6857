//! How far each object of a provider is known: news, leases, fetches.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;

use super::{document, json, named};
use crate::model::explanation::{Cause, Changes, FetchId, Fetched};
use crate::model::{ObjectKind, ObjectRef};

statements! {
    /// Counts a piece of news; says which it is and whether a fetch is scheduled.
    HEAR = "insert into quoin.payments_objects as o (provider, kind, id, news, known, scheduled, fence)
        values (?1, ?2, ?3, 1, 0, ?4, 0)
        on conflict (provider, kind, id) do update set news = o.news + 1 returning news, scheduled";

    /// Keeps what the news was.
    INSERT_NEWS = "insert into quoin.payments_news (provider, object_kind, object_id, number, cause, received_at)
        values (?1, ?2, ?3, ?4, ?5, ?6)";

    /// Notes that a fetch is scheduled.
    SCHEDULE = "update quoin.payments_objects set scheduled = ?4 where provider = ?1 and kind = ?2 and id = ?3";

    /// Takes the lease, where nobody holds it.
    CLAIM = "update quoin.payments_objects set lease_until = ?4, fence = fence + 1, attempted_at = ?5
        where provider = ?1 and kind = ?2 and id = ?3 and (lease_until is null or lease_until <= ?5)
        returning fence, news";

    /// Gives the lease back with what is known now; says whether more was heard meanwhile.
    SETTLE = "update quoin.payments_objects set known = ?5, scheduled = (news > ?5), lease_until = null, fetched_at = ?6,
        problem = ?7 where provider = ?1 and kind = ?2 and id = ?3 and fence = ?4 returning scheduled";

    /// Gives the lease back with nothing learnt.
    RELEASE = "update quoin.payments_objects set lease_until = null, problem = ?5
        where provider = ?1 and kind = ?2 and id = ?3 and fence = ?4";

    /// Gives every lease back.
    RELEASE_ALL = "update quoin.payments_objects set lease_until = null where lease_until is not null";

    /// Lists objects of which more was heard than is known and that nobody is fetching, first what was never asked for, then
    /// what has waited longest since.
    LIST_BEHIND = "select kind, id from quoin.payments_objects
        where provider = ?1 and known < news and (lease_until is null or lease_until <= ?2)
        order by attempted_at is not null, attempted_at, kind, id limit ?3";

    /// Finds an object of which more was heard than is known.
    IS_BEHIND = "select 1 from quoin.payments_objects where provider = ?1 and kind = ?2 and id = ?3 and known < news";

    /// Keeps what a fetch came to.
    INSERT_FETCH = "insert into quoin.payments_fetches (provider, object_kind, object_id, id, fence, covers, started_at,
        finished_at, outcome, changes) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

    /// Lists the fetches of an object, newest first.
    LIST_FETCHES = "select id, fence, covers, started_at, finished_at, outcome, changes from quoin.payments_fetches
        where provider = ?1 and object_kind = ?2 and object_id = ?3 order by fence desc limit 500";

    /// Lists what was heard of an object, newest first.
    LIST_NEWS = "select cause, received_at, number from quoin.payments_news
        where provider = ?1 and object_kind = ?2 and object_id = ?3 order by number desc limit 1000";

    /// Removes news that is too old to explain anything.
    DELETE_OLD_NEWS = "delete from quoin.payments_news where received_at < ?1";

    /// Removes fetches that changed nothing and are too old to explain anything.
    DELETE_OLD_FETCHES = "delete from quoin.payments_fetches where finished_at < ?1 and outcome <> 'applied'";
}

/// A lease on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Its fencing token.
    pub(crate) fence: i64,
    /// How much was heard when it began.
    pub(crate) covers: i64,
}

/// Counts a piece of news; `true` where a fetch must be scheduled for it.
pub(crate) fn hear(
    tx: &mut Tx<'_>,
    provider: &str,
    object: &ObjectRef,
    cause: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let scheduled = note(tx, provider, object, cause, now)?;
    if !scheduled {
        set_scheduled(tx, provider, object, true)?;
    }
    Ok(!scheduled)
}

/// Counts a piece of news, for whoever fetches at once; tells whether a fetch is scheduled.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    provider: &str,
    object: &ObjectRef,
    cause: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let kind = object.kind.as_str();
    let (number, scheduled): (i64, bool) =
        tx.query_one(&HEAR, &params![provider, kind, &object.id, false], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    tx.execute(&INSERT_NEWS, &params![provider, kind, &object.id, number, cause, now])?;
    Ok(scheduled)
}

/// Notes whether a fetch is scheduled.
pub(crate) fn set_scheduled(
    tx: &mut Tx<'_>,
    provider: &str,
    object: &ObjectRef,
    scheduled: bool,
) -> Result<(), DbError> {
    let row = params![provider, object.kind.as_str(), &object.id, scheduled];
    tx.execute(&SCHEDULE, &row).map(|_| ())
}

/// Gives back what a process that is no more was fetching.
pub(crate) fn release_all(tx: &mut Tx<'_>) -> Result<u64, DbError> {
    tx.execute(&RELEASE_ALL, &[])
}

/// Takes the lease; `None` while somebody else holds it, or where nothing was ever heard of the object.
pub(crate) fn claim(
    tx: &mut Tx<'_>,
    provider: &str,
    object: &ObjectRef,
    (now, until): (Timestamp, Timestamp),
) -> Result<Option<Lease>, DbError> {
    let row = params![provider, object.kind.as_str(), &object.id, until, now];
    tx.query_opt(&CLAIM, &row, |row| Ok(Lease { fence: row.get(0)?, covers: row.get(1)? }))
}

/// Gives the lease back with what is known now. `None` where the lease was lost: then nothing may be written at all.
/// `Some(true)` where more was heard since it began.
pub(crate) fn settle(
    tx: &mut Tx<'_>,
    provider: &str,
    object: &ObjectRef,
    lease: Lease,
    (now, problem): (Timestamp, Option<&str>),
) -> Result<Option<bool>, DbError> {
    let row = params![provider, object.kind.as_str(), &object.id, lease.fence, lease.covers, now, problem];
    tx.query_opt(&SETTLE, &row, |row| row.get(0))
}

/// Gives the lease back with nothing learnt.
pub(crate) fn release(
    tx: &mut Tx<'_>,
    provider: &str,
    object: &ObjectRef,
    lease: Lease,
    problem: &str,
) -> Result<(), DbError> {
    let row = params![provider, object.kind.as_str(), &object.id, lease.fence, problem];
    tx.execute(&RELEASE, &row).map(|_| ())
}

/// Lists up to `limit` objects that are behind and that nobody is fetching.
pub(crate) fn list_behind(
    tx: &mut Tx<'_>,
    provider: &str,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<ObjectRef>, DbError> {
    tx.query(&LIST_BEHIND, &params![provider, now, limit], |row| {
        Ok(ObjectRef { kind: named(row, 0, ObjectKind::parse)?, id: row.get(1)? })
    })
}

/// Tells whether more was heard of an object than is known.
pub(crate) fn is_behind(tx: &mut Tx<'_>, provider: &str, object: &ObjectRef) -> Result<bool, DbError> {
    let row = params![provider, object.kind.as_str(), &object.id];
    tx.query_opt(&IS_BEHIND, &row, |row| row.get::<i64>(0)).map(|found| found.is_some())
}

/// Keeps what a fetch came to.
pub(crate) fn insert_fetch(
    tx: &mut Tx<'_>,
    provider: &str,
    object: &ObjectRef,
    fetch: &Fetched,
) -> Result<(), DbError> {
    let changes = json(&fetch.changes)?;
    let row = params![
        provider,
        object.kind.as_str(),
        &object.id,
        fetch.id,
        fetch.fence,
        fetch.covers,
        fetch.started_at,
        fetch.finished_at,
        &fetch.outcome,
        &changes
    ];
    tx.execute(&INSERT_FETCH, &row).map(|_| ())
}

/// Lists the last fetches of an object, oldest first, each with what was heard before it.
pub(crate) fn list_fetches(
    tx: &mut Tx<'_>,
    provider: &str,
    object: &ObjectRef,
) -> Result<(Vec<Fetched>, Vec<Cause>), DbError> {
    let key = params![provider, object.kind.as_str(), &object.id];
    let mut fetches: Vec<Fetched> = tx.query(&LIST_FETCHES, &key, fetched)?;
    let mut causes: Vec<Cause> = tx.query(&LIST_NEWS, &key, |row| {
        Ok(Cause { cause: row.get(0)?, received_at: row.get(1)?, number: row.get(2)? })
    })?;
    fetches.reverse();
    causes.reverse();
    let mut before = 0;
    for fetch in &mut fetches {
        let of_it = |cause: &&Cause| cause.number > before && cause.number <= fetch.covers;
        fetch.causes = causes.iter().filter(of_it).cloned().collect();
        before = before.max(fetch.covers);
    }
    causes.retain(|cause| cause.number > before);
    Ok((fetches, causes))
}

/// Removes what is too old to explain anything.
pub(crate) fn delete_old(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    Ok(tx.execute(&DELETE_OLD_NEWS, &params![before])? + tx.execute(&DELETE_OLD_FETCHES, &params![before])?)
}

fn fetched(row: &Row<'_>) -> Result<Fetched, DbError> {
    Ok(Fetched {
        id: row.get::<FetchId>(0)?,
        fence: row.get(1)?,
        covers: row.get(2)?,
        started_at: row.get(3)?,
        finished_at: row.get(4)?,
        outcome: row.get(5)?,
        changes: document::<Changes>(row, 6)?,
        causes: Vec::new(),
    })
}
