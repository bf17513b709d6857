//! Setup intents: a card kept for later.

use serde_json::{Value, json};

use super::payment_method::{attach, resolve};
use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get_with, list, post, retrieve, same};
use crate::billing::cards::{Card, Secure};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, flag, metadata, object, one_of, range, text, texts};
use crate::object::Object;

const AUTOMATIC: &[Field] = &[one_of("allow_redirects", &["always", "never"]), flag("enabled").required()];

const CREATE: &[Field] = &[
    object("automatic_payment_methods", AUTOMATIC),
    flag("confirm"),
    text("customer"),
    text("description"),
    metadata("metadata"),
    text("payment_method"),
    texts("payment_method_types"),
    text("return_url"),
    one_of("usage", &["off_session", "on_session"]),
];

const UPDATE: &[Field] = &[
    text("customer"),
    text("description"),
    metadata("metadata"),
    text("payment_method"),
    texts("payment_method_types"),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "setup_intent",
    operations: &[
        post("/v1/setup_intents", CREATE, create),
        get_with("/v1/setup_intents/{id}", &[text("client_secret")], retrieve),
        post("/v1/setup_intents/{id}", UPDATE, update),
        post("/v1/setup_intents/{id}/confirm", &[text("payment_method"), text("return_url")], confirm),
        post(
            "/v1/setup_intents/{id}/cancel",
            &[one_of("cancellation_reason", &["abandoned", "duplicate", "requested_by_customer"])],
            cancel,
        ),
        list("/v1/setup_intents", &[text("customer"), text("payment_method"), range("created")], list_all),
    ],
    filter: same,
};

/// Makes a setup intent that waits for a payment method.
pub(crate) fn shape(desk: &mut Desk<'_, '_>, customer: Option<&str>) -> Object {
    let id = desk.id("seti_1");
    let secret = format!("{id}_secret_{}", desk.mint.text(24));
    Object::new(json!({
        "id": id,
        "object": "setup_intent",
        "allowed_payment_method_types": null,
        "application": null,
        "automatic_payment_methods": null,
        "cancellation_reason": null,
        "client_secret": secret,
        "created": desk.now,
        "customer": customer,
        "customer_account": null,
        "description": null,
        "excluded_payment_method_types": null,
        "flow_directions": null,
        "last_setup_error": null,
        "latest_attempt": null,
        "livemode": false,
        "mandate": null,
        "metadata": {},
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": {"card": {
            "mandate_options": null, "network": null, "request_three_d_secure": "automatic",
        }},
        "payment_method_types": ["card"],
        "single_use_mandate": null,
        "status": "requires_payment_method",
        "usage": "off_session",
    }))
}

fn apply(desk: &mut Desk<'_, '_>, intent: &mut Object, params: &Params) -> Result<(), StripeError> {
    params.copy(intent, &["customer", "description", "payment_method_types", "usage"]);
    params.merge_metadata(intent);
    if params.has("return_url") {
        intent.set("_return_url", params.get("return_url").clone());
    }
    if let Some(customer) = params.text("customer") {
        desk.named("customer", customer, "customer")?;
    }
    if let Some(method) = params.text("payment_method") {
        let method = resolve(desk, method, "payment_method")?;
        intent.set("payment_method", method.id());
        intent.set("status", "requires_confirmation");
    }
    Ok(())
}

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let params = call.params.clone();
    if let Some(customer) = params.text("customer") {
        call.desk.named("customer", customer, "customer")?;
    }
    let mut intent = shape(&mut call.desk, None);
    apply(&mut call.desk, &mut intent, &params)?;
    call.desk.insert(&intent, "setup_intent.created")?;
    if params.flag("confirm") == Some(true) {
        confirm_with(&mut call.desk, &mut intent, false)?;
    }
    Ok(intent.into())
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut intent = call.target()?;
    check_open(&intent)?;
    let params = call.params.clone();
    apply(&mut call.desk, &mut intent, &params)?;
    call.desk.update_quietly(&intent)?;
    Ok(intent.into())
}

fn confirm(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut intent = call.target()?;
    check_open(&intent)?;
    let params = call.params.clone();
    apply(&mut call.desk, &mut intent, &params)?;
    confirm_with(&mut call.desk, &mut intent, false)?;
    Ok(intent.into())
}

fn check_open(intent: &Object) -> Result<(), StripeError> {
    if matches!(intent.status(), "succeeded" | "canceled") {
        let message =
            format!("This SetupIntent cannot be changed because it has a status of {}.", intent.status());
        return Err(StripeError::invalid(message).code("setup_intent_unexpected_state"));
    }
    Ok(())
}

/// Confirms a setup intent: the card is kept, asks for 3-D Secure, or is refused.
pub(crate) fn confirm_with(
    desk: &mut Desk<'_, '_>,
    intent: &mut Object,
    authenticated: bool,
) -> Result<(), StripeError> {
    let Some(method) = intent.owned("payment_method") else {
        let message = "You cannot confirm this SetupIntent because it's missing a payment method.";
        return Err(StripeError::invalid(message).code("setup_intent_unexpected_state"));
    };
    let mut method = desk.named("payment_method", &method, "payment_method")?;
    let card = Card::of_method(&method);
    if card.secure != Secure::No && !authenticated && !method.flag("_authenticated") {
        let url = desk.links.page(&format!("/challenge/{}", intent.id()));
        intent.set("status", "requires_action");
        intent.set(
            "next_action",
            json!({
                "type": "redirect_to_url",
                "redirect_to_url": {"url": url, "return_url": intent.at("_return_url")},
            }),
        );
        return desk.update(intent, "setup_intent.requires_action");
    }
    if let Some(refusal) = card.refusal().filter(|_| card.refused_early) {
        intent.set("status", "requires_payment_method");
        intent.set("payment_method", Value::Null);
        intent.set("last_setup_error", refusal.body()["error"].clone());
        desk.update(intent, "setup_intent.setup_failed")?;
        return Err(refusal.with("setup_intent", desk.shown(intent)));
    }
    method.set("_authenticated", authenticated || method.flag("_authenticated"));
    desk.update_quietly(&method)?;
    if let Some(customer) = intent.owned("customer") {
        attach(desk, method.id(), &customer)?;
    }
    intent.set("status", "succeeded");
    intent.set("next_action", Value::Null);
    intent.set("last_setup_error", Value::Null);
    desk.update(intent, "setup_intent.succeeded")?;
    if let Some(session) = intent.owned("_session") {
        let session = desk.get("checkout.session", &session)?;
        super::checkout_session::paid(desk, session)?;
    }
    if let Some(subscription) = intent.owned("_subscription") {
        crate::billing::lifecycle::set_up(desk, &subscription, method.id())?;
    }
    Ok(())
}

fn cancel(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut intent = call.target()?;
    check_open(&intent)?;
    intent.set("status", "canceled");
    intent.set("cancellation_reason", call.params.get("cancellation_reason").clone());
    call.desk.update(&intent, "setup_intent.canceled")?;
    Ok(intent.into())
}
