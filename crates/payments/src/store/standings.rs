//! Which plan is in force for a subject.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::{Coverage, Subject};

statements! {
    /// Writes how a subject stands.
    UPSERT = "insert into quoin.payments_standings (subject_id, subject_kind, plan_id, plan_version, premium,
        premium_until, auto_renew, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        on conflict (subject_id) do update set plan_id = excluded.plan_id, plan_version = excluded.plan_version,
        premium = excluded.premium, premium_until = excluded.premium_until, auto_renew = excluded.auto_renew,
        updated_at = excluded.updated_at";

    /// Forgets how a subject stood.
    DELETE = "delete from quoin.payments_standings where subject_id = ?1";

    /// Finds how a subject stands.
    FIND = "select plan_id, premium, premium_until, auto_renew from quoin.payments_standings where subject_id = ?1";
}

/// Writes how a subject stands.
pub(crate) fn upsert(
    tx: &mut Tx<'_>,
    subject: Subject,
    standing: &Coverage,
    version: Option<i64>,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = params![
        subject.uuid(),
        subject.kind(),
        standing.plan.as_deref(),
        version,
        standing.premium,
        standing.premium_until,
        standing.auto_renew,
        now
    ];
    tx.execute(&UPSERT, &row).map(|_| ())
}

/// Finds how a subject stands; `None` for one that never bought anything.
pub(crate) fn find(tx: &mut Tx<'_>, subject: Subject) -> Result<Option<Coverage>, DbError> {
    tx.query_opt(&FIND, &params![subject.uuid()], |row| {
        Ok(Coverage {
            plan: row.get(0)?,
            premium: row.get(1)?,
            premium_until: row.get(2)?,
            auto_renew: row.get(3)?,
        })
    })
}

/// Forgets how a subject stood.
pub(crate) fn delete(tx: &mut Tx<'_>, subject: Subject) -> Result<(), DbError> {
    tx.execute(&DELETE, &params![subject.uuid()]).map(|_| ())
}
