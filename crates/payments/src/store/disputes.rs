//! Disputes of what subscriptions were paid with.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;

use crate::model::Subscription;
use crate::model::remote::RemoteDispute;

statements! {
    /// Adds a dispute, or brings it up to date.
    UPSERT = "insert into quoin.payments_disputes (subject_id, provider, remote_id, subscription, stands, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6)
        on conflict (subject_id, provider, remote_id) do update set stands = excluded.stands,
        subscription = excluded.subscription, updated_at = excluded.updated_at";

    /// Counts the disputes of a subscription that stand.
    COUNT_STANDING = "select count(*) from quoin.payments_disputes
        where subject_id = ?1 and provider = ?2 and subscription = ?3 and stands = ?4";
}

/// Adds a dispute of a subscription, or brings it up to date.
pub(crate) fn upsert(
    tx: &mut Tx<'_>,
    of: &Subscription,
    dispute: &RemoteDispute,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = params![of.subject.uuid(), &of.provider, &dispute.id, &of.remote_id, dispute.stands, now];
    tx.execute(&UPSERT, &row).map(|_| ())
}

/// Tells whether a payment of a subscription is disputed.
pub(crate) fn any_stands(
    tx: &mut Tx<'_>,
    subject: Subject,
    provider: &str,
    subscription: &str,
) -> Result<bool, DbError> {
    let row = params![subject.uuid(), provider, subscription, true];
    tx.query_one(&COUNT_STANDING, &row, |row| row.get::<i64>(0)).map(|standing| standing > 0)
}
