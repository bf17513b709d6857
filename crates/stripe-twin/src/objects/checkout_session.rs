//! Checkout sessions: a hosted page on which somebody subscribes, pays once, or leaves a card.

use serde_json::Value;

use super::price;
use crate::api::list::{list_all, page_of};
use crate::api::operation::{Call, Resource, get, list, post, retrieve, same};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, flag, int, metadata, object, objects, one_of, range, text, texts, time};
use crate::object::Object;

mod create;
mod submit;
mod totals;

pub(crate) use submit::{Entered, Next, abandon_authentication, submit};
pub(crate) use totals::with_code;

const ADJUSTABLE: &[Field] = &[flag("enabled").required(), int("maximum"), int("minimum")];
const LINE_ITEM: &[Field] = &[
    object("adjustable_quantity", ADJUSTABLE),
    metadata("metadata"),
    text("price"),
    object("price_data", price::INLINE),
    int("quantity"),
];
const GIVEN: &[Field] = &[text("coupon"), text("promotion_code")];
const SUBSCRIPTION_DATA: &[Field] = &[
    time("billing_cycle_anchor"),
    text("description"),
    metadata("metadata"),
    one_of("proration_behavior", &["create_prorations", "none"]),
    time("trial_end"),
    int("trial_period_days"),
    object("trial_settings", super::subscription::TRIAL_SETTINGS),
];
const PAYMENT_DATA: &[Field] = &[
    one_of("capture_method", &["automatic", "automatic_async", "manual"]),
    text("description"),
    metadata("metadata"),
    text("receipt_email"),
    one_of("setup_future_usage", &["off_session", "on_session"]),
];
const SETUP_DATA: &[Field] = &[text("description"), metadata("metadata")];
const TAX_IDS: &[Field] = &[flag("enabled").required(), one_of("required", &["if_supported", "never"])];
const CUSTOMER_UPDATE: &[Field] =
    &[one_of("address", &["auto", "never"]), one_of("name", &["auto", "never"])];

const CREATE: &[Field] = &[
    flag("allow_promotion_codes"),
    object("automatic_tax", super::shapes::AUTOMATIC_TAX),
    one_of("billing_address_collection", &["auto", "required"]),
    text("cancel_url"),
    text("client_reference_id"),
    text("currency"),
    text("customer"),
    one_of("customer_creation", &["always", "if_required"]),
    text("customer_email"),
    object("customer_update", CUSTOMER_UPDATE),
    objects("discounts", GIVEN),
    time("expires_at"),
    objects("line_items", LINE_ITEM),
    text("locale"),
    metadata("metadata"),
    one_of("mode", &["payment", "setup", "subscription"]).required(),
    object("payment_intent_data", PAYMENT_DATA),
    one_of("payment_method_collection", &["always", "if_required"]),
    texts("payment_method_types"),
    object("setup_intent_data", SETUP_DATA),
    one_of("submit_type", &["auto", "book", "donate", "pay", "subscribe"]),
    object("subscription_data", SUBSCRIPTION_DATA),
    text("success_url"),
    object("tax_id_collection", TAX_IDS),
    one_of("ui_mode", &["hosted_page"]),
];

const LIST: &[Field] = &[
    range("created"),
    text("customer"),
    text("payment_intent"),
    one_of("status", &["complete", "expired", "open"]),
    text("subscription"),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "checkout.session",
    operations: &[
        post("/v1/checkout/sessions", CREATE, create::create),
        get("/v1/checkout/sessions/{id}", retrieve),
        post("/v1/checkout/sessions/{id}", &[metadata("metadata")], update),
        post("/v1/checkout/sessions/{id}/expire", &[], |call| {
            let session = call.target()?;
            if session.status() != "open" {
                let message = format!(
                    "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {}.",
                    session.status()
                );
                return Err(StripeError::invalid(message));
            }
            expire(&mut call.desk, session).map(Value::from)
        }),
        list("/v1/checkout/sessions/{id}/line_items", &[], |call| {
            let session = call.target()?;
            page_of(call, session.list("line_items.data"))
        }),
        list("/v1/checkout/sessions", LIST, list_all),
    ],
    filter: same,
};

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut session = call.target()?;
    call.params.merge_metadata(&mut session);
    call.desk.update_quietly(&session)?;
    Ok(session.into())
}

/// Ends a session that nobody finished.
pub(crate) fn expire(desk: &mut Desk<'_, '_>, mut session: Object) -> Result<Object, StripeError> {
    if session.status() != "open" {
        return Ok(session);
    }
    submit::drop_pending(desk, &mut session)?;
    session.set("status", "expired");
    session.set("url", Value::Null);
    desk.update_quietly(&session)?;
    desk.emit("checkout.session.expired", &session)?;
    Ok(session)
}

/// Completes a session once what it was for has been paid or set up.
pub(crate) fn paid(desk: &mut Desk<'_, '_>, mut session: Object) -> Result<(), StripeError> {
    if session.status() != "open" {
        return Ok(());
    }
    let due = session.amount("amount_total") > 0 && session.text("mode") != Some("setup");
    session.set("status", "complete");
    session.set("payment_status", if due { "paid" } else { "no_payment_required" });
    session.set("url", Value::Null);
    session.remove("_error");
    submit::keep_method(desk, &session)?;
    desk.update_quietly(&session)?;
    desk.emit("checkout.session.completed", &session)
}

/// Returns the discounts of a session in the form in which subscriptions take them.
pub(crate) fn given_discounts(session: &Object) -> Vec<Value> {
    session.list("_discounts").to_vec()
}
