//! Disputes of what subscriptions were paid with.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;

use crate::model::Subscription;
use crate::model::remote::RemoteDispute;

statements! {
    /// Adds a dispute, or brings it up to date.
    UPSERT = "insert into quoin.payments_disputes (subject_id, provider, remote_id, subscription, stands, updated_at,
        invoice, lost) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        on conflict (subject_id, provider, remote_id) do update set stands = excluded.stands,
        subscription = excluded.subscription, updated_at = excluded.updated_at, invoice = excluded.invoice,
        lost = excluded.lost";

    /// Lists the disputes of a subscription that stand.
    LIST_STANDING = "select lost, invoice from quoin.payments_disputes
        where subject_id = ?1 and provider = ?2 and subscription = ?3 and stands = ?4";
}

/// Adds a dispute of a subscription, or brings it up to date.
pub(crate) fn upsert(
    tx: &mut Tx<'_>,
    of: &Subscription,
    dispute: &RemoteDispute,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = params![
        of.subject.uuid(),
        &of.provider,
        &dispute.id,
        &of.remote_id,
        dispute.stands,
        now,
        dispute.invoice.as_deref(),
        dispute.lost
    ];
    tx.execute(&UPSERT, &row).map(|_| ())
}

/// A dispute that is undecided, or decided against us.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Whether it is decided.
    pub(crate) lost: bool,
    /// The invoice that it is of, by its id at the provider.
    pub(crate) invoice: Option<String>,
}

/// Lists the disputes of what a subscription was paid with that are not settled in our favour.
pub(crate) fn list_standing(
    tx: &mut Tx<'_>,
    subject: Subject,
    (provider, subscription): (&str, &str),
) -> Result<Vec<Standing>, DbError> {
    let row = params![subject.uuid(), provider, subscription, true];
    tx.query(&LIST_STANDING, &row, |row| {
        Ok(Standing { lost: row.get::<Option<bool>>(0)?.unwrap_or_default(), invoice: row.get(1)? })
    })
}
