//! What a subscription goes through: its first invoice, renewals, the end of its trial, failed payments, its end.

mod last;
mod renewal;

use serde_json::{Value, json};

use super::payment::Presence;
use super::{collection, invoicing};
use crate::desk::Desk;
use crate::due::{FIRST_PAYMENT_S, TRIAL_NOTICE_S};
use crate::error::StripeError;
use crate::object::Object;
use crate::objects::{invoice_item, setup_intent, subscription_schedule};
use crate::store::settings;

pub(crate) use last::{bill_last, credits, last_invoice};
use renewal::renew;
pub(crate) use renewal::{last_usage_lines, move_period, period_lines, recur_alike};

const UPDATED: &str = "customer.subscription.updated";

/// How a first payment that does not go through is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// It is tried, and may fail: `allow_incomplete`.
    Tries,
    /// The client confirms it: `default_incomplete`.
    Waits,
    /// It is tried, and must not fail: `error_if_incomplete`.
    Demands,
}

/// Bills a new subscription for the first time and brings it into its first state.
pub(crate) fn begin(
    desk: &mut Desk<'_, '_>,
    mut subscription: Object,
    lines: &[super::lines::Line],
    behavior: Behavior,
) -> Result<Object, StripeError> {
    let customer = desk.get("customer", subscription.text("customer").unwrap_or_default())?;
    let now = desk.now;
    let draft =
        invoicing::Draft::of_subscription(&subscription, &customer, "subscription_create", (now, now));
    let invoice = invoicing::draft(desk, &draft, lines)?;
    desk.insert(&invoice, "invoice.created")?;
    subscription.set("latest_invoice", invoice.id());
    desk.update_quietly(&subscription)?;
    invoice_item::attach_to(desk, lines, &invoice)?;
    let invoice = invoicing::finalize(desk, invoice)?;
    let subscription = desk.get("subscription", subscription.id())?;
    if invoice.status() == "paid" {
        return ask_for_setup(desk, subscription, &invoice, behavior);
    }
    if invoice.text("collection_method") == Some("send_invoice") {
        return set_status(desk, subscription, "active");
    }
    match behavior {
        Behavior::Waits => Ok(subscription),
        Behavior::Tries | Behavior::Demands => first_payment(desk, &subscription, invoice, behavior),
    }
}

/// A trial without a card asks for one, so that it can go on.
fn ask_for_setup(
    desk: &mut Desk<'_, '_>,
    mut subscription: Object,
    invoice: &Object,
    behavior: Behavior,
) -> Result<Object, StripeError> {
    let asks = behavior == Behavior::Waits
        && subscription.text("collection_method") == Some("charge_automatically")
        && collection::default_method(desk, invoice)?.is_none();
    if asks {
        let mut intent = setup_intent::shape(desk, subscription.text("customer"));
        intent.set("_subscription", subscription.id());
        desk.insert(&intent, "setup_intent.created")?;
        subscription.set("pending_setup_intent", intent.id());
        desk.update_quietly(&subscription)?;
    }
    Ok(subscription)
}

fn first_payment(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    invoice: Object,
    behavior: Behavior,
) -> Result<Object, StripeError> {
    if collection::default_method(desk, &invoice)?.is_none() {
        let message = "This customer has no attached payment source or default payment method. Please consider adding a \
                       default payment method.";
        return Err(StripeError::invalid(message).code("resource_missing"));
    }
    let outcome = collection::collect(desk, invoice, Presence::OnSession, None)?;
    let strict = behavior == Behavior::Demands;
    match outcome {
        collection::Outcome::Failed(error) if strict => return Err(error.undoing()),
        collection::Outcome::NeedsAction if strict => {
            return Err(requires_action().undoing());
        }
        _ => {}
    }
    desk.get("subscription", subscription.id())
}

/// Says that a payment which must go through waits for the customer.
pub(crate) fn requires_action() -> StripeError {
    let message = "Payment for this subscription requires additional user action before it can be completed.";
    StripeError::card(message, "subscription_payment_intent_requires_action", None)
}

