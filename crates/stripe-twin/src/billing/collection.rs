//! How an invoice is collected: attempts, retries, and what its state means for the subscription.

use serde_json::Value;

use super::calendar::DAY;
use super::payment::{self, Presence};
use super::{invoicing, lifecycle};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;
use crate::objects::payment_intent;

/// The pauses before the second and every further attempt, in days.
const RETRY_DAYS: &[i64] = &[3, 5, 7];

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The money is there.
    Paid,
    /// The customer must authenticate.
    NeedsAction,
    /// The card was refused, or there is none.
    Failed(StripeError),
}

/// Lets happen what is due: a draft is finalised and collected, a payment tried again, an invoice overdue.
pub(crate) fn happen(desk: &mut Desk<'_, '_>, mut invoice: Object) -> Result<(), StripeError> {
    match (invoice.status(), invoice.text("collection_method")) {
        ("draft", _) => advance(desk, invoice).map(drop),
        ("open", Some("send_invoice")) => {
            invoice.set("_overdue", true);
            desk.update_quietly(&invoice)?;
            desk.emit("invoice.overdue", &invoice)?;
            lifecycle::payment_failed(desk, &invoice, true)
        }
        _ => collect(desk, invoice, Presence::OffSession, None).map(drop),
    }
}

/// Finalises a draft and, where it is charged automatically, collects it.
pub(crate) fn advance(desk: &mut Desk<'_, '_>, invoice: Object) -> Result<Object, StripeError> {
    let invoice = invoicing::finalize(desk, invoice)?;
    let charged = invoice.text("collection_method") == Some("charge_automatically");
    if !give_up_if_paused(desk, &invoice)? && invoice.status() == "open" && charged {
        collect(desk, invoice.clone(), Presence::OffSession, None)?;
    }
    desk.get("invoice", invoice.id())
}

/// While collecting is paused, gives an open invoice up as the pause says; tells whether it did.
pub(crate) fn give_up_if_paused(desk: &mut Desk<'_, '_>, invoice: &Object) -> Result<bool, StripeError> {
    match (paused_behavior(desk, invoice)?.as_deref(), invoice.status()) {
        (Some("void"), "open") => void(desk, invoice.clone()).map(|_| true),
        (Some("mark_uncollectible"), "open") => mark_uncollectible(desk, invoice.clone()).map(|_| true),
        _ => Ok(false),
    }
}

fn paused_behavior(desk: &mut Desk<'_, '_>, invoice: &Object) -> Result<Option<String>, StripeError> {
    let Some(subscription) = invoice.text("_parent") else { return Ok(None) };
    Ok(desk.find(subscription)?.and_then(|subscription| subscription.owned("pause_collection.behavior")))
}

/// Finds the payment method by which an invoice is paid.
pub(crate) fn default_method(
    desk: &mut Desk<'_, '_>,
    invoice: &Object,
) -> Result<Option<String>, StripeError> {
    if let Some(method) = invoice.owned("default_payment_method") {
        return Ok(Some(method));
    }
    let subscription = match invoice.text("_parent") {
        Some(subscription) => desk.find(subscription)?,
        None => None,
    };
    if let Some(method) = subscription.and_then(|subscription| subscription.owned("default_payment_method")) {
        return Ok(Some(method));
    }
    let customer = desk.find(invoice.text("customer").unwrap_or_default())?;
    Ok(customer.and_then(|customer| customer.owned("invoice_settings.default_payment_method")))
}

/// Tries to collect an open invoice.
pub(crate) fn collect(
    desk: &mut Desk<'_, '_>,
    mut invoice: Object,
    presence: Presence,
    method: Option<&str>,
) -> Result<Outcome, StripeError> {
    let method = match method {
        Some(method) => Some(method.to_owned()),
        None => default_method(desk, &invoice)?,
    };
    invoice.add("attempt_count", 1);
    invoice.set("attempted", true);
    desk.update_quietly(&invoice)?;
    let Some(method) = method else {
        let message = "This customer has no default payment method, so the invoice cannot be paid.";
        let error = StripeError::card(message, "invoice_payment_intent_requires_action", None);
        failed(desk, invoice)?;
        return Ok(Outcome::Failed(error));
    };
    let intent = invoice.owned("_payment_intent").unwrap_or_default();
    let mut intent = desk.get("payment_intent", &intent)?;
    let mut method = desk.named("payment_method", &method, "payment_method")?;
    match payment::confirm(desk, &mut intent, &mut method, presence) {
        Ok(()) if intent.status() == "requires_action" => {
            desk.emit("invoice.payment_action_required", &invoice)?;
            Ok(Outcome::NeedsAction)
        }
        Ok(()) => Ok(Outcome::Paid),
        // A card that is gone, say; whoever waits for the money only sees that it did not come.
        Err(error) if error.is_refusal() => {
            if error.code_is("authentication_required") {
                desk.emit("invoice.payment_action_required", &invoice)?;
            }
            failed(desk, invoice)?;
            Ok(Outcome::Failed(error))
        }
        Err(error) => Err(error),
    }
}

