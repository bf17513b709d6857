//! Invoices and refunds.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::billing::Subject;
use quoin_kernel::page::Page;
use quoin_kernel::{Id, Timestamp};

use super::{document, json, named};
use crate::model::Invoice;
use crate::model::invoice::InvoiceId;
use crate::model::remote::RemoteRefund;

statements! {
    /// Adds an invoice, or brings it up to date.
    UPSERT = "insert into quoin.payments_invoices (subject_id, id, subject_kind, provider, remote_id, subscription, number,
        status, currency, subtotal, total, amount_paid, amount_refunded, amount_remaining, lines, hosted_url, pdf_url,
        issued_at, due_at, paid_at, next_attempt_at, mismatch, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)
        on conflict (subject_id, id) do update set subscription = excluded.subscription, number = excluded.number,
        status = excluded.status, subtotal = excluded.subtotal, total = excluded.total,
        amount_paid = excluded.amount_paid, amount_refunded = excluded.amount_refunded,
        amount_remaining = excluded.amount_remaining, lines = excluded.lines, hosted_url = excluded.hosted_url,
        pdf_url = excluded.pdf_url, issued_at = excluded.issued_at, due_at = excluded.due_at,
        paid_at = excluded.paid_at, next_attempt_at = excluded.next_attempt_at, mismatch = excluded.mismatch,
        updated_at = excluded.updated_at";

    /// Lists the invoices of a subject, newest first.
    LIST = "select id, subject_kind, subject_id, provider, remote_id, subscription, number, status, currency, subtotal,
        total, amount_paid, amount_refunded, amount_remaining, lines, hosted_url, pdf_url, issued_at, due_at, paid_at,
        next_attempt_at, mismatch, updated_at, amount_credited from quoin.payments_invoices
        where subject_id = ?1 and status <> 'draft' order by id desc limit ?2";

    /// Lists the invoices of a subject that come after one.
    LIST_AFTER = "select id, subject_kind, subject_id, provider, remote_id, subscription, number, status, currency,
        subtotal, total, amount_paid, amount_refunded, amount_remaining, lines, hosted_url, pdf_url, issued_at, due_at,
        paid_at, next_attempt_at, mismatch, updated_at, amount_credited from quoin.payments_invoices
        where subject_id = ?1 and status <> 'draft' and id < ?3 order by id desc limit ?2";

    /// Finds an invoice of a subject.
    FIND = "select id, subject_kind, subject_id, provider, remote_id, subscription, number, status, currency, subtotal,
        total, amount_paid, amount_refunded, amount_remaining, lines, hosted_url, pdf_url, issued_at, due_at, paid_at,
        next_attempt_at, mismatch, updated_at, amount_credited from quoin.payments_invoices where subject_id = ?1 and id = ?2";

    /// Lists the last paid invoices of a subscription, newest first; the provider's ids break ties.
    LIST_PAID = "select id, subject_kind, subject_id, provider, remote_id, subscription, number, status, currency, subtotal,
        total, amount_paid, amount_refunded, amount_remaining, lines, hosted_url, pdf_url, issued_at, due_at, paid_at,
        next_attempt_at, mismatch, updated_at, amount_credited from quoin.payments_invoices
        where subject_id = ?1 and provider = ?2 and subscription = ?3 and status = 'paid'
        order by issued_at desc, remote_id desc limit 50";

    /// Lists the last invoices of a subscription, newest first.
    LIST_OF = "select id, subject_kind, subject_id, provider, remote_id, subscription, number, status, currency, subtotal,
        total, amount_paid, amount_refunded, amount_remaining, lines, hosted_url, pdf_url, issued_at, due_at, paid_at,
        next_attempt_at, mismatch, updated_at, amount_credited from quoin.payments_invoices
        where subject_id = ?1 and provider = ?2 and subscription = ?3
        order by issued_at desc, remote_id desc limit 50";

    /// Adds a refund, or brings it up to date.
    UPSERT_REFUND = "insert into quoin.payments_refunds (subject_id, id, provider, remote_id, invoice_id, amount, currency,
        reason, status, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        on conflict (provider, remote_id) do update set amount = excluded.amount, status = excluded.status,
        reason = excluded.reason, updated_at = excluded.updated_at";

    /// Sums what was given back of an invoice.
    SUM_REFUNDS = "select cast(coalesce(sum(amount), 0) as bigint) from quoin.payments_refunds
        where subject_id = ?1 and invoice_id = ?2 and status in ('pending', 'requires_action', 'succeeded')";

    /// Finds what a refund counts for.
    FIND_REFUND = "select case when status in ('pending', 'requires_action', 'succeeded') then amount else 0 end
        from quoin.payments_refunds where subject_id = ?1 and provider = ?2 and remote_id = ?3";

    /// Notes what was given back.
    SET_REFUNDED = "update quoin.payments_invoices set amount_refunded = ?3, updated_at = ?4
        where subject_id = ?1 and id = ?2";
}

