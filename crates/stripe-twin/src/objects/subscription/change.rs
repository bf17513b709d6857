//! A subscription changes: items, trial, anchor, planned end, pause.

use serde_json::{Value, json};

use super::items;
use crate::api::operation::Call;
use crate::billing::lines::Line;
use crate::billing::payment::Presence;
use crate::billing::{collection, invoicing, lifecycle, proration};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::Params;
use crate::object::Object;
use crate::objects::{discount, invoice_item, payment_method, subscription_schedule};

const UPDATED: &str = "customer.subscription.updated";

/// Changes a subscription; with `error_if_incomplete` only where the payment that it causes goes through.
pub(crate) fn update(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    params: &Params,
) -> Result<Object, StripeError> {
    check_live(subscription, params)?;
    check_schedule(subscription, params)?;
    let latest = subscription.owned("latest_invoice");
    let changed = apply(desk, subscription, params)?;
    if params.has("items") {
        subscription_schedule::follow(desk, &changed)?;
    }
    if changed.owned("latest_invoice") == latest {
        return Ok(changed);
    }
    let invoice = desk.get("invoice", changed.text("latest_invoice").unwrap_or_default())?;
    if invoice.status() != "open" || invoice.text("collection_method") != Some("charge_automatically") {
        return desk.get("subscription", changed.id());
    }
    if collection::give_up_if_paused(desk, &invoice)? {
        return desk.get("subscription", changed.id());
    }
    let behavior = params.text("payment_behavior");
    if behavior == Some("default_incomplete") {
        return lifecycle::set_status(desk, changed, "past_due");
    }
    let off_session = params.flag("off_session") == Some(true);
    let presence = if off_session { Presence::OffSession } else { Presence::OnSession };
    let outcome = collection::collect(desk, invoice.clone(), presence, None)?;
    match outcome {
        collection::Outcome::Failed(error) if behavior == Some("error_if_incomplete") => {
            return Err(error.undoing());
        }
        collection::Outcome::NeedsAction if behavior == Some("error_if_incomplete") => {
            return Err(lifecycle::requires_action().undoing());
        }
        collection::Outcome::NeedsAction => {
            let changed = desk.get("subscription", changed.id())?;
            return lifecycle::set_status(desk, changed, "past_due");
        }
        _ => {}
    }
    desk.get("subscription", changed.id())
}

fn check_live(subscription: &Object, params: &Params) -> Result<(), StripeError> {
    let only_details =
        params.names().all(|name| matches!(name, "metadata" | "cancellation_details" | "expand"));
    if matches!(subscription.status(), "canceled" | "incomplete_expired") && !only_details {
        let message = "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(StripeError::invalid(message));
    }
    Ok(())
}

/// A schedule says how its subscription ends.
fn check_schedule(subscription: &Object, params: &Params) -> Result<(), StripeError> {
    let Some(schedule) = subscription.text("schedule") else { return Ok(()) };
    if params.has("cancel_at") || params.has("cancel_at_period_end") {
        let message = format!(
            "The subscription is managed by the subscription schedule `{schedule}`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead."
        );
        return Err(StripeError::invalid(message));
    }
    Ok(())
}

/// Changes a subscription and drafts or finalises the invoice that the change brings, without collecting it.
pub(crate) fn apply(
    desk: &mut Desk<'_, '_>,
    before: &Object,
    params: &Params,
) -> Result<Object, StripeError> {
    let mut after = before.clone();
    plain(desk, &mut after, params)?;
    let moment = params.int("proration_date").unwrap_or(desk.now.min(before.amount("_period_end")));
    if !(before.amount("_period_start")..=before.amount("_period_end")).contains(&moment) {
        let message = "The proration date lies outside of the current period.";
        return Err(StripeError::invalid(message).param("proration_date"));
    }
    let recurs_else = change_items(desk, &mut after, params)?;
    let trial_ended = change_trial(desk, &mut after, params)?;
    let reset = recurs_else || trial_ended || params.text("billing_cycle_anchor") == Some("now");
    let behavior = params.text("proration_behavior").unwrap_or("create_prorations");
    let prorates = behavior != "none" && before.status() != "trialing" && before.status() != "incomplete";
    let mut lines = Vec::new();
    if prorates && reset {
        lines = credits(desk, before, moment)?;
    } else if prorates {
        lines = proration::lines(desk, before, &after, moment)?;
    }
    if prorates && bills_what_goes(before) {
        let now = desk.now;
        lines.extend(lifecycle::last_usage_lines(desk, before, &after, now)?);
    }
    if reset {
        after.set("billing_cycle_anchor", desk.now);
        lifecycle::move_period(&mut after, desk.now);
        let period = (after.amount("_period_start"), after.amount("_period_end"));
        lines.extend(lifecycle::period_lines(desk, &after, period)?);
    }
    plan_end(desk, &mut after, params);
    desk.update(&after, UPDATED)?;
    if reset || (behavior == "always_invoice" && !lines.is_empty()) {
        return bill_now(desk, after, lines);
    }
    invoice_item::keep(desk, &lines, &after)?;
    Ok(after)
}

