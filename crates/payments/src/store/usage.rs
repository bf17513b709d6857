//! Reports of use, each once, and their sums per period.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;

statements! {
    /// Keeps a report, unless its key came before.
    INSERT_REPORT = "insert into quoin.payments_usage_reports (subject_id, report_key, meter, amount, at)
        values (?1, ?2, ?3, ?4, ?5) on conflict (subject_id, report_key) do nothing";

    /// Finds what a key reported.
    FIND_REPORT = "select meter, amount from quoin.payments_usage_reports where subject_id = ?1 and report_key = ?2";

    /// Adds to the sum of a period.
    ADD = "insert into quoin.payments_usage as u (subject_id, meter, period_start, subject_kind, total, reported, sending,
        batch, updated_at) values (?1, ?2, ?3, ?4, ?5, 0, 0, 0, ?6)
        on conflict (subject_id, meter, period_start) do update set total = u.total + ?5, updated_at = ?6";

    /// Forgets a subject's reports.
    DELETE_REPORTS = "delete from quoin.payments_usage_reports where subject_id = ?1";

    /// Forgets a subject's sums.
    DELETE_SUMS = "delete from quoin.payments_usage where subject_id = ?1";

    /// Lists a subject's sums, newest period first.
    LIST = "select meter, period_start, total, reported from quoin.payments_usage
        where subject_id = ?1 order by period_start desc, meter limit 1000";

    /// Lists a subject's sums of which the provider does not know everything.
    LIST_UNREPORTED_OF = "select subject_kind, subject_id, meter, period_start, sending, batch,
        coalesce(sending_at, updated_at) from quoin.payments_usage
        where subject_id = ?1 and reported < total order by meter, period_start";

    /// Fixes what is sent next and what it says of its time, so that sending it again sends the same.
    BEGIN_SENDING = "update quoin.payments_usage set sending = total - reported, batch = batch + 1, sending_at = ?4
        where subject_id = ?1 and meter = ?2 and period_start = ?3 and sending = 0 and reported < total";

    /// Notes that what was sent has arrived.
    END_SENDING = "update quoin.payments_usage set reported = reported + sending, sending = 0
        where subject_id = ?1 and meter = ?2 and period_start = ?3 and batch = ?4";
}

/// A sum of use that is on its way to the provider.
#[derive(Debug, Clone)]
pub(crate) struct Unreported {
    pub(crate) subject: Subject,
    pub(crate) meter: String,
    pub(crate) period_start: Timestamp,
    pub(crate) sending: i64,
    pub(crate) batch: i64,
    /// When the batch was put together, which the provider is told however often it is sent.
    pub(crate) sending_at: Timestamp,
}

/// A sum of use in a period.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct UsageSum {
    /// What is counted.
    pub meter: String,
    /// The month's first moment, UTC.
    pub period_start: Timestamp,
    /// How much was used.
    pub total: i64,
    /// How much of it the provider knows.
    pub reported: i64,
}

/// Keeps a report; `false` where its key came before.
pub(crate) fn insert_report(
    tx: &mut Tx<'_>,
    subject: Subject,
    key: &str,
    (meter, amount): (&str, i64),
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&INSERT_REPORT, &params![subject.uuid(), key, meter, amount, now])? == 1)
}

/// Finds what a key reported.
pub(crate) fn find_report(
    tx: &mut Tx<'_>,
    subject: Subject,
    key: &str,
) -> Result<Option<(String, i64)>, DbError> {
    tx.query_opt(&FIND_REPORT, &params![subject.uuid(), key], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Adds to the sum of a period.
pub(crate) fn add(
    tx: &mut Tx<'_>,
    subject: Subject,
    (meter, amount): (&str, i64),
    (period_start, now): (Timestamp, Timestamp),
) -> Result<(), DbError> {
    tx.execute(&ADD, &params![subject.uuid(), meter, period_start, subject.kind(), amount, now]).map(|_| ())
}

/// Lists a subject's sums, newest period first.
pub(crate) fn list(tx: &mut Tx<'_>, subject: Subject) -> Result<Vec<UsageSum>, DbError> {
    tx.query(&LIST, &params![subject.uuid()], |row| {
        Ok(UsageSum {
            meter: row.get(0)?,
            period_start: row.get(1)?,
            total: row.get(2)?,
            reported: row.get(3)?,
        })
    })
}

/// Takes a subject's sums of which the provider does not know everything, and fixes what is sent of each.
pub(crate) fn claim_unreported(
    tx: &mut Tx<'_>,
    subject: Subject,
    now: Timestamp,
) -> Result<Vec<Unreported>, DbError> {
    let list = |tx: &mut Tx<'_>| tx.query(&LIST_UNREPORTED_OF, &params![subject.uuid()], read_unreported);
    for sum in &list(tx)? {
        begin_sending(tx, sum, now)?;
    }
    list(tx)
}

/// Reads a sum that is on its way.
pub(super) fn read_unreported(row: &Row<'_>) -> Result<Unreported, DbError> {
    Ok(Unreported {
        subject: super::subject(row, 0, 1)?,
        meter: row.get(2)?,
        period_start: row.get(3)?,
        sending: row.get(4)?,
        batch: row.get(5)?,
        sending_at: row.get(6)?,
    })
}

/// Fixes what is sent next, unless something is on its way.
pub(crate) fn begin_sending(tx: &mut Tx<'_>, sum: &Unreported, now: Timestamp) -> Result<(), DbError> {
    let row = params![sum.subject.uuid(), &sum.meter, sum.period_start, now];
    tx.execute(&BEGIN_SENDING, &row).map(|_| ())
}

/// Notes that what was sent has arrived.
pub(crate) fn end_sending(tx: &mut Tx<'_>, sum: &Unreported) -> Result<(), DbError> {
    let row = params![sum.subject.uuid(), &sum.meter, sum.period_start, sum.batch];
    tx.execute(&END_SENDING, &row).map(|_| ())
}

/// Forgets what a subject used.
pub(crate) fn delete_all(tx: &mut Tx<'_>, subject: Subject) -> Result<(), DbError> {
    tx.execute(&DELETE_REPORTS, &params![subject.uuid()])?;
    tx.execute(&DELETE_SUMS, &params![subject.uuid()]).map(|_| ())
}
