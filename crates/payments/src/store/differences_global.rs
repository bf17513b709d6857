//! Whether what a provider lists is written down as it says, for comparisons of everybody's books.

use quoin_db::{DbError, Tx, params, statements};

use crate::model::ObjectRef;
use crate::model::remote::{RemoteCreditNote, RemoteDispute, RemoteInvoice, RemoteRefund};

statements! {
    /// Counts invoices that stand so.
    INVOICE = "select count(*) from quoin.payments_invoices where provider = ?1 and remote_id = ?2 and status = ?3
        and total = ?4 and amount_paid = ?5 and amount_remaining = ?6";

    /// Counts refunds that stand so.
    REFUND = "select count(*) from quoin.payments_refunds where provider = ?1 and remote_id = ?2 and status = ?3";

    /// Counts refunds of this id.
    ANY_REFUND = "select count(*) from quoin.payments_refunds where provider = ?1 and remote_id = ?2";

    /// Counts disputes that stand so.
    DISPUTE = "select count(*) from quoin.payments_disputes where provider = ?1 and remote_id = ?2 and stands = ?3
        and coalesce(lost, ?5) = ?4";

    /// Counts disputes of this id.
    ANY_DISPUTE = "select count(*) from quoin.payments_disputes where provider = ?1 and remote_id = ?2";

    /// Counts credit notes that stand so.
    CREDIT_NOTE = "select count(*) from quoin.payments_credit_notes
        where provider = ?1 and remote_id = ?2 and status = ?3 and amount = ?4";

    /// Counts objects that were asked for and answered.
    FETCHED = "select count(*) from quoin.payments_objects
        where provider = ?1 and kind = ?2 and id = ?3 and fetched_at is not null";
}

/// Tells whether an invoice is written down as it stands.
pub(crate) fn has_invoice(tx: &mut Tx<'_>, provider: &str, one: &RemoteInvoice) -> Result<bool, DbError> {
    let row = params![provider, &one.id, &one.status, one.total, one.amount_paid, one.amount_remaining];
    tx.query_one(&INVOICE, &row, |row| row.get::<i64>(0)).map(|found| found > 0)
}

/// Tells whether a refund is written down as it stands, or is none of ours.
pub(crate) fn has_refund(tx: &mut Tx<'_>, provider: &str, one: &RemoteRefund) -> Result<bool, DbError> {
    if tx.query_one(&REFUND, &params![provider, &one.id, &one.status], |row| row.get::<i64>(0))? > 0 {
        return Ok(true);
    }
    let known = tx.query_one(&ANY_REFUND, &params![provider, &one.id], |row| row.get::<i64>(0))? > 0;
    Ok(!known && fetched(tx, provider, &ObjectRef::new(crate::model::ObjectKind::Refund, &one.id))?)
}

/// Tells whether a dispute is written down as it stands, or is none of ours.
pub(crate) fn has_dispute(tx: &mut Tx<'_>, provider: &str, one: &RemoteDispute) -> Result<bool, DbError> {
    // Of what was written down before it mattered nobody knows whether it is lost.
    let row = params![provider, &one.id, one.stands, one.lost, false];
    if tx.query_one(&DISPUTE, &row, |row| row.get::<i64>(0))? > 0 {
        return Ok(true);
    }
    let known = tx.query_one(&ANY_DISPUTE, &params![provider, &one.id], |row| row.get::<i64>(0))? > 0;
    Ok(!known && fetched(tx, provider, &ObjectRef::new(crate::model::ObjectKind::Dispute, &one.id))?)
}

/// Tells whether a credit note is written down as it stands.
pub(crate) fn has_credit_note(
    tx: &mut Tx<'_>,
    provider: &str,
    one: &RemoteCreditNote,
) -> Result<bool, DbError> {
    let row = params![provider, &one.id, &one.status, one.amount];
    tx.query_one(&CREDIT_NOTE, &row, |row| row.get::<i64>(0)).map(|found| found > 0)
}

/// Tells whether an object was asked for before: what then left no row belongs to somebody else.
fn fetched(tx: &mut Tx<'_>, provider: &str, object: &ObjectRef) -> Result<bool, DbError> {
    let row = params![provider, object.kind.as_str(), &object.id];
    tx.query_one(&FETCHED, &row, |row| row.get::<i64>(0)).map(|found| found > 0)
}