/// Plans the next attempt, or gives up.
fn failed(desk: &mut Desk<'_, '_>, mut invoice: Object) -> Result<(), StripeError> {
    let attempts = usize::try_from(invoice.amount("attempt_count")).unwrap_or(0);
    let automatic = invoice.flag("auto_advance");
    let pause = attempts.checked_sub(1).and_then(|index| RETRY_DAYS.get(index)).filter(|_| automatic);
    invoice.set("next_payment_attempt", pause.map(|days| desk.now + days * DAY));
    desk.update(&invoice, "invoice.updated")?;
    desk.emit("invoice.payment_failed", &invoice)?;
    lifecycle::payment_failed(desk, &invoice, pause.is_none() && automatic)
}

/// Notes that a payment intent has paid its invoice.
pub(crate) fn paid_by(desk: &mut Desk<'_, '_>, invoice: Object, intent: &Object) -> Result<(), StripeError> {
    if invoice.status() != "open" && invoice.status() != "uncollectible" {
        return Ok(());
    }
    remember_method(desk, &invoice, intent)?;
    mark_paid(desk, invoice, Some(intent)).map(drop)
}

/// Keeps the card of a first payment as the subscription's own, where it was asked for.
fn remember_method(desk: &mut Desk<'_, '_>, invoice: &Object, intent: &Object) -> Result<(), StripeError> {
    let Some(subscription) = invoice.owned("_parent") else { return Ok(()) };
    let mut subscription = desk.get("subscription", &subscription)?;
    let wanted = subscription.text("payment_settings.save_default_payment_method") == Some("on_subscription");
    if wanted && subscription.at("default_payment_method").is_null() {
        subscription.set("default_payment_method", intent.at("payment_method").clone());
        desk.update(&subscription, "customer.subscription.updated")?;
    }
    Ok(())
}

/// Marks an invoice paid, by a payment or because nothing was due; without an intent and with money due it was paid
/// outside of Stripe.
pub(crate) fn mark_paid(
    desk: &mut Desk<'_, '_>,
    mut invoice: Object,
    intent: Option<&Object>,
) -> Result<Object, StripeError> {
    let due = invoice.amount("amount_due");
    invoice.set("status", "paid");
    invoice.set("attempted", true);
    invoice.set("amount_paid", due);
    invoice.set("amount_remaining", 0);
    invoice.set("next_payment_attempt", Value::Null);
    invoice.set("status_transitions.paid_at", desk.now);
    settle_payment(desk, &invoice, intent)?;
    desk.update(&invoice, "invoice.updated")?;
    desk.emit("invoice.paid", &invoice)?;
    desk.emit("invoice.payment_succeeded", &invoice)?;
    lifecycle::invoice_paid(desk, &invoice)?;
    Ok(invoice)
}

fn settle_payment(
    desk: &mut Desk<'_, '_>,
    invoice: &Object,
    intent: Option<&Object>,
) -> Result<(), StripeError> {
    for mut payment in desk.of_parent("invoice_payment", invoice.id())? {
        if payment.status() != "open" {
            continue;
        }
        match intent {
            Some(_) => {
                payment.set("status", "paid");
                payment.set("amount_paid", invoice.amount("amount_paid"));
                payment.set("status_transitions.paid_at", desk.now);
                desk.update_quietly(&payment)?;
                desk.emit("invoice_payment.paid", &payment)?;
            }
            None => cancel_payment(desk, payment)?,
        }
    }
    Ok(())
}

fn cancel_payment(desk: &mut Desk<'_, '_>, mut payment: Object) -> Result<(), StripeError> {
    payment.set("status", "canceled");
    payment.set("status_transitions.canceled_at", desk.now);
    desk.update_quietly(&payment)?;
    let intent = payment.owned("payment.payment_intent").unwrap_or_default();
    let intent = desk.get("payment_intent", &intent)?;
    if !matches!(intent.status(), "succeeded" | "canceled") {
        payment_intent::cancel(desk, intent, "void_invoice".into())?;
    }
    Ok(())
}

/// Voids an open invoice: it is owed no more.
pub(crate) fn void(desk: &mut Desk<'_, '_>, mut invoice: Object) -> Result<Object, StripeError> {
    settle_payment(desk, &invoice, None)?;
    invoice.set("status", "void");
    invoice.set("next_payment_attempt", Value::Null);
    invoice.set("status_transitions.voided_at", desk.now);
    desk.update_quietly(&invoice)?;
    desk.emit("invoice.voided", &invoice)?;
    lifecycle::invoice_voided(desk, &invoice)?;
    Ok(invoice)
}

/// Marks an open invoice as lost.
pub(crate) fn mark_uncollectible(
    desk: &mut Desk<'_, '_>,
    mut invoice: Object,
) -> Result<Object, StripeError> {
    invoice.set("status", "uncollectible");
    invoice.set("next_payment_attempt", Value::Null);
    invoice.set("status_transitions.marked_uncollectible_at", desk.now);
    desk.update_quietly(&invoice)?;
    desk.emit("invoice.marked_uncollectible", &invoice)?;
    lifecycle::invoice_voided(desk, &invoice)?;
    Ok(invoice)
}
