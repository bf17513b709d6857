//! Subscriptions by what the provider calls them, and those that need looking after.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;

use super::subscriptions::read;
use crate::model::{PlanId, Subscription};

statements! {
    /// Finds the subscription that a provider calls so.
    FIND_BY_REMOTE = "select id, subject_kind, subject_id, provider, remote_id, remote_item, plan_id, plan_version,
        price_id, status, quantity, amount, currency, current_period_start, current_period_end, trial_end, cancel_at,
        canceled_at, ended_at, paused, discount, disputed, past_due_since, access, mismatch, reminders, started_at,
        created_at, updated_at, resumes_at, scheduled_change, reminded_at, refunded, paid_last from quoin.payments_subscriptions where provider = ?1 and remote_id = ?2";

    /// Lists what has a payment missing.
    LIST_PAST_DUE = "select id, subject_kind, subject_id, provider, remote_id, remote_item, plan_id, plan_version,
        price_id, status, quantity, amount, currency, current_period_start, current_period_end, trial_end, cancel_at,
        canceled_at, ended_at, paused, discount, disputed, past_due_since, access, mismatch, reminders, started_at,
        created_at, updated_at, resumes_at, scheduled_change, reminded_at, refunded, paid_last from quoin.payments_subscriptions
        where past_due_since is not null and remote_id > ?1 order by remote_id limit ?2";

    /// Lists what changes soon.
    LIST_SCHEDULED = "select id, subject_kind, subject_id, provider, remote_id, remote_item, plan_id, plan_version,
        price_id, status, quantity, amount, currency, current_period_start, current_period_end, trial_end, cancel_at,
        canceled_at, ended_at, paused, discount, disputed, past_due_since, access, mismatch, reminders, started_at,
        created_at, updated_at, resumes_at, scheduled_change, reminded_at, refunded, paid_last from quoin.payments_subscriptions
        where scheduled_at > ?1 and scheduled_at <= ?2 and remote_id > ?3 order by remote_id limit ?4";

    /// Lists pauses whose end has come.
    LIST_RESUMING = "select id, subject_kind, subject_id, provider, remote_id, remote_item, plan_id, plan_version,
        price_id, status, quantity, amount, currency, current_period_start, current_period_end, trial_end, cancel_at,
        canceled_at, ended_at, paused, discount, disputed, past_due_since, access, mismatch, reminders, started_at,
        created_at, updated_at, resumes_at, scheduled_change, reminded_at, refunded, paid_last from quoin.payments_subscriptions
        where resumes_at <= ?1 and status not in ('canceled', 'incomplete_expired') and remote_id > ?2
        order by remote_id limit ?3";

    /// Lists what a provider calls the subscriptions here that are not over and were not fetched since a moment.
    LIST_LIVE = "select s.remote_id from quoin.payments_subscriptions s
        left join quoin.payments_objects o on o.provider = s.provider and o.kind = 'subscription' and o.id = s.remote_id
        where s.provider = ?1 and s.status not in ('canceled', 'incomplete_expired') and s.remote_id > ?2
        and (o.fetched_at is null or o.fetched_at <= ?4)
        order by s.remote_id limit ?3";

    /// Tells whether anybody holds a plan.
    IS_HELD = "select 1 from quoin.payments_subscriptions
        where plan_id = ?1 and status not in ('canceled', 'incomplete_expired') limit 1";

    /// Tells whether anybody holds a version of a plan.
    IS_VERSION_HELD = "select 1 from quoin.payments_subscriptions
        where plan_id = ?1 and plan_version = ?2 and status not in ('canceled', 'incomplete_expired') limit 1";

    /// Lists who has bought a plan.
    LIST_SUBJECTS = "select distinct subject_kind, subject_id from quoin.payments_subscriptions where plan_id = ?1";
}

/// Finds the subscription that a provider calls so.
pub(crate) fn find_by_remote(
    tx: &mut Tx<'_>,
    provider: &str,
    remote_id: &str,
) -> Result<Option<Subscription>, DbError> {
    tx.query_opt(&FIND_BY_REMOTE, &params![provider, remote_id], read)
}

/// Tells whether anybody has a subscription of a plan that is not over.
pub(crate) fn is_held(tx: &mut Tx<'_>, plan: &PlanId) -> Result<bool, DbError> {
    let found = tx.query_opt(&IS_HELD, &params![plan.as_str()], |row| row.get::<i64>(0))?;
    Ok(found.is_some())
}

/// Tells whether anybody has a subscription of a version of a plan that is not over.
pub(crate) fn is_version_held(tx: &mut Tx<'_>, (plan, version): &(PlanId, i64)) -> Result<bool, DbError> {
    let found = tx.query_opt(&IS_VERSION_HELD, &params![plan.as_str(), *version], |row| row.get::<i64>(0))?;
    Ok(found.is_some())
}

/// Lists up to `limit` subscriptions with a payment missing whose remote ids come after `after`.
pub(crate) fn list_past_due(tx: &mut Tx<'_>, after: &str, limit: u32) -> Result<Vec<Subscription>, DbError> {
    tx.query(&LIST_PAST_DUE, &params![after, limit], read)
}

/// Lists up to `limit` subscriptions that change between the two moments, whose remote ids come after `after`.
pub(crate) fn list_scheduled(
    tx: &mut Tx<'_>,
    (from, until): (Timestamp, Timestamp),
    after: &str,
    limit: u32,
) -> Result<Vec<Subscription>, DbError> {
    tx.query(&LIST_SCHEDULED, &params![from, until, after, limit], read)
}

/// Lists up to `limit` paused subscriptions that are to go on by now, whose remote ids come after `after`.
pub(crate) fn list_resuming(
    tx: &mut Tx<'_>,
    now: Timestamp,
    after: &str,
    limit: u32,
) -> Result<Vec<Subscription>, DbError> {
    tx.query(&LIST_RESUMING, &params![now, after, limit], read)
}

/// Lists up to `limit` remote ids of subscriptions that are not over and were not fetched after `since`, after `after`.
pub(crate) fn list_live(
    tx: &mut Tx<'_>,
    provider: &str,
    after: &str,
    (since, limit): (Timestamp, u32),
) -> Result<Vec<String>, DbError> {
    tx.query(&LIST_LIVE, &params![provider, after, limit, since], |row| row.get(0))
}

/// Lists who has bought a plan.
pub(crate) fn list_subjects(tx: &mut Tx<'_>, plan: &str) -> Result<Vec<Subject>, DbError> {
    tx.query(&LIST_SUBJECTS, &params![plan], |row| super::subject(row, 0, 1))
}
