//! The books of the manual provider, which stand for what a provider elsewhere would keep.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

use super::{document, json, named};
use crate::model::Currency;
use crate::model::money::Money;
use crate::model::remote::{RemoteCreditNote, RemoteInvoice, RemoteSubscription};

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

    /// Lists what a customer subscribed to.
    LIST_OF_CUSTOMER = "select document from quoin.payments_manual_subscriptions where customer = ?1 order by id";

    /// Writes an invoice.
    PUT_INVOICE = "insert into quoin.payments_manual_invoices (id, customer, subscription, document, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?5)
        on conflict (id) do update set document = excluded.document, updated_at = excluded.updated_at";

    /// Adds a credit note.
    INSERT_CREDIT_NOTE = "insert into quoin.payments_manual_credit_notes (id, invoice, document, created_at)
        values (?1, ?2, ?3, ?4)";

    /// Finds a credit note.
    FIND_CREDIT_NOTE = "select document from quoin.payments_manual_credit_notes where id = ?1";

    /// Lists the credit notes of an invoice.
    LIST_CREDIT_NOTES = "select document from quoin.payments_manual_credit_notes where invoice = ?1 order by id";

    /// Adds to what a customer has in their favour.
    ADD_TO_BALANCE = "insert into quoin.payments_manual_balances as b (customer, currency, amount, updated_at)
        values (?1, ?2, ?3, ?4)
        on conflict (customer, currency) do update set amount = b.amount + excluded.amount, updated_at = excluded.updated_at";

    /// Lists what a customer has in their favour.
    FIND_BALANCES = "select amount, currency from quoin.payments_manual_balances where customer = ?1 order by currency";

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

/// Lists what a customer subscribed to.
pub(crate) fn list_of_customer(tx: &mut Tx<'_>, customer: &str) -> Result<Vec<RemoteSubscription>, DbError> {
    tx.query(&LIST_OF_CUSTOMER, &params![customer], |row| document(row, 0))
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

/// Adds a credit note.
pub(crate) fn insert_credit_note(
    tx: &mut Tx<'_>,
    note: &RemoteCreditNote,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&INSERT_CREDIT_NOTE, &params![&note.id, &note.invoice, &json(note)?, now]).map(|_| ())
}

/// Finds a credit note.
pub(crate) fn find_credit_note(tx: &mut Tx<'_>, id: &str) -> Result<Option<RemoteCreditNote>, DbError> {
    tx.query_opt(&FIND_CREDIT_NOTE, &params![id], |row| document(row, 0))
}

/// Lists the credit notes of an invoice.
pub(crate) fn list_credit_notes(tx: &mut Tx<'_>, invoice: &str) -> Result<Vec<RemoteCreditNote>, DbError> {
    tx.query(&LIST_CREDIT_NOTES, &params![invoice], |row| document(row, 0))
}

/// Adds to what a customer has in their favour in a currency; less where the amount is negative.
pub(crate) fn add_to_balance(
    tx: &mut Tx<'_>,
    (customer, currency): (&str, Currency),
    amount: i64,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&ADD_TO_BALANCE, &params![customer, currency.as_str(), amount, now]).map(|_| ())
}

/// Lists what a customer has in their favour, by currency.
pub(crate) fn find_balances(tx: &mut Tx<'_>, customer: &str) -> Result<Vec<Money>, DbError> {
    tx.query(&FIND_BALANCES, &params![customer], |row| {
        Ok(Money { amount: row.get(0)?, currency: named(row, 1, |text| text.parse().ok())? })
    })
}

/// Finds what a customer has in their favour in a currency.
pub(crate) fn find_balance(tx: &mut Tx<'_>, (customer, currency): (&str, Currency)) -> Result<i64, DbError> {
    let all = find_balances(tx, customer)?;
    Ok(all.iter().find(|money| money.currency == currency).map_or(0, |money| money.amount))
}
