//! What a card answers: the one function that charges, and what follows from it.

use serde_json::{Value, json};

use super::cards::{Card, Secure};
use super::collection;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;
use crate::objects::{charge, checkout_session, payment_method};

/// How a payment is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// The customer is there and can authenticate.
    OnSession,
    /// The customer is away.
    OffSession,
    /// The customer is there and has just authenticated.
    Authenticated,
}

/// Confirms a payment intent with a payment method: charges, asks for 3-D Secure, or is refused.
///
/// # Errors
/// What the card says; the intent then stands at `requires_payment_method`, and that stays.
pub(crate) fn confirm(
    desk: &mut Desk<'_, '_>,
    intent: &mut Object,
    method: &mut Object,
    presence: Presence,
) -> Result<(), StripeError> {
    check_method(intent, method)?;
    let card = Card::of_method(method);
    intent.set("payment_method", method.id());
    let set_up = method.flag("_authenticated");
    let asks = match card.secure {
        Secure::No => false,
        Secure::UntilSetUp => !set_up,
        Secure::Always => true,
    };
    if asks && presence != Presence::Authenticated {
        return ask_for_authentication(desk, intent, presence);
    }
    if presence == Presence::Authenticated && !set_up {
        method.set("_authenticated", true);
        desk.update_quietly(method)?;
    }
    match card.refusal() {
        Some(refusal) => Err(refuse(desk, intent, method, refusal)?),
        None => succeed(desk, intent, method, card),
    }
}

fn check_method(intent: &Object, method: &Object) -> Result<(), StripeError> {
    let (payer, owner) = (intent.text("customer"), method.text("customer"));
    if method.flag("_detached") {
        let message = "This PaymentMethod was previously used or was detached from a Customer, and may not be used again.";
        return Err(StripeError::invalid(message).code("payment_method_unexpected_state"));
    }
    if owner.is_some() && owner != payer {
        let message = format!(
            "The provided PaymentMethod was attached to another Customer. To use it you must supply its Customer: {}",
            method.id()
        );
        return Err(StripeError::invalid(message).param("payment_method"));
    }
    Ok(())
}

/// Asks the customer to authenticate, or fails where nobody is there.
fn ask_for_authentication(
    desk: &mut Desk<'_, '_>,
    intent: &mut Object,
    presence: Presence,
) -> Result<(), StripeError> {
    if presence == Presence::OffSession {
        let message = "Your card was declined. This transaction requires authentication.";
        let refusal = StripeError::card(message, "authentication_required", Some("authentication_required"));
        intent.set("status", "requires_payment_method");
        intent.set("last_payment_error", refusal.body()["error"].clone());
        desk.update(intent, "payment_intent.payment_failed")?;
        return Err(refusal.with("payment_intent", desk.shown(intent)));
    }
    let url = desk.links.page(&format!("/challenge/{}", intent.id()));
    intent.set("status", "requires_action");
    intent.set(
        "next_action",
        json!({
            "type": "redirect_to_url",
            "redirect_to_url": {"url": url, "return_url": intent.at("_return_url")},
        }),
    );
    desk.update(intent, "payment_intent.requires_action")
}

fn refuse(
    desk: &mut Desk<'_, '_>,
    intent: &mut Object,
    method: &Object,
    refusal: StripeError,
) -> Result<StripeError, StripeError> {
    let error = refusal.body()["error"].clone();
    let charge = charge::failed(desk, intent, method, &error)?;
    let mut error = error;
    error["charge"] = charge.id().into();
    error["payment_method"] = desk.shown(method);
    intent.set("status", "requires_payment_method");
    intent.set("latest_charge", charge.id());
    intent.set("payment_method", Value::Null);
    intent.set("next_action", Value::Null);
    intent.set("last_payment_error", error);
    desk.update(intent, "payment_intent.payment_failed")?;
    Ok(refusal.with("charge", charge.id()).with("payment_intent", desk.shown(intent)))
}

fn succeed(
    desk: &mut Desk<'_, '_>,
    intent: &mut Object,
    method: &mut Object,
    card: &Card,
) -> Result<(), StripeError> {
    let kept = intent.text("setup_future_usage").is_some() && method.text("customer").is_none();
    if let Some(customer) = intent.owned("customer").filter(|_| kept) {
        *method = payment_method::attach(desk, method.id(), &customer)?;
    }
    let manual = intent.text("capture_method") == Some("manual");
    let charge = charge::succeeded(desk, intent, method, !manual)?;
    let amount = intent.amount("amount");
    intent.set("latest_charge", charge.id());
    intent.set("last_payment_error", Value::Null);
    intent.set("next_action", Value::Null);
    if manual {
        intent.set("status", "requires_capture");
        intent.set("amount_capturable", amount);
        return desk.update(intent, "payment_intent.amount_capturable_updated");
    }
    intent.set("status", "succeeded");
    intent.set("amount_received", amount);
    desk.update(intent, "payment_intent.succeeded")?;
    if let Some(reason) = card.disputed {
        crate::objects::dispute::open(desk, &charge, reason)?;
    }
    settle(desk, intent)
}

/// Passes the news of a payment on to what it was for.
pub(crate) fn settle(desk: &mut Desk<'_, '_>, intent: &Object) -> Result<(), StripeError> {
    if let Some(invoice) = intent.owned("_invoice") {
        let invoice = desk.get("invoice", &invoice)?;
        collection::paid_by(desk, invoice, intent)?;
    }
    if let Some(session) = intent.owned("_session") {
        let session = desk.get("checkout.session", &session)?;
        checkout_session::paid(desk, session)?;
    }
    Ok(())
}