/// Keeps the card that a pending setup brought.
pub(crate) fn set_up(desk: &mut Desk<'_, '_>, subscription: &str, method: &str) -> Result<(), StripeError> {
    let mut subscription = desk.get("subscription", subscription)?;
    subscription.set("pending_setup_intent", Value::Null);
    subscription.set("default_payment_method", method);
    desk.update(&subscription, UPDATED)
}

/// Lets happen what is due.
pub(crate) fn happen(desk: &mut Desk<'_, '_>, mut subscription: Object) -> Result<(), StripeError> {
    let now = desk.now;
    let passed = |name: &str| subscription.int(name).is_some_and(|moment| moment <= now);
    if subscription.status() == "incomplete" {
        if subscription.amount("created") + FIRST_PAYMENT_S <= now {
            expire(desk, subscription)?;
        }
        return Ok(());
    }
    if passed("cancel_at") {
        let ends = subscription.amount("cancel_at");
        bill_last(desk, &mut subscription, ends, false)?;
        return end(desk, subscription, "canceled", "cancellation_requested").map(drop);
    }
    if passed("pause_collection.resumes_at") {
        subscription.set("pause_collection", Value::Null);
        return desk.update(&subscription, UPDATED);
    }
    let trial_end = subscription.int("trial_end").filter(|_| subscription.status() == "trialing");
    let announced = subscription.flag("_trial_announced");
    if trial_end.is_some_and(|end| end - TRIAL_NOTICE_S <= now) && !announced {
        subscription.set("_trial_announced", true);
        desk.update_quietly(&subscription)?;
        return desk.emit("customer.subscription.trial_will_end", &subscription);
    }
    if passed("_period_end") {
        return turn(desk, subscription).map(drop);
    }
    Ok(())
}

/// Ends a period: what a schedule has planned for this moment comes first, and is what the renewal bills.
pub(crate) fn turn(desk: &mut Desk<'_, '_>, subscription: Object) -> Result<Option<Object>, StripeError> {
    let end = subscription.amount("_period_end");
    let subscription = match subscription_schedule::due_by(desk, &subscription, end)? {
        Some(schedule) => subscription_schedule::advance(desk, schedule)?,
        None => subscription,
    };
    if subscription.status() == "canceled" { Ok(None) } else { renew(desk, subscription) }
}

/// Ends a subscription whose first payment never came.
fn expire(desk: &mut Desk<'_, '_>, subscription: Object) -> Result<(), StripeError> {
    let subscription = end(desk, subscription, "incomplete_expired", "payment_failed")?;
    let invoice = desk.find(subscription.text("latest_invoice").unwrap_or_default())?;
    if let Some(invoice) = invoice.filter(|invoice| invoice.status() == "open") {
        collection::void(desk, invoice)?;
    }
    Ok(())
}

/// Ends a subscription now. What was used since its last invoice is not billed: that comes before, where it is owed.
pub(crate) fn end(
    desk: &mut Desk<'_, '_>,
    mut subscription: Object,
    status: &str,
    reason: &str,
) -> Result<Object, StripeError> {
    if subscription.at("canceled_at").is_null() {
        subscription.set("canceled_at", desk.now);
    }
    subscription.set("ended_at", desk.now);
    subscription.set("status", status);
    if subscription.at("cancellation_details.reason").is_null() {
        subscription.set("cancellation_details.reason", reason);
    }
    desk.update_quietly(&subscription)?;
    let event = if status == "incomplete_expired" { UPDATED } else { "customer.subscription.deleted" };
    desk.emit(event, &subscription)?;
    subscription_schedule::canceled_with(desk, &subscription)?;
    stop_drafts(desk, &subscription)?;
    Ok(subscription)
}

/// Drafts of an ended subscription wait for somebody to look at them.
fn stop_drafts(desk: &mut Desk<'_, '_>, subscription: &Object) -> Result<(), StripeError> {
    for mut invoice in desk.of_parent("invoice", subscription.id())? {
        if matches!(invoice.status(), "draft" | "open") && invoice.flag("auto_advance") {
            invoice.set("auto_advance", false);
            invoice.set("automatically_finalizes_at", Value::Null);
            invoice.set("next_payment_attempt", Value::Null);
            desk.update(&invoice, "invoice.updated")?;
        }
    }
    Ok(())
}