/// Tells whether what was used of a metered price is billed when the price goes; the classic mode forgets it.
pub(crate) fn bills_what_goes(subscription: &Object) -> bool {
    subscription.text("billing_mode.type") != Some("classic")
}

/// Sets what has no price.
fn plain(desk: &mut Desk<'_, '_>, after: &mut Object, params: &Params) -> Result<(), StripeError> {
    params.copy(after, &["collection_method", "days_until_due", "description"]);
    params.merge_metadata(after);
    for (outer, names) in [
        ("cancellation_details", &["comment", "feedback"][..]),
        ("payment_settings", &["payment_method_types", "save_default_payment_method"]),
    ] {
        if let Some(given) = params.object(outer) {
            for name in names.iter().filter(|name| given.has(name)) {
                after.set(&format!("{outer}.{name}"), given.get(name).clone());
            }
        }
    }
    let at_end = params.object("trial_settings").and_then(|trial| trial.object("end_behavior"));
    if let Some(at_end) = at_end {
        let without_card = at_end.get("missing_payment_method").clone();
        after.set("trial_settings.end_behavior.missing_payment_method", without_card);
    }
    if params.has("pause_collection") {
        let pause = params.object("pause_collection");
        let pause = pause
            .map(|pause| json!({"behavior": pause.get("behavior"), "resumes_at": pause.get("resumes_at")}));
        after.set("pause_collection", pause.unwrap_or(Value::Null));
    }
    if let Some(tax) = params.object("automatic_tax") {
        let enabled = tax.flag("enabled") == Some(true);
        after.set("automatic_tax", json!({
            "disabled_reason": null, "enabled": enabled, "liability": enabled.then(|| json!({"type": "self"})),
        }));
    }
    if let Some(method) = params.text("default_payment_method") {
        let method = payment_method::resolve(desk, method, "default_payment_method")?;
        if method.text("customer") != after.text("customer") {
            let message = "The payment method must be attached to the customer of the subscription.";
            return Err(StripeError::invalid(message)
                .code("resource_missing")
                .param("default_payment_method"));
        }
        after.set("default_payment_method", method.id());
    } else if params.has("default_payment_method") {
        after.set("default_payment_method", Value::Null);
    }
    if params.has("discounts") {
        let customer = after.owned("customer");
        let id = after.id().to_owned();
        let given = discount::give(desk, &params.objects("discounts"), customer.as_deref(), Some(&id))?;
        after.set("discounts", given);
    }
    Ok(())
}

/// Applies `items`; tells whether the subscription now recurs in another rhythm.
fn change_items(desk: &mut Desk<'_, '_>, after: &mut Object, params: &Params) -> Result<bool, StripeError> {
    let old =
        after.list("items.data").first().map(|item| item["price"]["recurring"].clone()).unwrap_or_default();
    let id = after.id().to_owned();
    for (number, given) in params.objects("items").iter().enumerate() {
        let path = format!("items[{number}]");
        let place = match given.text("id") {
            None => None,
            Some(item) => {
                let place = after.list("items.data").iter().position(|other| other["id"] == item);
                let missing = || {
                    StripeError::missing("subscription_item", item)
                        .param(&format!("{path}[id]"))
                        .bad_request()
                };
                Some(place.ok_or_else(missing)?)
            }
        };
        match place {
            Some(place) if given.flag("deleted") == Some(true) => {
                after.list_mut("items.data").remove(place);
            }
            Some(place) => {
                let mut item = Object::new(after.list("items.data")[place].clone());
                items::change(desk, &mut item, given, &path)?;
                after.list_mut("items.data")[place] = item.into_document();
            }
            None => {
                let mut item = items::new(desk, given, &id, &path)?;
                item.set("current_period_start", after.at("_period_start").clone());
                item.set("current_period_end", after.at("_period_end").clone());
                after.list_mut("items.data").push(item.into_document());
            }
        }
    }
    items::check_together(after.list("items.data"))?;
    let new = &after.list("items.data")[0]["price"]["recurring"];
    Ok(params.has("items") && after.status() != "trialing" && !lifecycle::recur_alike(&old, new))
}

