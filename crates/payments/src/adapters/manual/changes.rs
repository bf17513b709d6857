//! What changes make of a subscription in the books, at once or when its period ends.

use quoin_kernel::Timestamp;

use crate::model::command::{ChangeSubscription, ScheduleChange};
use crate::model::remote::{Metadata, RemoteChange, RemoteSubscription};
use crate::model::{Interval, Price};

/// Returns how many days a price pays for; `None` for one that is due once.
pub(super) fn days_of(price: &Price) -> Option<u64> {
    let days = match price.interval? {
        Interval::Day => 1,
        Interval::Week => 7,
        Interval::Month => 30,
        Interval::Year => 365,
    };
    Some(u64::from(price.interval_count) * days)
}

/// Returns how many days a subscription is paid for at a time.
pub(super) fn days_paid_for(one: &RemoteSubscription) -> Option<u64> {
    one.metadata.get("quoin_days").and_then(|days| days.parse().ok())
}

/// Returns when the period ends.
pub(super) fn period_end(one: &RemoteSubscription) -> Option<Timestamp> {
    one.items.iter().filter_map(|item| item.period_end).max()
}

/// Returns the words that say which plan a change is for.
pub(super) fn words(wish: &ChangeSubscription) -> Metadata {
    [("quoin_plan", wish.plan_id.clone()), ("quoin_plan_version", wish.plan_version.to_string())]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

/// Makes a subscription one of another price and quantity.
pub(super) fn apply(one: &mut RemoteSubscription, price: &Price, quantity: i64, words: &Metadata) {
    for item in &mut one.items {
        item.price = price.remote_id.clone().unwrap_or_default();
        (item.amount, item.currency, item.quantity) = (price.amount, price.currency, quantity);
    }
    one.metadata.extend(words.clone());
    if let Some(days) = days_of(price) {
        one.metadata.insert("quoin_days".into(), days.to_string());
    }
}

/// Plans a change for the end of the period.
pub(super) fn plan(one: &mut RemoteSubscription, wish: &ScheduleChange) {
    for item in &mut one.items {
        item.quantity = wish.quantity_now;
    }
    let change = &wish.change;
    one.waiting = period_end(one).map(|at| RemoteChange {
        price: change.price.clone(),
        quantity: change.quantity,
        at,
        metadata: words(change),
    });
}
