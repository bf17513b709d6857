//! The passing of time in the books: what ends, what is invoiced anew, and money that arrives.

use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;

use super::changes::{apply, days_paid_for, period_end};
use super::credit::{use_balance, void_unpaid};
use super::deeds::{DUE_AFTER, invoice_for};
use crate::model::Status;
use crate::model::remote::{LatestInvoice, RemoteSubscription};
use crate::store::{manual_books_global as books, prices_global};

const DAY: Duration = Duration::from_hours(24);

/// How long the money of a period is waited for after the last one has ended, where grace is not longer.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(30 * 24);

/// Ends what has ended, and invoices the next period of what goes on; tells whether anything happened.
pub(super) fn pass_time(
    tx: &mut Tx<'_>,
    one: &RemoteSubscription,
    grace: Duration,
    now: Timestamp,
) -> Result<bool, DbError> {
    let mut next = one.clone();
    let given_up = one.unpaid_since.map(|since| since + grace.max(GIVEN_UP_AFTER));
    let ended = period_end(one).filter(|end| *end <= now);
    if one.status.is_over() {
        return Ok(false);
    }
    if let Some(ends) = one.cancel_at.filter(|ends| *ends <= now) {
        end(tx, &mut next, ends, now)?;
    } else if given_up.is_some_and(|given_up| given_up <= now) {
        // Also while collecting is paused: a pause begins no further grace.
        next.canceled_at = next.canceled_at.or(Some(now));
        end(tx, &mut next, now, now)?;
    } else if one.status == Status::Incomplete && now.since(one.started_at) > DUE_AFTER {
        end(tx, &mut next, now, now)?;
    } else if one.paused && one.resumes_at.is_some_and(|resumes| resumes <= now) {
        go_on(tx, &mut next, now)?;
    } else if let Some(ended) = ended.filter(|_| one.status == Status::Active && !one.paused) {
        if !renew(tx, &mut next, ended, now)? {
            return Ok(false);
        }
    } else {
        return Ok(false);
    }
    books::put_subscription(tx, &next, now)?;
    Ok(true)
}

/// Ends a subscription; an order that nobody has paid expires. The period that an unpaid invoice is for never began, so nothing
/// is owed for it.
pub(super) fn end(
    tx: &mut Tx<'_>,
    one: &mut RemoteSubscription,
    ended_at: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    one.status = if one.status == Status::Incomplete { Status::IncompleteExpired } else { Status::Canceled };
    (one.ended_at, one.waiting, one.unpaid_since) = (Some(ended_at), None, None);
    if let Some(latest) = &mut one.latest_invoice
        && void_unpaid(tx, &latest.id, now)?
    {
        latest.status = "void".into();
    }
    Ok(())
}

/// Collects again. While that was paused nothing was invoiced and no period began: where one has ended meanwhile, the next
/// one begins now.
pub(super) fn go_on(tx: &mut Tx<'_>, one: &mut RemoteSubscription, now: Timestamp) -> Result<(), DbError> {
    let was_paused = std::mem::take(&mut one.paused);
    one.resumes_at = None;
    let has_ended = period_end(one).is_some_and(|end| end <= now);
    if was_paused && has_ended && one.status == Status::Active {
        renew(tx, one, now, now)?;
    }
    Ok(())
}

/// Begins the next period: what waited for it happens first, and what costs nothing is paid.
fn renew(
    tx: &mut Tx<'_>,
    one: &mut RemoteSubscription,
    ended: Timestamp,
    now: Timestamp,
) -> Result<bool, DbError> {
    if let Some(change) = one.waiting.take()
        && let Some((_, price)) = prices_global::find_by_remote(tx, &change.price)?
    {
        apply(one, &price, change.quantity, &change.metadata);
    }
    let Some(days) = days_paid_for(one).and_then(|days| u32::try_from(days).ok()) else { return Ok(false) };
    let mut next = one.clone();
    for item in &mut next.items {
        (item.period_start, item.period_end) = (Some(ended), Some(ended + DAY * days));
    }
    let id = format!("in_{}_{}", one.id.trim_start_matches("sub_"), ended.as_seconds());
    let mut invoice = invoice_for(&next, id, now);
    use_balance(tx, &mut invoice, now)?;
    if invoice.amount_remaining == 0 {
        (invoice.status, invoice.paid_at) = ("paid".into(), Some(now));
        *one = next;
    } else {
        (one.status, one.unpaid_since) = (Status::PastDue, Some(ended));
    }
    one.latest_invoice = Some(LatestInvoice { id: invoice.id.clone(), status: invoice.status.clone() });
    books::put_invoice(tx, &invoice, now)?;
    Ok(true)
}

/// Writes that the money of an invoice has arrived; returns the subscription that it is for.
pub(super) fn confirm(tx: &mut Tx<'_>, invoice: &str, now: Timestamp) -> Result<Option<String>, DbError> {
    let Some(mut one) = books::find_invoice(tx, invoice)?.filter(|one| one.status == "open") else {
        return Ok(None);
    };
    (one.status, one.paid_at) = ("paid".into(), Some(now));
    (one.amount_paid, one.amount_remaining) = (one.amount_remaining, 0);
    books::put_invoice(tx, &one, now)?;
    let Some(id) = one.subscription else { return Ok(None) };
    let Some(mut subscription) = books::find_subscription(tx, &id)? else { return Ok(None) };
    if !subscription.status.is_over() {
        begin_period(&mut subscription, now);
        subscription.latest_invoice = Some(LatestInvoice { id: one.id, status: one.status });
        books::put_subscription(tx, &subscription, now)?;
    }
    Ok(Some(id))
}

/// A period that was invoiced begins where the one before has ended, however late it is paid: that is the time that its invoice
/// names. The first one begins when it was ordered, or when it is paid for, where it would be over by then.
fn begin_period(one: &mut RemoteSubscription, now: Timestamp) {
    let owed_since = one.unpaid_since.take();
    one.status = Status::Active;
    let days = days_paid_for(one).and_then(|days| u32::try_from(days).ok());
    for item in &mut one.items {
        let is_over = item.period_end.is_some_and(|end| end <= now);
        let start = owed_since.or(item.period_start.filter(|_| !is_over)).unwrap_or(now);
        (item.period_start, item.period_end) = (Some(start), days.map(|days| start + DAY * days));
    }
}