/// Applies `trial_end`; tells whether a trial ends now.
fn change_trial(desk: &mut Desk<'_, '_>, after: &mut Object, params: &Params) -> Result<bool, StripeError> {
    if params.text("trial_end") == Some("now") {
        let trialing = after.status() == "trialing";
        if trialing {
            after.set("trial_end", desk.now);
            after.set("status", "active");
        }
        return Ok(trialing);
    }
    let Some(end) = params.int("trial_end") else { return Ok(false) };
    if end <= desk.now {
        let message = "Invalid timestamp: must be an integer Unix timestamp in the future.";
        return Err(StripeError::invalid(message).param("trial_end"));
    }
    if after.at("trial_start").is_null() {
        after.set("trial_start", desk.now);
    }
    after.set("trial_end", end);
    after.set("_trial_announced", false);
    after.set("billing_cycle_anchor", end);
    after.set("_period_end", end);
    after.set("status", "trialing");
    for item in after.list_mut("items.data") {
        item["current_period_end"] = end.into();
    }
    Ok(false)
}

/// Sets when the subscription is to end.
fn plan_end(desk: &Desk<'_, '_>, after: &mut Object, params: &Params) {
    let period_end = after.amount("_period_end");
    let asked = params.flag("cancel_at_period_end");
    if asked == Some(true) || (asked.is_none() && after.flag("cancel_at_period_end")) {
        after.set("cancel_at_period_end", true);
        after.set("cancel_at", period_end);
        after.set("cancellation_details.reason", "cancellation_requested");
        if after.at("canceled_at").is_null() {
            after.set("canceled_at", desk.now);
        }
    } else if asked == Some(false) && !params.has("cancel_at") {
        keep_going(after);
    }
    if !params.has("cancel_at") {
        return;
    }
    let moment = if params.get("cancel_at").is_string() { Some(period_end) } else { params.int("cancel_at") };
    match moment {
        Some(moment) => {
            after.set("cancel_at", moment);
            after.set("canceled_at", desk.now);
            after.set("cancel_at_period_end", false);
            after.set("cancellation_details.reason", "cancellation_requested");
        }
        None => keep_going(after),
    }
}

fn keep_going(after: &mut Object) {
    after.set("cancel_at_period_end", false);
    for name in ["cancel_at", "canceled_at", "cancellation_details.reason"] {
        after.set(name, Value::Null);
    }
}

/// Credits what is left of the period of every item.
fn credits(desk: &mut Desk<'_, '_>, before: &Object, moment: i64) -> Result<Vec<Line>, StripeError> {
    let mut none = before.clone();
    none.list_mut("items.data").clear();
    proration::lines(desk, before, &none, moment)
}

/// Bills a change at once, with whatever else waits.
fn bill_now(desk: &mut Desk<'_, '_>, mut after: Object, lines: Vec<Line>) -> Result<Object, StripeError> {
    let customer = desk.get("customer", after.text("customer").unwrap_or_default())?;
    let mut all = invoice_item::pending_lines(desk, &after)?;
    all.extend(lines);
    let period = (desk.now, desk.now);
    let draft = invoicing::Draft::of_subscription(&after, &customer, "subscription_update", period);
    let invoice = invoicing::draft(desk, &draft, &all)?;
    desk.insert(&invoice, "invoice.created")?;
    invoice_item::attach_to(desk, &all, &invoice)?;
    after.set("latest_invoice", invoice.id());
    desk.update_quietly(&after)?;
    invoicing::finalize(desk, invoice)?;
    desk.get("subscription", after.id())
}

/// Resumes a subscription that was paused at the end of its trial: a new period begins and is billed.
pub(super) fn resume(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut subscription = call.target()?;
    if subscription.status() != "paused" {
        let message = format!("Subscription {} is not paused.", subscription.id());
        return Err(StripeError::invalid(message));
    }
    let desk = &mut call.desk;
    subscription.set("status", "active");
    subscription.set("billing_cycle_anchor", desk.now);
    lifecycle::move_period(&mut subscription, desk.now);
    let period = (subscription.amount("_period_start"), subscription.amount("_period_end"));
    let lines = lifecycle::period_lines(desk, &subscription, period)?;
    desk.update(&subscription, UPDATED)?;
    let subscription = bill_now(desk, subscription, lines)?;
    let invoice = desk.get("invoice", subscription.text("latest_invoice").unwrap_or_default())?;
    if invoice.status() == "open" && invoice.text("collection_method") == Some("charge_automatically") {
        collection::collect(desk, invoice, Presence::OnSession, None)?;
    }
    let subscription = desk.get("subscription", subscription.id())?;
    desk.emit("customer.subscription.resumed", &subscription)?;
    Ok(subscription.into())
}
