//! Whether the running period is paid: only money that was paid and kept can be evened out.

use quoin_db::{DbError, Tx};

use crate::model::{Invoice, Status, Subscription};
use crate::store::invoices;

/// What became of the money for the running period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paid {
    /// It was paid, or nothing had to be, as in a trial.
    Kept,
    /// A part of it went back.
    PartlyBack,
    /// It was not paid, or all of it went back, or is disputed.
    Not,
}

/// Looks what became of the money for the running period, as far as that is known here. Of an invoice that is not known yet the
/// provider is asked when the change is made.
pub(crate) fn look(tx: &mut Tx<'_>, one: &Subscription) -> Result<Paid, DbError> {
    match one.status {
        Status::Trialing => return Ok(Paid::Kept),
        Status::Active if !one.disputed && !one.refunded => {}
        _ => return Ok(Paid::Not),
    }
    let begins = one.current_period_start;
    let bills_it = |invoice: &Invoice| {
        invoice.bills_a_period() && invoice.lines.iter().any(|line| line.period_start == begins)
    };
    let all = invoices::list_of(tx, one.subject, (&one.provider, &one.remote_id))?;
    let mut billing = all.into_iter().filter(bills_it).peekable();
    if billing.peek().is_none() {
        return Ok(if one.paused { Paid::Not } else { Paid::Kept });
    }
    let paid = billing.find(|invoice| invoice.status == "paid");
    Ok(match paid {
        Some(paid) if paid.amount_refunded > 0 || paid.amount_credited > 0 => Paid::PartlyBack,
        Some(_) => Paid::Kept,
        None => Paid::Not,
    })
}