/// Sets the status and tells of it.
pub(crate) fn set_status(
    desk: &mut Desk<'_, '_>,
    mut subscription: Object,
    status: &str,
) -> Result<Object, StripeError> {
    if subscription.status() != status {
        subscription.set("status", status);
        desk.update(&subscription, UPDATED)?;
    }
    Ok(subscription)
}

/// Notes that an invoice was paid: what waited for it goes on.
pub(crate) fn invoice_paid(desk: &mut Desk<'_, '_>, invoice: &Object) -> Result<(), StripeError> {
    let Some(subscription) = invoice.text("_parent") else { return Ok(()) };
    let subscription = desk.get("subscription", subscription)?;
    let in_trial = subscription.int("trial_end").is_some_and(|end| end > desk.now);
    let good = if in_trial { "trialing" } else { "active" };
    match subscription.status() {
        "incomplete" => set_status(desk, subscription, good).map(drop),
        "past_due" | "unpaid" if !others_open(desk, invoice, &subscription)? => {
            set_status(desk, subscription, good).map(drop)
        }
        _ => Ok(()),
    }
}

/// Tells whether another invoice of the subscription is still owed.
fn others_open(desk: &mut Desk<'_, '_>, paid: &Object, subscription: &Object) -> Result<bool, StripeError> {
    let invoices = desk.of_parent("invoice", subscription.id())?;
    let attempted = |invoice: &Object| invoice.flag("attempted") || invoice.flag("_overdue");
    Ok(invoices
        .iter()
        .any(|invoice| invoice.id() != paid.id() && invoice.status() == "open" && attempted(invoice)))
}

/// Notes that an invoice is owed no more: a subscription that was only late goes on.
pub(crate) fn invoice_voided(desk: &mut Desk<'_, '_>, invoice: &Object) -> Result<(), StripeError> {
    let Some(subscription) = invoice.owned("_parent") else { return Ok(()) };
    let subscription = desk.get("subscription", &subscription)?;
    match (subscription.status(), invoice.text("billing_reason")) {
        ("incomplete", Some("subscription_create")) => {
            end(desk, subscription, "incomplete_expired", "payment_failed").map(drop)
        }
        ("past_due" | "unpaid", _) if !others_open(desk, invoice, &subscription)? => {
            set_status(desk, subscription, "active").map(drop)
        }
        _ => Ok(()),
    }
}

/// Notes that a payment failed; after the last attempt the rule of dunning decides.
pub(crate) fn payment_failed(
    desk: &mut Desk<'_, '_>,
    invoice: &Object,
    last: bool,
) -> Result<(), StripeError> {
    let Some(subscription) = invoice.owned("_parent") else { return Ok(()) };
    let subscription = desk.get("subscription", &subscription)?;
    if !matches!(subscription.status(), "active" | "trialing" | "past_due") {
        return Ok(());
    }
    let first = invoice.text("billing_reason") == Some("subscription_create");
    if first && subscription.status() != "past_due" {
        return Ok(());
    }
    let subscription = set_status(desk, subscription, "past_due")?;
    if !last {
        return Ok(());
    }
    match after_retries(desk)?.as_str() {
        "unpaid" => set_status(desk, subscription, "unpaid").map(drop),
        "past_due" => Ok(()),
        _ => end(desk, subscription, "canceled", "payment_failed").map(drop),
    }
}

/// What the account's settings say of a subscription after the last attempt: `cancel`, `unpaid` or `past_due`.
pub(crate) fn after_retries(desk: &mut Desk<'_, '_>) -> Result<String, StripeError> {
    let rule = settings::find(desk.tx, "dunning")?.unwrap_or_else(|| json!({}));
    Ok(rule["after_retries"].as_str().unwrap_or("cancel").to_owned())
}
