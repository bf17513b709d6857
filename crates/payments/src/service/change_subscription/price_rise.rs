//! Whether a change costs more: then it happens at once only if it is paid at once.

use quoin_db::{DbError, Tx};

use super::{ChangeWhen, Wished};
use crate::error::PaymentsError;
use crate::model::{Interval, Price, Subscription};
use crate::store::prices_global;

/// Finds the price that a subscription is held at, where it is one of ours.
pub(super) fn held(tx: &mut Tx<'_>, one: &Subscription) -> Result<Option<Price>, DbError> {
    let Some((plan, _)) = &one.plan else { return Ok(None) };
    let prices = prices_global::list(tx, plan)?;
    Ok(prices.into_iter().find(|price| Some(price.id) == one.price_id))
}

/// Tells whether a change must be paid before it happens: one to more, and one that begins a new period, at once. What would
/// give more for nothing is refused.
pub(super) fn is_paid_first(
    tx: &mut Tx<'_>,
    one: &Subscription,
    wished: &Wished,
    (price, quantity): (&Price, i64),
) -> Result<bool, PaymentsError> {
    if wished.when == ChangeWhen::PeriodEnd {
        return Ok(false);
    }
    let paid_first = costs_more(tx, one, wished, (price, quantity))?;
    if paid_first && one.paused {
        return Err(PaymentsError::WrongState(
            "While collecting is paused nothing is paid: end the pause first, or make it with `when: period_end`.",
        ));
    }
    Ok(paid_first)
}

fn costs_more(
    tx: &mut Tx<'_>,
    one: &Subscription,
    wished: &Wished,
    (price, quantity): (&Price, i64),
) -> Result<bool, PaymentsError> {
    let held = held(tx, one)?;
    let rhythm = |price: &Price| (price.interval, price.interval_count);
    let recurs_else = held.as_ref().is_none_or(|held| rhythm(held) != rhythm(price));
    if !rises(one, held.as_ref(), price, quantity) {
        return Ok(recurs_else);
    }
    if one.provider == "manual" {
        return Err(PaymentsError::WrongState(
            "A change to more is paid with the next invoice: make it with `when: period_end`.",
        ));
    }
    if !wished.prorate {
        let problem = "must not be false where a change to more happens at once".to_owned();
        return Err(PaymentsError::Unusable { field: "prorate", problem });
    }
    Ok(true)
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
