//! Credit in the books: notes that lessen what is owed or give back what was paid, and balances that pay what comes next.

use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;
use uuid::Uuid;

use super::deeds::{Failed, refund, refunded};
use super::time;
use crate::model::Outcome;
use crate::model::command::{CreditNoteCommand, RefundCommand};
use crate::model::remote::{RemoteCreditNote, RemoteInvoice};
use crate::store::manual_books_global as books;

/// Issues a credit note; the same intent finds the one it made.
pub(super) fn issue(
    tx: &mut Tx<'_>,
    wish: &CreditNoteCommand,
    intent: Uuid,
    now: Timestamp,
) -> Result<Outcome, Failed> {
    let id = format!("cn_{}", intent.simple());
    if books::find_credit_note(tx, &id)?.is_some() {
        return Ok(Outcome::Object { id });
    }
    let Some(mut invoice) = books::find_invoice(tx, &wish.invoice)? else {
        return Err(Failed::Refused("There is no such invoice."));
    };
    check(tx, &invoice, wish)?;
    let mut refunds = Vec::new();
    if invoice.status == "open" {
        invoice.amount_remaining -= wish.amount;
        books::put_invoice(tx, &invoice, now)?;
        if invoice.amount_remaining <= 0 {
            time::confirm(tx, &invoice.id, now)?;
        }
    }
    if wish.balance > 0 {
        books::add_to_balance(tx, (&invoice.customer, invoice.currency), wish.balance, now)?;
    }
    if wish.refund > 0 {
        let (amount, reason) = (Some(wish.refund), wish.reason.clone());
        let wish = RefundCommand { invoice: invoice.id.clone(), amount, reason };
        refunds.extend(refund(tx, &wish, intent, now)?.id().map(str::to_owned));
    }
    let number = invoice.number.as_ref().map(|number| format!("{number}-{}", &id[id.len() - 4..]));
    let note = RemoteCreditNote {
        id: id.clone(),
        invoice: invoice.id,
        number,
        amount: wish.amount,
        currency: invoice.currency,
        reason: wish.reason.clone(),
        memo: wish.memo.clone(),
        refunded: wish.refund,
        credited: wish.balance,
        out_of_band: wish.out_of_band,
        refunds,
        status: "issued".into(),
        created_at: now,
    };
    books::insert_credit_note(tx, &note, now)?;
    Ok(Outcome::Object { id })
}

/// Holds a wish against the books: an open invoice asks for less, of a paid one at most what was paid is given back.
fn check(tx: &mut Tx<'_>, invoice: &RemoteInvoice, wish: &CreditNoteCommand) -> Result<(), Failed> {
    let ways = [wish.refund, wish.balance, wish.out_of_band];
    let given = ways.iter().try_fold(0_i64, |sum, way| sum.checked_add(*way).filter(|_| *way >= 0));
    let (expected, left) = match invoice.status.as_str() {
        "open" => (0, invoice.amount_remaining),
        "paid" => (wish.amount, left_of(tx, invoice)?),
        _ => (0, 0),
    };
    if given != Some(expected) {
        return Err(Failed::Refused("The invoice has another state by now."));
    }
    if !(1..=left).contains(&wish.amount) {
        return Err(Failed::Refused("More than is left of the invoice."));
    }
    Ok(())
}

/// Says how much of what was paid is not given back, in one way or another.
pub(super) fn left_of(tx: &mut Tx<'_>, invoice: &RemoteInvoice) -> Result<i64, DbError> {
    let notes = books::list_credit_notes(tx, &invoice.id)?;
    let by_notes: i64 = notes.iter().map(|note| note.credited + note.out_of_band).sum();
    Ok(invoice.amount_paid - refunded(invoice) - by_notes)
}

/// Lets the customer's balance pay an invoice that is about to be issued, as far as it reaches.
pub(super) fn use_balance(
    tx: &mut Tx<'_>,
    invoice: &mut RemoteInvoice,
    now: Timestamp,
) -> Result<(), DbError> {
    let owner = (invoice.customer.as_str(), invoice.currency);
    let used = books::find_balance(tx, owner)?.clamp(0, invoice.amount_remaining.max(0));
    if used > 0 {
        books::add_to_balance(tx, owner, -used, now)?;
        invoice.amount_remaining -= used;
    }
    Ok(())
}

/// Voids an invoice that is not paid, and gives back what the balance has paid of it; tells whether it did.
pub(super) fn void_unpaid(tx: &mut Tx<'_>, invoice: &str, now: Timestamp) -> Result<bool, DbError> {
    let Some(mut invoice) = books::find_invoice(tx, invoice)?.filter(|one| one.status == "open") else {
        return Ok(false);
    };
    // Of an open invoice notes take something off, and give nothing back.
    let taken_off: i64 = books::list_credit_notes(tx, &invoice.id)?.iter().map(|note| note.amount).sum();
    let by_balance = invoice.total - taken_off - invoice.amount_remaining;
    if by_balance > 0 {
        books::add_to_balance(tx, (&invoice.customer, invoice.currency), by_balance, now)?;
    }
    (invoice.status, invoice.amount_remaining) = ("void".into(), invoice.total - taken_off);
    books::put_invoice(tx, &invoice, now)?;
    Ok(true)
}
