//! Invoices, whoever they are for.

use quoin_db::{DbError, Tx, params, statements};

use super::invoices::read;
use crate::model::Invoice;
use crate::model::invoice::InvoiceId;

statements! {
    /// Finds an invoice, whoever it is for.
    FIND_ANY = "select id, subject_kind, subject_id, provider, remote_id, subscription, number, status, currency, subtotal,
        total, amount_paid, amount_refunded, amount_remaining, lines, hosted_url, pdf_url, issued_at, due_at, paid_at,
        next_attempt_at, mismatch, updated_at, amount_credited from quoin.payments_invoices where id = ?1";

    /// Finds the invoice that a provider calls so.
    FIND_BY_REMOTE = "select id, subject_kind, subject_id, provider, remote_id, subscription, number, status, currency,
        subtotal, total, amount_paid, amount_refunded, amount_remaining, lines, hosted_url, pdf_url, issued_at, due_at,
        paid_at, next_attempt_at, mismatch, updated_at, amount_credited from quoin.payments_invoices
        where provider = ?1 and remote_id = ?2";
}

/// Finds an invoice for an administrator of the platform.
pub(crate) fn find_any(tx: &mut Tx<'_>, id: InvoiceId) -> Result<Option<Invoice>, DbError> {
    tx.query_opt(&FIND_ANY, &params![id], read)
}

/// Finds the invoice that a provider calls so.
pub(crate) fn find_by_remote(
    tx: &mut Tx<'_>,
    provider: &str,
    remote_id: &str,
) -> Result<Option<Invoice>, DbError> {
    tx.query_opt(&FIND_BY_REMOTE, &params![provider, remote_id], read)
}
