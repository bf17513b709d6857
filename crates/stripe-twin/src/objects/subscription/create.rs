//! A subscription begins.

use serde_json::json;

use super::items;
use crate::billing::calendar::DAY;
use crate::billing::lifecycle::{self, Behavior};
use crate::billing::lines::{Line, product_name};
use crate::billing::proration;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::Params;
use crate::object::{Object, list_of};
use crate::objects::{discount, invoice_item, payment_method};

/// Creates a subscription and bills it for the first time.
pub(crate) fn create(desk: &mut Desk<'_, '_>, params: &Params) -> Result<Object, StripeError> {
    let customer = desk.named("customer", params.need("customer")?, "customer")?;
    let mut subscription = shape(desk, &customer, params);
    let id = subscription.id().to_owned();
    let mut made = Vec::new();
    for (number, given) in params.objects("items").iter().enumerate() {
        made.push(items::new(desk, given, &id, &format!("items[{number}]"))?.into_document());
    }
    items::check_together(&made)?;
    subscription.set("currency", made[0]["price"]["currency"].clone());
    subscription.set("items", list_of(&format!("/v1/subscription_items?subscription={id}"), made, false));
    check_currency(desk, &customer, &subscription)?;
    set_method(desk, &mut subscription, params)?;
    let given = discount::give(desk, &params.objects("discounts"), Some(customer.id()), Some(&id))?;
    subscription.set("discounts", given);
    set_periods(desk, &mut subscription, params)?;
    let lines = first_lines(desk, &subscription, params)?;
    desk.insert(&subscription, "customer.subscription.created")?;
    let behavior = match params.text("payment_behavior") {
        Some("default_incomplete") => Behavior::Waits,
        Some("error_if_incomplete") => Behavior::Demands,
        _ => Behavior::Tries,
    };
    lifecycle::begin(desk, subscription, &lines, behavior)
}

fn shape(desk: &mut Desk<'_, '_>, customer: &Object, params: &Params) -> Object {
    let settings = params.object("payment_settings").unwrap_or_default();
    let mode = params.object("billing_mode").and_then(|mode| mode.text("type").map(str::to_owned));
    let flexible = mode.as_deref() != Some("classic");
    let tax = params.object("automatic_tax").and_then(|tax| tax.flag("enabled")).unwrap_or(false);
    let trial = params.object("trial_settings");
    let missing = trial.and_then(|trial| trial.object("end_behavior"));
    let missing = missing.and_then(|end| end.text("missing_payment_method").map(str::to_owned));
    Object::new(json!({
        "id": desk.id("sub_1"), "object": "subscription", "application": null, "application_fee_percent": null,
        "automatic_tax": {"disabled_reason": null, "enabled": tax, "liability": tax.then(|| json!({"type": "self"}))},
        "billing_cycle_anchor": desk.now, "billing_cycle_anchor_config": null,
        "billing_mode": {
            "flexible": flexible.then(|| json!({"proration_discounts": "included"})),
            "type": if flexible { "flexible" } else { "classic" },
        },
        "billing_schedules": [], "billing_thresholds": null, "cancel_at": null,
        "cancel_at_period_end": params.flag("cancel_at_period_end").unwrap_or(false), "canceled_at": null,
        "cancellation_details": {"comment": null, "feedback": null, "feedback_option": null, "reason": null},
        "collection_method": params.text("collection_method").unwrap_or("charge_automatically"),
        "created": desk.now, "currency": null, "customer": customer.id(), "customer_account": null,
        "days_until_due": params.get("days_until_due"), "default_payment_method": null, "default_source": null,
        "default_tax_rates": [], "description": params.get("description"), "discounts": [], "ended_at": null,
        "invoice_settings": {
            "account_tax_ids": null, "custom_fields": null, "description": null, "footer": null,
            "issuer": {"type": "self"},
        },
        "latest_invoice": null, "livemode": false, "managed_payments": null, "metadata": params.metadata(),
        "next_pending_invoice_item_invoice": null, "on_behalf_of": null, "pause_collection": null,
        "payment_settings": {
            "payment_method_options": null, "payment_method_types": settings.get("payment_method_types"),
            "save_default_payment_method": settings.text("save_default_payment_method").unwrap_or("off"),
        },
        "pending_invoice_item_interval": null, "pending_setup_intent": null, "pending_update": null, "schedule": null,
        "start_date": desk.now, "status": "incomplete", "test_clock": customer.at("test_clock"),
        "transfer_data": null, "trial_end": null,
        "trial_settings": {"end_behavior": {"billing_cycle_anchor": null, "missing_payment_method": missing.as_deref().unwrap_or("create_invoice")}},
        "trial_start": null,
    }))
}