/// Adds an invoice, or brings it up to date.
pub(crate) fn upsert(tx: &mut Tx<'_>, invoice: &Invoice) -> Result<(), DbError> {
    let one = invoice;
    let lines = json(&one.lines)?;
    let row = params![
        one.subject.uuid(),
        one.id,
        one.subject.kind(),
        &one.provider,
        &one.remote_id,
        one.subscription.as_deref(),
        one.number.as_deref(),
        &one.status,
        one.currency.as_str(),
        one.subtotal,
        one.total,
        one.amount_paid,
        one.amount_refunded,
        one.amount_remaining,
        &lines,
        one.hosted_url.as_deref(),
        one.pdf_url.as_deref(),
        one.issued_at,
        one.due_at,
        one.paid_at,
        one.next_attempt_at,
        one.mismatch.as_deref(),
        one.updated_at
    ];
    tx.execute(&UPSERT, &row).map(|_| ())
}

/// Lists one row more than the page holds of a subject's invoices, newest first, without drafts.
pub(crate) fn list(tx: &mut Tx<'_>, subject: Subject, page: Page) -> Result<Vec<Invoice>, DbError> {
    match page.after {
        Some(after) => tx.query(&LIST_AFTER, &params![subject.uuid(), page.limit + 1, after], read),
        None => tx.query(&LIST, &params![subject.uuid(), page.limit + 1], read),
    }
}

/// Finds one of the subject's invoices.
pub(crate) fn find(tx: &mut Tx<'_>, subject: Subject, id: InvoiceId) -> Result<Option<Invoice>, DbError> {
    tx.query_opt(&FIND, &params![subject.uuid(), id], read)
}

/// Lists the last paid invoices of a subscription, newest first.
pub(crate) fn list_paid(
    tx: &mut Tx<'_>,
    subject: Subject,
    (provider, subscription): (&str, &str),
) -> Result<Vec<Invoice>, DbError> {
    tx.query(&LIST_PAID, &params![subject.uuid(), provider, subscription], read)
}

/// Lists the last invoices of a subscription, newest first, whatever became of them.
pub(crate) fn list_of(
    tx: &mut Tx<'_>,
    subject: Subject,
    (provider, subscription): (&str, &str),
) -> Result<Vec<Invoice>, DbError> {
    tx.query(&LIST_OF, &params![subject.uuid(), provider, subscription], read)
}

/// Adds a refund of an invoice, or brings it up to date, and sums up what was given back.
pub(crate) fn upsert_refund(
    tx: &mut Tx<'_>,
    invoice: &Invoice,
    refund: &RemoteRefund,
    (id, now): (Id<RemoteRefund>, Timestamp),
) -> Result<i64, DbError> {
    let row = params![
        invoice.subject.uuid(),
        id,
        &invoice.provider,
        &refund.id,
        invoice.id,
        refund.amount,
        refund.currency.as_str(),
        refund.reason.as_deref(),
        &refund.status,
        refund.created_at,
        now
    ];
    tx.execute(&UPSERT_REFUND, &row)?;
    let sum: i64 =
        tx.query_one(&SUM_REFUNDS, &params![invoice.subject.uuid(), invoice.id], |row| row.get(0))?;
    tx.execute(&SET_REFUNDED, &params![invoice.subject.uuid(), invoice.id, sum, now])?;
    Ok(sum)
}

/// Says how much a refund of an invoice gives back, nothing where it failed; `None` where it is not fetched.
pub(crate) fn find_refund(
    tx: &mut Tx<'_>,
    invoice: &Invoice,
    remote_id: &str,
) -> Result<Option<i64>, DbError> {
    let row = params![invoice.subject.uuid(), &invoice.provider, remote_id];
    tx.query_opt(&FIND_REFUND, &row, |row| row.get(0))
}

pub(super) fn read(row: &Row<'_>) -> Result<Invoice, DbError> {
    Ok(Invoice {
        id: row.get(0)?,
        subject: super::subject(row, 1, 2)?,
        provider: row.get(3)?,
        remote_id: row.get(4)?,
        subscription: row.get(5)?,
        number: row.get(6)?,
        status: row.get(7)?,
        currency: named(row, 8, |text| text.parse().ok())?,
        subtotal: row.get(9)?,
        total: row.get(10)?,
        amount_paid: row.get(11)?,
        amount_refunded: row.get(12)?,
        amount_remaining: row.get(13)?,
        lines: document(row, 14)?,
        hosted_url: row.get(15)?,
        pdf_url: row.get(16)?,
        issued_at: row.get(17)?,
        due_at: row.get(18)?,
        paid_at: row.get(19)?,
        next_attempt_at: row.get(20)?,
        mismatch: row.get(21)?,
        updated_at: row.get(22)?,
        amount_credited: row.get::<Option<i64>>(23)?.unwrap_or_default(),
    })
}
