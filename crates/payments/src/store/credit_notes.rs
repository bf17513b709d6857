//! Credit notes of one subject.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;
use quoin_kernel::page::Page;

use super::named;
use crate::model::Invoice;
use crate::model::credit_note::{CreditNote, CreditNoteId};
use crate::model::remote::RemoteCreditNote;

statements! {
    /// Adds a credit note, or brings it up to date.
    UPSERT = "insert into quoin.payments_credit_notes (subject_id, id, provider, remote_id, invoice_id, number, amount,
        currency, reason, memo, refunded, credited, out_of_band, status, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
        on conflict (provider, remote_id) do update set number = excluded.number, amount = excluded.amount,
        reason = excluded.reason, memo = excluded.memo, refunded = excluded.refunded, credited = excluded.credited,
        out_of_band = excluded.out_of_band, status = excluded.status, updated_at = excluded.updated_at";

    /// Sums what was taken off an invoice.
    SUM = "select cast(coalesce(sum(amount), 0) as bigint) from quoin.payments_credit_notes
        where subject_id = ?1 and invoice_id = ?2 and status = 'issued'";

    /// Sums what was given back of an invoice in other ways than by refund.
    SUM_GIVEN = "select cast(coalesce(sum(credited + out_of_band), 0) as bigint) from quoin.payments_credit_notes
        where subject_id = ?1 and invoice_id = ?2 and status = 'issued'";

    /// Sums what was given back of an invoice outside of the provider.
    SUM_OUT_OF_BAND = "select cast(coalesce(sum(out_of_band), 0) as bigint) from quoin.payments_credit_notes
        where subject_id = ?1 and invoice_id = ?2 and status = 'issued'";

    /// Sums what credit notes of an invoice sent back to where it came from.
    SUM_REFUNDED = "select cast(coalesce(sum(refunded), 0) as bigint) from quoin.payments_credit_notes
        where subject_id = ?1 and invoice_id = ?2 and status = 'issued'";

    /// Notes what was taken off.
    SET_CREDITED = "update quoin.payments_invoices set amount_credited = ?3, updated_at = ?4
        where subject_id = ?1 and id = ?2";

    /// Lists the credit notes of a subject, newest first.
    LIST = "select n.id, i.subject_kind, n.subject_id, n.invoice_id, n.number, n.amount, n.currency, n.reason, n.memo,
        n.refunded, n.credited, n.out_of_band, n.status, n.created_at from quoin.payments_credit_notes n
        join quoin.payments_invoices i on i.subject_id = n.subject_id and i.id = n.invoice_id
        where n.subject_id = ?1 order by n.id desc limit ?2";

    /// Lists the credit notes of a subject that come after one.
    LIST_AFTER = "select n.id, i.subject_kind, n.subject_id, n.invoice_id, n.number, n.amount, n.currency, n.reason,
        n.memo, n.refunded, n.credited, n.out_of_band, n.status, n.created_at from quoin.payments_credit_notes n
        join quoin.payments_invoices i on i.subject_id = n.subject_id and i.id = n.invoice_id
        where n.subject_id = ?1 and n.id < ?3 order by n.id desc limit ?2";

    /// Finds the credit note of a subject that the provider calls so.
    FIND_BY_REMOTE = "select n.id, i.subject_kind, n.subject_id, n.invoice_id, n.number, n.amount, n.currency, n.reason,
        n.memo, n.refunded, n.credited, n.out_of_band, n.status, n.created_at from quoin.payments_credit_notes n
        join quoin.payments_invoices i on i.subject_id = n.subject_id and i.id = n.invoice_id
        where n.subject_id = ?1 and n.provider = ?2 and n.remote_id = ?3";
}

/// Adds a credit note of an invoice, or brings it up to date, and sums up what was taken off the invoice.
pub(crate) fn upsert(
    tx: &mut Tx<'_>,
    invoice: &Invoice,
    note: &RemoteCreditNote,
    (id, now): (CreditNoteId, Timestamp),
) -> Result<i64, DbError> {
    let row = params![
        invoice.subject.uuid(),
        id,
        &invoice.provider,
        &note.id,
        invoice.id,
        note.number.as_deref(),
        note.amount,
        note.currency.as_str(),
        note.reason.as_deref(),
        note.memo.as_deref(),
        note.refunded,
        note.credited,
        note.out_of_band,
        &note.status,
        note.created_at,
        now
    ];
    tx.execute(&UPSERT, &row)?;
    let sum: i64 = tx.query_one(&SUM, &params![invoice.subject.uuid(), invoice.id], |row| row.get(0))?;
    tx.execute(&SET_CREDITED, &params![invoice.subject.uuid(), invoice.id, sum, now])?;
    Ok(sum)
}

/// Sums what was given back of an invoice as balance or elsewhere.
pub(crate) fn sum_given(tx: &mut Tx<'_>, invoice: &Invoice) -> Result<i64, DbError> {
    tx.query_one(&SUM_GIVEN, &params![invoice.subject.uuid(), invoice.id], |row| row.get(0))
}

/// Sums what was given back of an invoice outside of the provider.
pub(crate) fn sum_out_of_band(tx: &mut Tx<'_>, invoice: &Invoice) -> Result<i64, DbError> {
    tx.query_one(&SUM_OUT_OF_BAND, &params![invoice.subject.uuid(), invoice.id], |row| row.get(0))
}

/// Sums what credit notes of an invoice sent back to where it came from.
pub(crate) fn sum_refunded(tx: &mut Tx<'_>, invoice: &Invoice) -> Result<i64, DbError> {
    tx.query_one(&SUM_REFUNDED, &params![invoice.subject.uuid(), invoice.id], |row| row.get(0))
}

/// Lists one row more than the page holds of a subject's credit notes, newest first.
pub(crate) fn list(tx: &mut Tx<'_>, subject: Subject, page: Page) -> Result<Vec<CreditNote>, DbError> {
    match page.after {
        Some(after) => tx.query(&LIST_AFTER, &params![subject.uuid(), page.limit + 1, after], read),
        None => tx.query(&LIST, &params![subject.uuid(), page.limit + 1], read),
    }
}

/// Finds the subject's credit note that the provider calls so.
pub(crate) fn find_by_remote(
    tx: &mut Tx<'_>,
    subject: Subject,
    provider: &str,
    remote_id: &str,
) -> Result<Option<CreditNote>, DbError> {
    tx.query_opt(&FIND_BY_REMOTE, &params![subject.uuid(), provider, remote_id], read)
}

fn read(row: &Row<'_>) -> Result<CreditNote, DbError> {
    Ok(CreditNote {
        id: row.get(0)?,
        subject: super::subject(row, 1, 2)?,
        invoice_id: row.get(3)?,
        number: row.get(4)?,
        amount: row.get(5)?,
        currency: named(row, 6, |text| text.parse().ok())?,
        reason: row.get(7)?,
        memo: row.get(8)?,
        refunded: row.get(9)?,
        credited: row.get(10)?,
        out_of_band: row.get(11)?,
        status: row.get(12)?,
        created_at: row.get(13)?,
    })
}