/// A customer pays in one currency as long as something of theirs is live.
fn check_currency(
    desk: &mut Desk<'_, '_>,
    customer: &Object,
    subscription: &Object,
) -> Result<(), StripeError> {
    let live = desk.of_customer("subscription", customer.id())?;
    let differs = live.iter().any(|other| {
        !matches!(other.status(), "canceled" | "incomplete_expired")
            && other.at("currency") != subscription.at("currency")
    });
    if differs {
        let message = "You cannot combine currencies on a single customer. This customer has a live subscription in another currency.";
        return Err(StripeError::invalid(message));
    }
    Ok(())
}

fn set_method(
    desk: &mut Desk<'_, '_>,
    subscription: &mut Object,
    params: &Params,
) -> Result<(), StripeError> {
    let Some(method) = params.text("default_payment_method") else { return Ok(()) };
    let method = payment_method::resolve(desk, method, "default_payment_method")?;
    if method.text("customer") != subscription.text("customer") {
        let message = "The customer does not have a payment method with this ID. The payment method must be attached to the customer.";
        return Err(StripeError::invalid(message).code("resource_missing").param("default_payment_method"));
    }
    subscription.set("default_payment_method", method.id());
    Ok(())
}

/// Sets trial, anchor, first period and the planned end.
fn set_periods(
    desk: &mut Desk<'_, '_>,
    subscription: &mut Object,
    params: &Params,
) -> Result<(), StripeError> {
    let now = desk.now;
    let days = params.int("trial_period_days").filter(|days| *days > 0);
    let trial_end = params.int("trial_end").or_else(|| days.map(|days| now + days * DAY));
    if trial_end.is_some_and(|end| end <= now || end > now + 730 * DAY) {
        let message =
            "Invalid timestamp: must be an integer Unix timestamp in the future, at most two years away.";
        return Err(StripeError::invalid(message).param("trial_end"));
    }
    if params.text("collection_method") == Some("send_invoice") && !params.has("days_until_due") {
        let message = "When `collection_method` is `send_invoice`, you must pass `days_until_due`.";
        return Err(StripeError::invalid(message).param("days_until_due"));
    }
    let anchor = trial_end.or_else(|| params.int("billing_cycle_anchor")).unwrap_or(now);
    subscription.set("billing_cycle_anchor", anchor);
    lifecycle::move_period(subscription, now);
    if anchor < now || subscription.amount("_period_end") < anchor {
        let message = "`billing_cycle_anchor` must lie in the future and within the first period.";
        return Err(StripeError::invalid(message).param("billing_cycle_anchor"));
    }
    if let Some(end) = trial_end {
        subscription.set("trial_start", now);
        subscription.set("trial_end", end);
        subscription.set("_period_end", end);
        for item in subscription.list_mut("items.data") {
            item["current_period_end"] = end.into();
        }
    }
    let cancel_at = match params.text("cancel_at") {
        Some(_) => subscription.int("_period_end"),
        None => params.int("cancel_at"),
    };
    subscription.set("cancel_at", cancel_at);
    if params.flag("cancel_at_period_end") == Some(true) {
        subscription.set("cancel_at", subscription.amount("_period_end"));
        subscription.set("canceled_at", now);
    }
    Ok(())
}

/// Lists what the first invoice bills.
fn first_lines(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    params: &Params,
) -> Result<Vec<Line>, StripeError> {
    let mut lines = invoice_item::pending_lines(desk, subscription)?;
    for extra in params.objects("_add_invoice_items") {
        lines.push(invoice_item::line_of_price(desk, &extra)?);
    }
    let period = (subscription.amount("_period_start"), subscription.amount("_period_end"));
    if subscription.int("trial_end").is_some() {
        for mut line in lifecycle::period_lines(desk, subscription, period)? {
            line.amount = 0;
            if let Some(price) = &line.price {
                line.description = format!("Trial period for {}", product_name(desk, price)?);
            }
            lines.push(line);
        }
        return Ok(lines);
    }
    if subscription.amount("billing_cycle_anchor") == period.0 {
        lines.extend(lifecycle::period_lines(desk, subscription, period)?);
        return Ok(lines);
    }
    if params.text("proration_behavior") == Some("none") {
        return Ok(lines);
    }
    let mut before = subscription.clone();
    before.set("billing_cycle_anchor", period.1);
    let whole = (whole_period_start(&before, period.1), period.1);
    for item in subscription.list("items.data") {
        lines.extend(proration::part(desk, subscription, &Object::new(item.clone()), period, whole, false)?);
    }
    Ok(lines)
}

/// Returns where a whole period that ends at `end` would have begun.
fn whole_period_start(subscription: &Object, end: i64) -> i64 {
    let recurring = &subscription.list("items.data")[0]["price"]["recurring"];
    let interval = recurring["interval"].as_str().unwrap_or("month");
    let count = recurring["interval_count"].as_i64().unwrap_or(1);
    crate::billing::calendar::Rhythm { interval, count }.after(end, -1)
}
