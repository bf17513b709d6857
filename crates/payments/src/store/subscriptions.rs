//! Subscriptions of one subject.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;

use super::{json, named, optional_document};
use crate::model::{Access, PlanId, Status, Subscription, SubscriptionId};

statements! {
    /// Adds a subscription, or brings it up to date.
    UPSERT = "insert into quoin.payments_subscriptions (subject_id, id, subject_kind, provider, remote_id, remote_item,
        plan_id, plan_version, price_id, status, quantity, amount, currency, current_period_start, current_period_end,
        trial_end, cancel_at, canceled_at, ended_at, paused, discount, disputed, past_due_since, access, mismatch,
        reminders, started_at, created_at, updated_at, resumes_at, scheduled_change, scheduled_at,
        reminded_at, refunded, paid_last)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
        ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35)
        on conflict (subject_id, id) do update set remote_item = excluded.remote_item, plan_id = excluded.plan_id,
        plan_version = excluded.plan_version, price_id = excluded.price_id, status = excluded.status,
        quantity = excluded.quantity, amount = excluded.amount, currency = excluded.currency,
        current_period_start = excluded.current_period_start, current_period_end = excluded.current_period_end,
        trial_end = excluded.trial_end, cancel_at = excluded.cancel_at, canceled_at = excluded.canceled_at,
        ended_at = excluded.ended_at, paused = excluded.paused, discount = excluded.discount,
        disputed = excluded.disputed, past_due_since = excluded.past_due_since, access = excluded.access,
        mismatch = excluded.mismatch, reminders = excluded.reminders, started_at = excluded.started_at,
        updated_at = excluded.updated_at, resumes_at = excluded.resumes_at,
        scheduled_change = excluded.scheduled_change, scheduled_at = excluded.scheduled_at,
        reminded_at = excluded.reminded_at, refunded = excluded.refunded,
        paid_last = excluded.paid_last";

    /// Lists the subscriptions of a subject, newest first.
    LIST = "select id, subject_kind, subject_id, provider, remote_id, remote_item, plan_id, plan_version, price_id, status,
        quantity, amount, currency, current_period_start, current_period_end, trial_end, cancel_at, canceled_at, ended_at,
        paused, discount, disputed, past_due_since, access, mismatch, reminders, started_at, created_at, updated_at,
        resumes_at, scheduled_change, reminded_at, refunded, paid_last from quoin.payments_subscriptions where subject_id = ?1 order by id desc limit 1000";

    /// Finds a subscription of a subject.
    FIND = "select id, subject_kind, subject_id, provider, remote_id, remote_item, plan_id, plan_version, price_id, status,
        quantity, amount, currency, current_period_start, current_period_end, trial_end, cancel_at, canceled_at, ended_at,
        paused, discount, disputed, past_due_since, access, mismatch, reminders, started_at, created_at, updated_at,
        resumes_at, scheduled_change, reminded_at, refunded, paid_last from quoin.payments_subscriptions where subject_id = ?1 and id = ?2";
}

/// Adds a subscription, or brings it up to date.
pub(crate) fn upsert(tx: &mut Tx<'_>, subscription: &Subscription) -> Result<(), DbError> {
    let one = subscription;
    let (plan, version) = one.plan.as_ref().map(|(plan, version)| (plan.as_str(), *version)).unzip();
    let reminded = json(&one.reminded_at)?;
    let scheduled = one.scheduled_change.as_ref().map(json).transpose()?;
    let paid_last = one.paid_last.as_ref().map(json).transpose()?;
    let row = params![
        one.subject.uuid(),
        one.id,
        one.subject.kind(),
        &one.provider,
        &one.remote_id,
        one.remote_item.as_deref(),
        plan,
        version,
        one.price_id,
        one.status.as_str(),
        one.quantity,
        one.amount,
        one.currency.as_str(),
        one.current_period_start,
        one.current_period_end,
        one.trial_end,
        one.cancel_at,
        one.canceled_at,
        one.ended_at,
        one.paused,
        one.discount.as_deref(),
        one.disputed,
        one.past_due_since,
        one.access.as_str(),
        one.mismatch.as_deref(),
        one.reminders,
        one.started_at,
        one.created_at,
        one.updated_at,
        one.resumes_at,
        scheduled.as_ref(),
        one.scheduled_change.as_ref().map(|change| change.at),
        &reminded,
        one.refunded,
        paid_last.as_ref()
    ];
    tx.execute(&UPSERT, &row).map(|_| ())
}

/// Lists the subject's subscriptions, newest first.
pub(crate) fn list(tx: &mut Tx<'_>, subject: Subject) -> Result<Vec<Subscription>, DbError> {
    tx.query(&LIST, &params![subject.uuid()], read)
}

/// Finds one of the subject's subscriptions.
pub(crate) fn find(
    tx: &mut Tx<'_>,
    subject: Subject,
    id: SubscriptionId,
) -> Result<Option<Subscription>, DbError> {
    tx.query_opt(&FIND, &params![subject.uuid(), id], read)
}

/// Reads the columns in the order of every statement here and in `subscriptions_global`.
pub(super) fn read(row: &Row<'_>) -> Result<Subscription, DbError> {
    let (plan, version): (Option<String>, Option<i64>) = (row.get(6)?, row.get(7)?);
    let plan = plan.and_then(|plan| plan.parse::<PlanId>().ok()).zip(version);
    let time = |index: usize| row.get::<Option<Timestamp>>(index);
    Ok(Subscription {
        id: row.get(0)?,
        subject: super::subject(row, 1, 2)?,
        provider: row.get(3)?,
        remote_id: row.get(4)?,
        remote_item: row.get(5)?,
        plan,
        price_id: row.get(8)?,
        status: named(row, 9, Status::parse)?,
        quantity: row.get(10)?,
        amount: row.get(11)?,
        currency: named(row, 12, |text| text.parse().ok())?,
        current_period_start: time(13)?,
        current_period_end: time(14)?,
        trial_end: time(15)?,
        cancel_at: time(16)?,
        canceled_at: time(17)?,
        ended_at: time(18)?,
        paused: row.get(19)?,
        discount: row.get(20)?,
        disputed: row.get(21)?,
        past_due_since: time(22)?,
        access: named(row, 23, Access::parse)?,
        mismatch: row.get(24)?,
        reminders: row.get(25)?,
        started_at: row.get(26)?,
        created_at: row.get(27)?,
        updated_at: row.get(28)?,
        resumes_at: row.get(29)?,
        scheduled_change: optional_document(row, 30)?,
        reminded_at: optional_document(row, 31)?.unwrap_or_default(),
        refunded: row.get::<Option<bool>>(32)?.unwrap_or_default(),
        paid_last: optional_document(row, 33)?,
    })
}
