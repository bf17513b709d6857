//! Payment intents: one payment, from the wish to the money.

use serde_json::{Value, json};

use super::payment_method::resolve;
use super::shapes::SHIPPING;
use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get_with, list, post, retrieve, same};
use crate::api::search::{SEARCH, search};
use crate::billing::payment::{self, Presence};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, flag, int, metadata, object, one_of, range, text, texts};
use crate::object::Object;

const AUTOMATIC: &[Field] = &[one_of("allow_redirects", &["always", "never"]), flag("enabled").required()];

const CREATE: &[Field] = &[
    int("amount").required(),
    object("automatic_payment_methods", AUTOMATIC),
    one_of("capture_method", &["automatic", "automatic_async", "manual"]),
    flag("confirm"),
    one_of("confirmation_method", &["automatic", "manual"]),
    text("currency").required(),
    text("customer"),
    text("description"),
    flag("error_on_requires_action"),
    metadata("metadata"),
    flag("off_session"),
    text("payment_method"),
    texts("payment_method_types"),
    text("receipt_email"),
    text("return_url"),
    one_of("setup_future_usage", &["off_session", "on_session"]),
    object("shipping", SHIPPING),
    text("statement_descriptor"),
    text("statement_descriptor_suffix"),
    text("transfer_group"),
];

const UPDATE: &[Field] = &[
    int("amount"),
    text("currency"),
    text("customer"),
    text("description"),
    metadata("metadata"),
    text("payment_method"),
    text("receipt_email"),
    one_of("setup_future_usage", &["off_session", "on_session"]),
    object("shipping", SHIPPING),
];

const CONFIRM: &[Field] = &[
    flag("error_on_requires_action"),
    flag("off_session"),
    text("payment_method"),
    text("receipt_email"),
    text("return_url"),
    one_of("setup_future_usage", &["off_session", "on_session"]),
];

const REASONS: &[&str] = &["abandoned", "duplicate", "fraudulent", "requested_by_customer"];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "payment_intent",
    operations: &[
        post("/v1/payment_intents", CREATE, create),
        get_with("/v1/payment_intents/search", SEARCH, search),
        get_with("/v1/payment_intents/{id}", &[text("client_secret")], retrieve),
        post("/v1/payment_intents/{id}", UPDATE, update),
        post("/v1/payment_intents/{id}/confirm", CONFIRM, confirm),
        post("/v1/payment_intents/{id}/capture", &[int("amount_to_capture")], capture),
        post("/v1/payment_intents/{id}/cancel", &[one_of("cancellation_reason", REASONS)], |call| {
            let (intent, reason) = (call.target()?, call.params.get("cancellation_reason").clone());
            cancel(&mut call.desk, intent, reason).map(Value::from)
        }),
        list("/v1/payment_intents", &[text("customer"), range("created")], list_all),
    ],
    filter: same,
};

/// Makes a payment intent that waits for a payment method.
pub(crate) fn shape(desk: &mut Desk<'_, '_>, amount: i64, currency: &str, customer: Option<&str>) -> Object {
    let id = desk.id("pi_3");
    let secret = format!("{id}_secret_{}", desk.mint.text(24));
    Object::new(json!({
        "id": id,
        "object": "payment_intent",
        "allowed_payment_method_types": null,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": null,
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": "automatic",
        "client_secret": secret,
        "confirmation_method": "automatic",
        "created": desk.now,
        "currency": currency,
        "customer": customer,
        "customer_account": null,
        "description": null,
        "excluded_payment_method_types": null,
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "managed_payments": null,
        "metadata": {},
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": {"card": {
            "installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic",
        }},
        "payment_method_types": ["card"],
        "payment_record": null,
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": "requires_payment_method",
        "transfer_data": null,
        "transfer_group": null,
    }))
}

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let params = call.params.clone();
    if let Some(customer) = params.text("customer") {
        call.desk.named("customer", customer, "customer")?;
    }
    let amount = checked_amount(params.int("amount"))?;
    let currency = params.need("currency")?.to_lowercase();
    let mut intent = shape(&mut call.desk, amount, &currency, params.text("customer"));
    apply(&mut call.desk, &mut intent, &params)?;
    if let Some(automatic) = params.object("automatic_payment_methods") {
        let allow = automatic.text("allow_redirects").unwrap_or("always");
        intent.set(
            "automatic_payment_methods",
            json!({"allow_redirects": allow, "enabled": automatic.get("enabled")}),
        );
    }
    call.desk.insert(&intent, "payment_intent.created")?;
    if params.flag("confirm") == Some(true) {
        return confirm_with(&mut call.desk, intent, &params).map(Value::from);
    }
    Ok(intent.into())
}

