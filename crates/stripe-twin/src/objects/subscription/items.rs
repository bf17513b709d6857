//! The items of a subscription: a price and a quantity each.

use serde_json::{Value, json};

use crate::billing::lifecycle::recur_alike;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, flag, int, metadata, object, text};
use crate::object::Object;
use crate::objects::price;

/// A new item.
pub(crate) const NEW: &[Field] =
    &[metadata("metadata"), text("price"), object("price_data", price::INLINE), int("quantity")];

/// A new, changed or removed item.
pub(crate) const CHANGE: &[Field] = &[
    flag("clear_usage"),
    flag("deleted"),
    text("id"),
    metadata("metadata"),
    text("price"),
    object("price_data", price::INLINE),
    int("quantity"),
];

/// The most that one subscription holds.
const MOST: usize = 20;

/// Makes an item of what a call describes.
pub(crate) fn new(
    desk: &mut Desk<'_, '_>,
    given: &Params,
    subscription: &str,
    path: &str,
) -> Result<Object, StripeError> {
    let price = price::of_item(desk, given, path)?;
    check_recurring(&price, path)?;
    let quantity = checked_quantity(given.int("quantity"), path)?;
    let metered = price.text("recurring.usage_type") == Some("metered");
    if metered && given.has("quantity") {
        let message = "The quantity of a metered price is its usage and cannot be set.";
        return Err(StripeError::invalid(message).param(&format!("{path}[quantity]")));
    }
    let id = desk.id("si_");
    desk.alias(&id, subscription)?;
    let mut item = Object::new(json!({
        "id": id, "object": "subscription_item", "billing_thresholds": null, "created": desk.now,
        "current_period_end": 0, "current_period_start": 0, "current_trial": null, "discounts": [],
        "metadata": given.metadata(), "plan": plan(&price), "price": desk.shown(&price),
        "subscription": subscription, "tax_rates": [], "_since": desk.now,
    }));
    if !metered {
        item.set("quantity", quantity.unwrap_or(1));
    }
    Ok(item)
}

fn check_recurring(price: &Object, path: &str) -> Result<(), StripeError> {
    if price.at("recurring").is_object() {
        return Ok(());
    }
    let message = "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.";
    Err(StripeError::invalid(message).param(&format!("{path}[price]")))
}

fn checked_quantity(quantity: Option<i64>, path: &str) -> Result<Option<i64>, StripeError> {
    if quantity.is_some_and(|quantity| !(0..=1_000_000).contains(&quantity)) {
        let message = "Invalid non-negative integer";
        return Err(StripeError::invalid(message)
            .code("parameter_invalid_integer")
            .param(&format!("{path}[quantity]")));
    }
    Ok(quantity)
}

/// Changes an item by what a call describes.
pub(crate) fn change(
    desk: &mut Desk<'_, '_>,
    item: &mut Object,
    given: &Params,
    path: &str,
) -> Result<(), StripeError> {
    if given.has("price") || given.has("price_data") {
        let price = price::of_item(desk, given, path)?;
        check_recurring(&price, path)?;
        if item.text("price.id") != Some(price.id()) {
            item.set("_since", desk.now);
        }
        item.set("plan", plan(&price));
        let shown = desk.shown(&price);
        item.set("price", shown);
    }
    if let Some(quantity) = checked_quantity(given.int("quantity"), path)? {
        item.set("quantity", quantity);
    }
    given.merge_metadata(item);
    Ok(())
}

/// Refuses items that cannot stand on one bill.
pub(crate) fn check_together(items: &[Value]) -> Result<(), StripeError> {
    let refuse = |message: &str| Err(StripeError::invalid(message).param("items"));
    let Some(first) = items.first() else {
        return refuse("A subscription must have at least one active plan.");
    };
    if items.len() > MOST {
        return refuse("A subscription holds at most 20 items.");
    }
    for (number, item) in items.iter().enumerate() {
        if item["price"]["currency"] != first["price"]["currency"] {
            return refuse("All prices of a subscription must have the same currency.");
        }
        if !recur_alike(&item["price"]["recurring"], &first["price"]["recurring"]) {
            return refuse(
                "In this twin all prices of a subscription must have the same `recurring.interval` and `recurring.interval_count`.",
            );
        }
        if items[..number].iter().any(|other| other["price"]["id"] == item["price"]["id"]) {
            let price = item["price"]["id"].as_str().unwrap_or_default();
            return refuse(&format!(
                "Cannot add multiple subscription items with the same price: `{price}`."
            ));
        }
    }
    Ok(())
}

/// Writes the plan that older readers expect beside a price.
pub(crate) fn plan(price: &Object) -> Value {
    json!({
        "id": price.id(), "object": "plan", "active": price.at("active"), "amount": price.at("unit_amount"),
        "amount_decimal": price.at("unit_amount_decimal"), "billing_scheme": price.at("billing_scheme"),
        "created": price.at("created"), "currency": price.at("currency"), "interval": price.at("recurring.interval"),
        "interval_count": price.at("recurring.interval_count"), "livemode": false, "metadata": price.at("metadata"),
        "meter": price.at("recurring.meter"), "nickname": price.at("nickname"), "product": price.at("product"),
        "tiers_mode": price.at("tiers_mode"), "transform_usage": null, "trial_period_days": null,
        "usage_type": price.at("recurring.usage_type"),
    })
}
