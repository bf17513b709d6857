//! A period ends and the next one begins.

use serde_json::Value;

use super::{UPDATED, bill_last, end};
use crate::billing::calendar::Rhythm;
use crate::billing::invoicing;
use crate::billing::lines::Line;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;
use crate::objects::{invoice_item, meter};

/// Returns how often a subscription recurs.
fn rhythm(subscription: &Object) -> Option<Rhythm<'_>> {
    let recurring = &subscription.list("items.data").first()?["price"]["recurring"];
    Some(Rhythm {
        interval: recurring["interval"].as_str()?,
        count: recurring["interval_count"].as_i64().unwrap_or(1),
    })
}

/// Moves a subscription into the period that begins at `start`.
pub(crate) fn move_period(subscription: &mut Object, start: i64) {
    let anchor = subscription.amount("billing_cycle_anchor");
    let end = rhythm(subscription).map_or(start, |rhythm| rhythm.next_boundary(anchor, start));
    set_period(subscription, (start, end));
}

/// Sets the period of a subscription and of all its items.
fn set_period(subscription: &mut Object, (start, end): (i64, i64)) {
    subscription.set("_period_start", start);
    subscription.set("_period_end", end);
    for item in subscription.list_mut("items.data") {
        item["current_period_start"] = start.into();
        item["current_period_end"] = end.into();
    }
}

/// Lists what is billed in advance for a period.
pub(crate) fn period_lines(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    period: (i64, i64),
) -> Result<Vec<Line>, StripeError> {
    let mut lines = Vec::new();
    for item in subscription.list("items.data") {
        let item = Object::new(item.clone());
        if item.text("price.recurring.usage_type") != Some("metered") {
            lines.push(Line::of_item(desk, subscription, &item, period)?);
        }
    }
    Ok(lines)
}

/// Lists what was used in a period and is billed after it.
pub(super) fn usage_lines(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    period: (i64, i64),
) -> Result<Vec<Line>, StripeError> {
    let mut lines = Vec::new();
    for item in subscription.list("items.data") {
        lines.extend(usage_line(desk, subscription, item, period)?);
    }
    Ok(lines)
}

/// Lists what was used until `moment` of the metered prices that `after` has no more.
pub(crate) fn last_usage_lines(
    desk: &mut Desk<'_, '_>,
    before: &Object,
    after: &Object,
    moment: i64,
) -> Result<Vec<Line>, StripeError> {
    let kept = |item: &Value| {
        let mut others = after.list("items.data").iter();
        others.any(|other| other["id"] == item["id"] && other["price"]["id"] == item["price"]["id"])
    };
    let mut lines = Vec::new();
    let period = (before.amount("_period_start"), moment);
    for item in before.list("items.data").iter().filter(|item| !kept(item)) {
        lines.extend(usage_line(desk, before, item, period)?);
    }
    Ok(lines)
}

/// Bills what was used of a metered price in a period, as far as the item was of that price by then.
fn usage_line(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    item: &Value,
    period: (i64, i64),
) -> Result<Option<Line>, StripeError> {
    let mut item = Object::new(item.clone());
    let Some(meter) = item.owned("price.recurring.meter") else { return Ok(None) };
    let since = item.int("_since").filter(|since| *since > period.0);
    if since.is_some_and(|since| since >= period.1) {
        return Ok(None);
    }
    let customer = subscription.text("customer").unwrap_or_default();
    let period = (since.unwrap_or(period.0), period.1);
    let used = meter::aggregate(desk, &meter, customer, period)?;
    item.set("quantity", used);
    Line::of_item(desk, subscription, &item, period).map(Some)
}

/// Begins the next period and drafts its invoice.
pub(crate) fn renew(
    desk: &mut Desk<'_, '_>,
    mut subscription: Object,
) -> Result<Option<Object>, StripeError> {
    let (old_start, start) = (subscription.amount("_period_start"), subscription.amount("_period_end"));
    if subscription.flag("cancel_at_period_end") {
        bill_last(desk, &mut subscription, start, false)?;
        end(desk, subscription, "canceled", "cancellation_requested")?;
        return Ok(None);
    }
    let after_trial = subscription.status() == "trialing";
    if after_trial && let Some(ended) = end_trial_without_card(desk, &mut subscription)? {
        return Ok(ended);
    }
    move_period(&mut subscription, start);
    if after_trial {
        subscription.set("status", "active");
    }
    let customer = desk.get("customer", subscription.text("customer").unwrap_or_default())?;
    let period = (start, subscription.amount("_period_end"));
    let mut lines = invoice_item::pending_lines(desk, &subscription)?;
    lines.extend(usage_lines(desk, &subscription, (old_start, start))?);
    lines.extend(period_lines(desk, &subscription, period)?);
    let draft =
        invoicing::Draft::of_subscription(&subscription, &customer, "subscription_cycle", (old_start, start));
    let invoice = invoicing::draft(desk, &draft, &lines)?;
    desk.insert(&invoice, "invoice.created")?;
    invoice_item::attach_to(desk, &lines, &invoice)?;
    subscription.set("latest_invoice", invoice.id());
    desk.update(&subscription, UPDATED)?;
    Ok(Some(invoice))
}

/// Where a trial ends without a card, does what the subscription says; nothing where it goes on.
#[expect(
    clippy::option_option,
    reason = "the outer says whether it ended, the inner is the invoice that a renewal makes"
)]
fn end_trial_without_card(
    desk: &mut Desk<'_, '_>,
    subscription: &mut Object,
) -> Result<Option<Option<Object>>, StripeError> {
    let customer = desk.get("customer", subscription.text("customer").unwrap_or_default())?;
    let has_card = subscription.text("default_payment_method").is_some()
        || customer.text("invoice_settings.default_payment_method").is_some();
    match subscription.text("trial_settings.end_behavior.missing_payment_method") {
        Some("cancel") if !has_card => {
            end(desk, subscription.clone(), "canceled", "payment_failed")?;
            Ok(Some(None))
        }
        Some("pause") if !has_card => {
            subscription.set("status", "paused");
            desk.update(subscription, UPDATED)?;
            desk.emit("customer.subscription.paused", subscription)?;
            Ok(Some(None))
        }
        _ => Ok(None),
    }
}

/// Tells whether two recurring prices recur alike.
pub(crate) fn recur_alike(left: &Value, right: &Value) -> bool {
    left["interval"] == right["interval"] && left["interval_count"] == right["interval_count"]
}