fn checked_amount(amount: Option<i64>) -> Result<i64, StripeError> {
    let refuse = |message: &str, code| Err(StripeError::invalid(message).code(code).param("amount"));
    match amount {
        Some(amount) if amount < 1 => {
            refuse("This value must be greater than or equal to 1.", "parameter_invalid_integer")
        }
        Some(amount) if amount > 99_999_999 => {
            refuse("Amount must be no more than 999,999.99.", "amount_too_large")
        }
        Some(amount) => Ok(amount),
        None => Ok(0),
    }
}

fn apply(desk: &mut Desk<'_, '_>, intent: &mut Object, params: &Params) -> Result<(), StripeError> {
    let plain = [
        "amount",
        "capture_method",
        "confirmation_method",
        "customer",
        "description",
        "payment_method_types",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    ];
    params.copy(intent, &plain);
    params.merge_metadata(intent);
    if params.has("return_url") {
        intent.set("_return_url", params.get("return_url").clone());
    }
    if let Some(method) = params.text("payment_method") {
        let method = resolve(desk, method, "payment_method")?;
        intent.set("payment_method", method.id());
        if intent.status() == "requires_payment_method" {
            intent.set("status", "requires_confirmation");
        }
    }
    Ok(())
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut intent = call.target()?;
    if matches!(intent.status(), "succeeded" | "canceled" | "requires_capture") {
        return Err(unexpected(&intent, "update"));
    }
    checked_amount(call.params.int("amount"))?;
    let params = call.params.clone();
    apply(&mut call.desk, &mut intent, &params)?;
    call.desk.update_quietly(&intent)?;
    Ok(intent.into())
}

fn unexpected(intent: &Object, verb: &str) -> StripeError {
    let status = intent.status();
    StripeError::invalid(format!("You cannot {verb} this PaymentIntent because it has a status of {status}."))
        .code("payment_intent_unexpected_state")
        .with("payment_intent", intent.document().clone())
}

fn confirm(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut intent = call.target()?;
    let params = call.params.clone();
    if matches!(intent.status(), "succeeded" | "canceled" | "requires_capture") {
        return Err(unexpected(&intent, "confirm"));
    }
    apply(&mut call.desk, &mut intent, &params)?;
    confirm_with(&mut call.desk, intent, &params).map(Value::from)
}

fn confirm_with(desk: &mut Desk<'_, '_>, mut intent: Object, params: &Params) -> Result<Object, StripeError> {
    let Some(method) = intent.owned("payment_method") else {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(StripeError::invalid(message).code("payment_intent_unexpected_state"));
    };
    let mut method = desk.named("payment_method", &method, "payment_method")?;
    let off_session = params.flag("off_session") == Some(true);
    let presence = if off_session { Presence::OffSession } else { Presence::OnSession };
    payment::confirm(desk, &mut intent, &mut method, presence)?;
    let asked = intent.status() == "requires_action" && params.flag("error_on_requires_action") == Some(true);
    if asked {
        let message = "This PaymentIntent requires authentication, which error_on_requires_action forbids.";
        return Err(StripeError::card(message, "authentication_required", Some("authentication_required")));
    }
    desk.get("payment_intent", intent.id())
}

fn capture(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut intent = call.target()?;
    if intent.status() != "requires_capture" {
        return Err(unexpected(&intent, "capture"));
    }
    let capturable = intent.amount("amount_capturable");
    let amount = call.params.int("amount_to_capture").unwrap_or(capturable);
    if !(1..=capturable).contains(&amount) {
        let message = "The amount to capture lies between 1 and the capturable amount.";
        return Err(StripeError::invalid(message).code("amount_too_large").param("amount_to_capture"));
    }
    let charge = intent.owned("latest_charge").unwrap_or_default();
    super::charge::capture(&mut call.desk, &charge, amount)?;
    intent.set("status", "succeeded");
    intent.set("amount_capturable", 0);
    intent.set("amount_received", amount);
    call.desk.update(&intent, "payment_intent.succeeded")?;
    payment::settle(&mut call.desk, &intent)?;
    Ok(intent.into())
}

/// Cancels a payment intent that has no money yet.
pub(crate) fn cancel(
    desk: &mut Desk<'_, '_>,
    mut intent: Object,
    reason: Value,
) -> Result<Object, StripeError> {
    if matches!(intent.status(), "succeeded" | "canceled") {
        return Err(unexpected(&intent, "cancel"));
    }
    intent.set("status", "canceled");
    intent.set("canceled_at", desk.now);
    intent.set("cancellation_reason", reason);
    intent.set("amount_capturable", 0);
    intent.set("next_action", Value::Null);
    desk.update(&intent, "payment_intent.canceled")?;
    Ok(intent)
}
