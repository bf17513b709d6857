//! What each subject may do, and how much of it is used. Check and count are one statement on one row.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;
use serde_json::Value;

use crate::model::Per;

statements! {
    /// Counts more, where the limit allows it and the period is not over.
    TAKE = "update quoin.payments_entitlements set used = used + ?3
        where subject_id = ?1 and name = ?2 and (mode in ('open', 'soft') or used + ?3 <= allowed)
        and (resets_at is null or resets_at > ?4)";

    /// Counts more, whatever the limit says.
    FORCE = "update quoin.payments_entitlements set used = used + ?3, over_since = coalesce(over_since, ?4)
        where subject_id = ?1 and name = ?2";

    /// Counts less.
    GIVE_BACK = "update quoin.payments_entitlements set used = case when used > ?3 then used - ?3 else 0 end
        where subject_id = ?1 and name = ?2";

    /// Writes what was counted elsewhere.
    SET_USED = "update quoin.payments_entitlements set used = ?3 where subject_id = ?1 and name = ?2";

    /// Notes that its limit was told of, unless it was.
    TELL = "update quoin.payments_entitlements set told_at = ?3
        where subject_id = ?1 and name = ?2 and told_at is null
        returning name, plan_id, value, allowed, mode, per, used, resets_at, over_since";

    /// Begins a period.
    RESET = "update quoin.payments_entitlements set used = 0, over_since = null, told_at = null, resets_at = ?3
        where subject_id = ?1 and name = ?2 and resets_at <= ?4";

    /// Forgets since when the limit is passed, where it no longer is, and that it was told of, where there is room again.
    CLEAR_OVER = "update quoin.payments_entitlements set
        over_since = case when allowed is null or used <= allowed then null else over_since end,
        told_at = case when allowed is null or used < allowed then null else told_at end
        where subject_id = ?1 and (over_since is not null or told_at is not null)";

    /// Writes what the plan in force gives; what is used stays.
    UPSERT = "insert into quoin.payments_entitlements (subject_id, name, subject_kind, plan_id, value, allowed, mode, per,
        used, resets_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        on conflict (subject_id, name) do update set plan_id = excluded.plan_id, value = excluded.value,
        allowed = excluded.allowed, mode = excluded.mode, per = excluded.per, resets_at = excluded.resets_at,
        told_at = null, updated_at = excluded.updated_at";

    /// Lists what a subject has.
    LIST = "select name, plan_id, value, allowed, mode, per, used, resets_at, over_since
        from quoin.payments_entitlements where subject_id = ?1 order by name";

    /// Finds one thing that a subject has.
    FIND = "select name, plan_id, value, allowed, mode, per, used, resets_at, over_since
        from quoin.payments_entitlements where subject_id = ?1 and name = ?2";

    /// Removes what no plan gives any more.
    DELETE = "delete from quoin.payments_entitlements where subject_id = ?1 and name = ?2";

    /// Lists everybody who has something written down.
    LIST_SUBJECTS = "select distinct subject_kind, subject_id from quoin.payments_entitlements
        where subject_id > ?1 order by subject_id limit ?2";
}

/// One thing that a subject has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Granted {
    pub(crate) name: String,
    pub(crate) plan_id: Option<String>,
    /// The scalar; null for a limit.
    pub(crate) value: Option<Value>,
    pub(crate) allowed: Option<i64>,
    /// `flag`, `open`, `soft`, `grace` or `hard`.
    pub(crate) mode: String,
    pub(crate) per: Option<Per>,
    pub(crate) used: i64,
    pub(crate) resets_at: Option<Timestamp>,
    pub(crate) over_since: Option<Timestamp>,
}

/// Counts more in one statement; `false` where there is no row, the period is over, or the limit refuses.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    subject: Subject,
    name: &str,
    amount: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&TAKE, &params![subject.uuid(), name, amount, now])? == 1)
}

/// Counts more although the limit is passed, and notes since when it is.
pub(crate) fn force(
    tx: &mut Tx<'_>,
    subject: Subject,
    name: &str,
    amount: i64,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&FORCE, &params![subject.uuid(), name, amount, now]).map(|_| ())
}

/// Counts less, never below nothing.
pub(crate) fn give_back(tx: &mut Tx<'_>, subject: Subject, name: &str, amount: i64) -> Result<(), DbError> {
    tx.execute(&GIVE_BACK, &params![subject.uuid(), name, amount])?;
    tx.execute(&CLEAR_OVER, &params![subject.uuid()]).map(|_| ())
}

/// Writes what was counted elsewhere.
pub(crate) fn set_used(tx: &mut Tx<'_>, subject: Subject, name: &str, used: i64) -> Result<(), DbError> {
    tx.execute(&SET_USED, &params![subject.uuid(), name, used])?;
    tx.execute(&CLEAR_OVER, &params![subject.uuid()]).map(|_| ())
}

/// Notes that its limit was told of; `None` where it was already.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    subject: Subject,
    name: &str,
    now: Timestamp,
) -> Result<Option<Granted>, DbError> {
    tx.query_opt(&TELL, &params![subject.uuid(), name, now], read)
}

/// Begins a new period where the old one is over.
pub(crate) fn reset(
    tx: &mut Tx<'_>,
    subject: Subject,
    name: &str,
    (next, now): (Timestamp, Timestamp),
) -> Result<(), DbError> {
    tx.execute(&RESET, &params![subject.uuid(), name, next, now]).map(|_| ())
}

/// Writes what the plan in force gives; what is used stays.
pub(crate) fn upsert(
    tx: &mut Tx<'_>,
    subject: Subject,
    granted: &Granted,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = params![
        subject.uuid(),
        &granted.name,
        subject.kind(),
        granted.plan_id.as_deref(),
        granted.value.as_ref(),
        granted.allowed,
        &granted.mode,
        granted.per.map(Per::as_str),
        granted.used,
        granted.resets_at,
        now
    ];
    tx.execute(&UPSERT, &row).map(|_| ())
}

/// Lists what a subject has.
pub(crate) fn list(tx: &mut Tx<'_>, subject: Subject) -> Result<Vec<Granted>, DbError> {
    tx.query(&LIST, &params![subject.uuid()], read)
}

/// Finds one thing that a subject has.
pub(crate) fn find(tx: &mut Tx<'_>, subject: Subject, name: &str) -> Result<Option<Granted>, DbError> {
    tx.query_opt(&FIND, &params![subject.uuid(), name], read)
}

/// Removes one thing.
pub(crate) fn delete(tx: &mut Tx<'_>, subject: Subject, name: &str) -> Result<(), DbError> {
    tx.execute(&DELETE, &params![subject.uuid(), name]).map(|_| ())
}

/// Lists up to `limit` subjects after one, for changes that concern everybody.
pub(crate) fn list_subjects_global(
    tx: &mut Tx<'_>,
    after: uuid::Uuid,
    limit: u32,
) -> Result<Vec<Subject>, DbError> {
    tx.query(&LIST_SUBJECTS, &params![after, limit], |row| super::subject(row, 0, 1))
}

fn read(row: &Row<'_>) -> Result<Granted, DbError> {
    let per: Option<String> = row.get(5)?;
    Ok(Granted {
        name: row.get(0)?,
        plan_id: row.get(1)?,
        value: row.get(2)?,
        allowed: row.get(3)?,
        mode: row.get(4)?,
        per: per.as_deref().and_then(Per::parse),
        used: row.get(6)?,
        resets_at: row.get(7)?,
        over_since: row.get(8)?,
    })
}
