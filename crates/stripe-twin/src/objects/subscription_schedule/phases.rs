//! Phases: what they are written as, and what a call may say of them.

use serde_json::{Value, json};

use crate::billing::calendar::Rhythm;
use crate::billing::lifecycle::recur_alike;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Params, missing};
use crate::object::Object;
use crate::objects::{discount, price};

/// The most that one schedule holds.
const MOST: usize = 10;

/// Writes the phase that a subscription is in when it gets its schedule.
pub(super) fn present(desk: &mut Desk<'_, '_>, subscription: &Object) -> Result<Value, StripeError> {
    let trialing = subscription.status() == "trialing";
    let items: Vec<Value> = subscription.list("items.data").iter().map(item_of_subscription).collect();
    let mut phase = shape(subscription);
    phase.set("items", items);
    phase.set("discounts", discounts(desk, subscription.list("discounts"))?);
    phase.set("start_date", subscription.amount("_period_start"));
    phase.set("end_date", subscription.amount("_period_end"));
    phase.set("trial_end", subscription.int("trial_end").filter(|_| trialing));
    Ok(phase.into_document())
}

fn shape(subscription: &Object) -> Object {
    Object::new(json!({
        "add_invoice_items": [], "application_fee_percent": null, "billing_cycle_anchor": null,
        "billing_thresholds": null, "collection_method": null, "currency": subscription.at("currency"),
        "default_payment_method": null, "default_tax_rates": [], "description": null, "discounts": [], "end_date": 0,
        "invoice_settings": null, "items": [], "metadata": {}, "on_behalf_of": null,
        "proration_behavior": "create_prorations", "start_date": 0, "transfer_data": null, "trial_end": null,
    }))
}

/// Writes an item of the subscription as phases show them.
pub(super) fn item_of_subscription(item: &Value) -> Value {
    let mut shown = json!({
        "billing_thresholds": null, "discounts": [], "metadata": item["metadata"], "plan": item["price"]["id"],
        "price": item["price"]["id"], "tax_rates": [],
    });
    if item["quantity"].is_number() {
        shown["quantity"] = item["quantity"].clone();
    }
    shown
}

fn discounts(desk: &mut Desk<'_, '_>, ids: &[Value]) -> Result<Vec<Value>, StripeError> {
    let mut shown = Vec::new();
    for id in ids.iter().filter_map(Value::as_str) {
        let Some(given) = desk.find(id)? else { continue };
        shown.push(json!({"coupon": given.at("source.coupon"), "discount": id, "promotion_code": given.at("promotion_code")}));
    }
    Ok(shown)
}

/// Reads the phases of a call. The first is the present one: it began at `since`; each next one begins where the last ends.
pub(super) fn read(
    desk: &mut Desk<'_, '_>,
    given: &[Params],
    subscription: &Object,
    since: i64,
) -> Result<Vec<Value>, StripeError> {
    if !(1..=MOST).contains(&given.len()) {
        let message = format!("A schedule holds between 1 and {MOST} phases.");
        return Err(StripeError::invalid(message).param("phases"));
    }
    let mut read: Vec<Value> = Vec::new();
    let mut start = since;
    for (number, phase) in given.iter().enumerate() {
        let path = format!("phases[{number}]");
        check_start(desk, phase, start, &path)?;
        let mut one = shape(subscription);
        let end = end_of(desk, phase, start, &path)?;
        one.set("start_date", start);
        one.set("end_date", end);
        one.set("items", items(desk, phase, &path)?);
        phase.copy(&mut one, &["billing_cycle_anchor", "proration_behavior", "trial_end"]);
        phase.merge_metadata(&mut one);
        let (customer, id) = (subscription.owned("customer"), subscription.id().to_owned());
        let kept = discount::give(desk, &phase.objects("discounts"), customer.as_deref(), Some(&id))?;
        one.set("discounts", discounts(desk, &kept)?);
        read.push(one.into_document());
        start = end;
    }
    Ok(read)
}

fn check_start(desk: &Desk<'_, '_>, phase: &Params, start: i64, path: &str) -> Result<(), StripeError> {
    let given = if phase.text("start_date").is_some() { Some(desk.now) } else { phase.int("start_date") };
    if given.is_none_or(|given| given == start) {
        return Ok(());
    }
    let message = "The first phase must begin when the present phase did, and each further one when the one before it ends.";
    Err(StripeError::invalid(message).param(&format!("{path}[start_date]")))
}

fn end_of(desk: &Desk<'_, '_>, phase: &Params, start: i64, path: &str) -> Result<i64, StripeError> {
    let duration = phase.object("duration").map(|duration| Rhythm {
        interval: match duration.text("interval") {
            Some("day") => "day",
            Some("week") => "week",
            Some("year") => "year",
            _ => "month",
        },
        count: duration.int("interval_count").unwrap_or(1),
    });
    let end = match (phase.int("end_date"), phase.text("end_date"), duration) {
        (Some(end), ..) => end,
        (None, Some(_), _) => desk.now,
        (None, None, Some(duration)) if (1..=520).contains(&duration.count) => duration.after(start, 1),
        (None, None, Some(_)) => {
            let message = "A phase lasts between 1 and 520 intervals.";
            return Err(StripeError::invalid(message).param(&format!("{path}[duration][interval_count]")));
        }
        (None, None, None) => return Err(missing(&format!("{path}[end_date]"))),
    };
    if end <= start || end < desk.now {
        let message = "A phase must end after it begins, and not in the past.";
        return Err(StripeError::invalid(message).param(&format!("{path}[end_date]")));
    }
    Ok(end)
}

fn items(desk: &mut Desk<'_, '_>, phase: &Params, path: &str) -> Result<Vec<Value>, StripeError> {
    let mut read = Vec::new();
    let mut rhythm = None;
    for (number, item) in phase.objects("items").iter().enumerate() {
        let path = format!("{path}[items][{number}]");
        let price = price::of_item(desk, item, &path)?;
        let metered = price.text("recurring.usage_type") == Some("metered");
        let shown = json!({
            "metadata": item.metadata(), "price": {"id": price.id()},
            "quantity": if metered { Value::Null } else { item.int("quantity").unwrap_or(1).into() },
        });
        if price.at("recurring").is_null() || item.int("quantity").is_some_and(|quantity| quantity < 0) {
            let message = "A phase takes recurring prices, and no negative quantity.";
            return Err(StripeError::invalid(message).param(&path));
        }
        let recurring = price.at("recurring").clone();
        if !recur_alike(rhythm.get_or_insert_with(|| recurring.clone()), &recurring) {
            let message = "In this twin all prices of a phase must recur in the same rhythm.";
            return Err(StripeError::invalid(message).param(&path));
        }
        read.push(item_of_subscription(&shown));
    }
    if read.is_empty() {
        return Err(missing(&format!("{path}[items]")));
    }
    Ok(read)
}
