//! The items of a changed subscription: what is paid in advance takes the new price, and what is metered becomes what the new
//! plan meters. Pure: nothing is sent here.
//!
//! A metered price cannot take the place of another in its item, since use so far belongs to the old one: the old item is
//! deleted and a new one is added. Use is counted by meters, so nothing has to be cleared.

use serde_json::Value;

use super::form::Call;
use crate::model::command::ChangeSubscription;

/// Reads which price an item is of.
pub(super) fn price(item: &Value) -> &str {
    item["price"]["id"].as_str().unwrap_or_default()
}

/// Tells whether an item, which is not the one that a change is about, bills metered use.
fn is_other_metered(item: &Value, wish: &ChangeSubscription) -> bool {
    item["price"]["recurring"]["usage_type"] == "metered" && item["id"] != wish.item.as_str()
}

/// Tells whether an item is gone after the change.
pub(super) fn leaves(item: &Value, wish: &ChangeSubscription) -> bool {
    let Some(wanted) = &wish.metered_prices else { return false };
    is_other_metered(item, wish) && !wanted.iter().any(|wanted| wanted == price(item))
}

/// Lists the metered prices that no item has yet.
pub(super) fn added<'a>(
    wish: &'a ChangeSubscription,
    present: &'a [Value],
) -> impl Iterator<Item = &'a String> {
    let is_held =
        |wanted: &str| present.iter().any(|item| is_other_metered(item, wish) && price(item) == wanted);
    wish.metered_prices.iter().flatten().filter(move |wanted| !is_held(wanted))
}

/// Writes the difference to the present items into a call. An item that is not named stays as it is.
pub(super) fn change(call: Call, list: &str, wish: &ChangeSubscription, present: &[Value]) -> Call {
    let mut call = call
        .with(format!("{list}[0][id]"), &wish.item)
        .with(format!("{list}[0][price]"), &wish.price)
        .with(format!("{list}[0][quantity]"), wish.quantity);
    let mut number = 1;
    for item in present.iter().filter(|item| leaves(item, wish)) {
        let id = item["id"].as_str().unwrap_or_default();
        call =
            call.with(format!("{list}[{number}][id]"), id).with(format!("{list}[{number}][deleted]"), true);
        number += 1;
    }
    for price in added(wish, present) {
        call = call.with(format!("{list}[{number}][price]"), price);
        number += 1;
    }
    call
}
