//! Whether a change costs more: then it happens at once only if it is paid at once.

use quoin_db::{DbError, Tx};

use super::paid_period::{self, Paid};
use super::{ChangeWhen, Wished};
use crate::error::PaymentsError;
use crate::model::{Interval, Price, Status, Subscription};
use crate::store::prices_global;

/// Finds the price that a subscription is held at, where it is one of ours.
pub(super) fn held(tx: &mut Tx<'_>, one: &Subscription) -> Result<Option<Price>, DbError> {
    let Some((plan, _)) = &one.plan else { return Ok(None) };
    let prices = prices_global::list(tx, plan)?;
    Ok(prices.into_iter().find(|price| Some(price.id) == one.price_id))
}

/// On which terms a change happens.
pub(super) struct Terms {
    /// Whether it must be paid before it happens: one to more, and one that begins a new period, at once.
    pub(super) paid_first: bool,
    /// Whether the rest of the period is evened out.
    pub(super) prorate: bool,
    /// Whether it ends the trial: what is tried is what was chosen for that.
    pub(super) ends_trial: bool,
}

/// Says on which terms a change happens. What would give more for nothing is refused, and a period that is not paid is not
/// evened out.
pub(super) fn terms(
    tx: &mut Tx<'_>,
    one: &Subscription,
    wished: &Wished,
    (price, quantity): (&Price, i64),
) -> Result<Terms, PaymentsError> {
    if wished.when == ChangeWhen::PeriodEnd {
        return Ok(Terms { paid_first: false, prorate: wished.prorate, ends_trial: false });
    }
    let held = held(tx, one)?;
    let rhythm = |price: &Price| (price.interval, price.interval_count);
    let recurs_else = held.as_ref().is_none_or(|held| rhythm(held) != rhythm(price));
    let paid = paid_period::look(tx, one)?;
    let rises = rises(one, held.as_ref(), price, quantity);
    if rises {
        refuse_for_nothing(one, wished, paid)?;
    } else if one.provider == "manual" && one.status == Status::PastDue {
        return Err(PaymentsError::WrongState(
            "An invoice waits for its transfer: it asks for what is held now. Change it with `when: period_end`.",
        ));
    }
    let paid_first = rises || recurs_else;
    if paid_first && one.paused {
        return Err(PaymentsError::WrongState(
            "While collecting is paused nothing is paid: end the pause first, or make it with `when: period_end`.",
        ));
    }
    let ends_trial = rises && one.status == Status::Trialing;
    Ok(Terms { paid_first, prorate: wished.prorate && (rises || paid == Paid::Kept), ends_trial })
}

/// Refuses a change to more that could not be paid at once, or only with what nobody has paid.
fn refuse_for_nothing(one: &Subscription, wished: &Wished, paid: Paid) -> Result<(), PaymentsError> {
    if one.provider == "manual" {
        return Err(PaymentsError::WrongState(
            "A change to more is paid with the next invoice: make it with `when: period_end`.",
        ));
    }
    if paid == Paid::Not && !one.paused {
        return Err(PaymentsError::WrongState(
            "The running period is not paid, or its payment went back or is disputed: settle that first, or make it with \
             `when: period_end`.",
        ));
    }
    if !wished.prorate {
        let problem = "must not be false where a change to more happens at once".to_owned();
        return Err(PaymentsError::Unusable { field: "prorate", problem });
    }
    Ok(())
}

/// Tells whether a change costs more for the same time, or gives more seats. What cannot be compared rises.
fn rises(one: &Subscription, held: Option<&Price>, price: &Price, quantity: i64) -> bool {
    let (Some(old_hours), Some(new_hours)) = (held.and_then(hours), hours(price)) else { return true };
    let (old, new) =
        (i128::from(one.amount) * i128::from(one.quantity), i128::from(price.amount) * i128::from(quantity));
    quantity > one.quantity || new * old_hours > old * new_hours
}

/// Returns how many hours a price pays for; twelve months are a year.
fn hours(price: &Price) -> Option<i128> {
    let each = match price.interval? {
        Interval::Day => 24,
        Interval::Week => 7 * 24,
        Interval::Month => 730,
        Interval::Year => 12 * 730,
    };
    Some(i128::from(price.interval_count) * each)
}
