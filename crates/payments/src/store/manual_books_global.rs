//! The books of the manual provider, which stand for what a provider elsewhere would keep.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

use super::{document, json};
use crate::model::remote::{RemoteInvoice, RemoteSubscription};

statements! {
    /// Writes a subscription.
    PUT_SUBSCRIPTION = "insert into quoin.payments_manual_subscriptions (id, customer, document, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?4)
        on conflict (id) do update set document = excluded.document, updated_at = excluded.updated_at";

    /// Adds a subscription, unless it is there.
    INSERT_SUBSCRIPTION = "insert into quoin.payments_manual_subscriptions (id, customer, document, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?4) on conflict (id) do nothing";

    /// Finds a subscription.
    FIND_SUBSCRIPTION = "select document from quoin.payments_manual_subscriptions where id = ?1";

    /// Lists subscriptions.
    LIST_SUBSCRIPTIONS = "select document from quoin.payments_manual_subscriptions where id > ?1 order by id limit ?2";

    /// Writes an invoice.
    PUT_INVOICE = "insert into quoin.payments_manual_invoices (id, customer, subscription, document, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?5)
        on conflict (id) do update set document = excluded.document, updated_at = excluded.updated_at";

    /// Finds an invoice.
    FIND_INVOICE = "select document from quoin.payments_manual_invoices where id = ?1";
}

/// Writes a subscription.
pub(crate) fn put_subscription(
    tx: &mut Tx<'_>,
    one: &RemoteSubscription,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&PUT_SUBSCRIPTION, &params![&one.id, &one.customer, &json(one)?, now]).map(|_| ())
}

/// Adds a subscription; `false` where it was there.
pub(crate) fn insert_subscription(
    tx: &mut Tx<'_>,
    one: &RemoteSubscription,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&INSERT_SUBSCRIPTION, &params![&one.id, &one.customer, &json(one)?, now])? == 1)
}

/// Finds a subscription.
pub(crate) fn find_subscription(tx: &mut Tx<'_>, id: &str) -> Result<Option<RemoteSubscription>, DbError> {
    tx.query_opt(&FIND_SUBSCRIPTION, &params![id], |row| document(row, 0))
}

/// Lists up to `limit` subscriptions after one.
pub(crate) fn list_subscriptions(
    tx: &mut Tx<'_>,
    after: &str,
    limit: u32,
) -> Result<Vec<RemoteSubscription>, DbError> {
    tx.query(&LIST_SUBSCRIPTIONS, &params![after, limit], |row| document(row, 0))
}

/// Writes an invoice.
pub(crate) fn put_invoice(tx: &mut Tx<'_>, one: &RemoteInvoice, now: Timestamp) -> Result<(), DbError> {
    let subscription = one.subscription.as_deref().unwrap_or_default();
    tx.execute(&PUT_INVOICE, &params![&one.id, &one.customer, subscription, &json(one)?, now]).map(|_| ())
}

/// Finds an invoice.
pub(crate) fn find_invoice(tx: &mut Tx<'_>, id: &str) -> Result<Option<RemoteInvoice>, DbError> {
    tx.query_opt(&FIND_INVOICE, &params![id], |row| document(row, 0))
}
