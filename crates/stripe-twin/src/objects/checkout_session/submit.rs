//! Somebody fills the page in.

use serde_json::{Value, json};

use super::{given_discounts, paid};
use crate::billing::payment::{self, Presence};
use crate::billing::{collection, lifecycle};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::Params;
use crate::object::Object;
use crate::objects::{customer, payment_intent, payment_method, setup_intent, subscription, tax_id};

/// What was typed on the page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entered {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) expiry: (i64, i64),
    pub(crate) country: String,
    pub(crate) postal_code: String,
    pub(crate) tax_id: Option<(String, String)>,
}

/// Where the browser goes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is done.
    Done,
    /// The bank wants to see the customer.
    Challenge(String),
}

/// Pays, subscribes or keeps the card.
///
/// # Errors
/// What the card says; the session stays open.
pub(crate) fn submit(desk: &mut Desk<'_, '_>, id: &str, typed: &Entered) -> Result<Next, StripeError> {
    let mut session = desk.get("checkout.session", id)?;
    if session.status() != "open" || session.amount("expires_at") <= desk.now {
        return Err(StripeError::invalid(
            "This page is no longer open: it was finished already, or has expired.",
        ));
    }
    drop_pending(desk, &mut session)?;
    let needs_card = session.amount("amount_total") > 0
        || session.text("mode") == Some("setup")
        || session.text("payment_method_collection") == Some("always");
    let billing = Params::of(&json!({
        "email": typed.email, "name": typed.name,
        "address": {"country": typed.country, "postal_code": typed.postal_code},
    }));
    let method = if needs_card {
        Some(payment_method::of_card(desk, &typed.number, typed.expiry, &billing)?)
    } else {
        None
    };
    note_customer(desk, &mut session, typed)?;
    match session.text("mode") {
        Some("subscription") => subscribe(desk, session, method),
        Some("payment") => pay_once(desk, session, method),
        _ => set_up(desk, &session, method.as_ref()),
    }
}

/// Notes who is paying, and makes the customer where the session needs one.
fn note_customer(desk: &mut Desk<'_, '_>, session: &mut Object, typed: &Entered) -> Result<(), StripeError> {
    let needs_customer = session.text("mode") != Some("payment")
        || session.text("customer_creation") == Some("always")
        || session.text("_payment_intent_data.setup_future_usage").is_some();
    if session.text("customer").is_none() && needs_customer {
        let params = Params::default().with("email", typed.email.clone()).with("name", typed.name.clone());
        let made = customer::create(desk, &params)?;
        session.set("customer", made.id());
        if let Some(intent) = session.owned("setup_intent") {
            let mut intent = desk.get("setup_intent", &intent)?;
            intent.set("customer", made.id());
            desk.update_quietly(&intent)?;
        }
    }
    if let (Some((kind, value)), Some(owner)) = (&typed.tax_id, session.owned("customer")) {
        tax_id::add(desk, &owner, kind, value)?;
    }
    update_customer(desk, session, typed)?;
    let tax_ids: Vec<Value> =
        typed.tax_id.iter().map(|(kind, value)| json!({"type": kind, "value": value})).collect();
    session.set("customer_details", json!({
        "address": {
            "city": null, "country": typed.country, "line1": null, "line2": null,
            "postal_code": typed.postal_code, "state": null,
        },
        "business_name": null, "email": typed.email, "individual_name": null, "name": typed.name, "phone": null,
        "tax_exempt": "none", "tax_ids": tax_ids,
    }));
    desk.update_quietly(session)
}

/// Writes name and address of the page to the customer, where `customer_update` asks for it.
fn update_customer(desk: &mut Desk<'_, '_>, session: &Object, typed: &Entered) -> Result<(), StripeError> {
    let asked = |name: &str| session.text(&format!("_customer_update.{name}")) == Some("auto");
    let Some(customer) = session.text("customer").filter(|_| asked("name") || asked("address")) else {
        return Ok(());
    };
    let mut customer = desk.get("customer", customer)?;
    if asked("name") {
        customer.set("name", typed.name.clone());
    }
    if asked("address") {
        customer.set(
            "address",
            json!({
                "city": null, "country": typed.country, "line1": null, "line2": null,
                "postal_code": typed.postal_code, "state": null,
            }),
        );
    }
    desk.update(&customer, "customer.updated")
}

/// Subscribes. A refused card undoes the subscription; one that asks for 3-D Secure keeps it waiting.
fn subscribe(desk: &mut Desk<'_, '_>, session: Object, method: Option<Object>) -> Result<Next, StripeError> {
    let id = session.id().to_owned();
    desk.attempt(|desk| {
        let made = subscription::create::create(desk, &subscription_of(&session))?;
        let mut session = session;
        session.set("subscription", made.id());
        session.set("invoice", made.at("latest_invoice").clone());
        session.set("_method", method.as_ref().map(|method| method.id().to_owned()));
        desk.update_quietly(&session)?;
        let invoice = desk.get("invoice", made.text("latest_invoice").unwrap_or_default())?;
        let Some(method) = method else { return paid(desk, session).map(|()| Next::Done) };
        if invoice.status() == "paid" {
            return keep_card(desk, &session, &method);
        }
        let intent = invoice.owned("_payment_intent").unwrap_or_default();
        let mut intent = desk.get("payment_intent", &intent)?;
        intent.set("_session", session.id());
        desk.update_quietly(&intent)?;
        match collection::collect(desk, invoice, Presence::OnSession, Some(method.id()))? {
            collection::Outcome::Paid => Ok(Next::Done),
            collection::Outcome::NeedsAction => Ok(Next::Challenge(intent.id().to_owned())),
            collection::Outcome::Failed(error) => Err(error),
        }
    })
    .inspect_err(|error| tracing::debug!(session = id, %error, "a checkout was refused"))
}

/// Nothing is due today, so the card is only set up.
fn keep_card(desk: &mut Desk<'_, '_>, session: &Object, method: &Object) -> Result<Next, StripeError> {
    let mut intent = setup_intent::shape(desk, session.text("customer"));
    intent.set("_session", session.id());
    intent.set("payment_method", method.id());
    desk.insert(&intent, "setup_intent.created")?;
    setup_intent::confirm_with(desk, &mut intent, false)?;
    Ok(next_of(&intent))
}

fn next_of(intent: &Object) -> Next {
    if intent.status() == "requires_action" { Next::Challenge(intent.id().to_owned()) } else { Next::Done }
}

/// Writes the session as the call that makes its subscription.
fn subscription_of(session: &Object) -> Params {
    let data = Params::of(session.at("_subscription_data"));
    let recurring = |item: &&Value| item["price"]["recurring"].is_object();
    let items = session.list("line_items.data").iter().filter(recurring).map(|item| {
        let mut line = json!({"_price": item["price"]["id"], "metadata": item["metadata"]});
        if item["quantity"].is_i64() {
            line["quantity"] = item["quantity"].clone();
        }
        line
    });
    let items: Vec<Value> = items.collect();
    let extra = session.list("line_items.data").iter().filter(|item| !item["price"]["recurring"].is_object());
    let extra: Vec<Value> =
        extra.map(|item| json!({"price": item["price"]["id"], "quantity": item["quantity"]})).collect();
    data.with("customer", session.at("customer").clone())
        .with("items", items)
        .with("_add_invoice_items", extra)
        .with("discounts", given_discounts(session))
        .with("payment_behavior", "default_incomplete")
        .with("payment_settings", json!({"save_default_payment_method": "off"}))
}

fn pay_once(
    desk: &mut Desk<'_, '_>,
    mut session: Object,
    method: Option<Object>,
) -> Result<Next, StripeError> {
    let Some(mut method) = method else { return paid(desk, session).map(|()| Next::Done) };
    let data = Params::of(session.at("_payment_intent_data"));
    let mut intent = if let Some(intent) = session.owned("payment_intent") {
        desk.get("payment_intent", &intent)?
    } else {
        let (due, currency) = (session.amount("amount_total"), session.owned("currency").unwrap_or_default());
        let mut intent = payment_intent::shape(desk, due, &currency, session.text("customer"));
        data.copy(&mut intent, &["capture_method", "description", "receipt_email", "setup_future_usage"]);
        data.merge_metadata(&mut intent);
        intent.set("_session", session.id());
        desk.insert(&intent, "payment_intent.created")?;
        session.set("payment_intent", intent.id());
        desk.update_quietly(&session)?;
        intent
    };
    intent.set("amount", session.at("amount_total").clone());
    intent.set("customer", session.at("customer").clone());
    payment::confirm(desk, &mut intent, &mut method, Presence::OnSession)?;
    Ok(next_of(&intent))
}

fn set_up(desk: &mut Desk<'_, '_>, session: &Object, method: Option<&Object>) -> Result<Next, StripeError> {
    let intent = session.owned("setup_intent").unwrap_or_default();
    let mut intent = desk.get("setup_intent", &intent)?;
    intent.set("payment_method", method.map(|method| method.id().to_owned()));
    setup_intent::confirm_with(desk, &mut intent, false)?;
    Ok(next_of(&intent))
}

/// Makes the card of a finished session the subscription's own.
pub(super) fn keep_method(desk: &mut Desk<'_, '_>, session: &Object) -> Result<(), StripeError> {
    let (Some(id), Some(method)) = (session.owned("subscription"), session.owned("_method")) else {
        return Ok(());
    };
    let mut made = desk.get("subscription", &id)?;
    if made.at("default_payment_method").is_null() {
        made.set("default_payment_method", method);
        desk.update(&made, "customer.subscription.updated")?;
    }
    Ok(())
}

/// Ends the subscription of an earlier try that was left waiting for 3-D Secure.
pub(super) fn drop_pending(desk: &mut Desk<'_, '_>, session: &mut Object) -> Result<(), StripeError> {
    let Some(id) = session.owned("subscription") else { return Ok(()) };
    let pending = desk.get("subscription", &id)?;
    let invoice = pending.owned("latest_invoice");
    let never_paid = pending.status() == "incomplete";
    lifecycle::end(
        desk,
        pending,
        if never_paid { "incomplete_expired" } else { "canceled" },
        "payment_failed",
    )?;
    if let Some(invoice) = invoice {
        let invoice = desk.get("invoice", &invoice)?;
        if invoice.status() == "open" {
            collection::void(desk, invoice)?;
        }
    }
    for name in ["subscription", "invoice", "_method"] {
        session.set(name, Value::Null);
    }
    desk.update_quietly(session)
}

/// Notes that somebody failed to authenticate: the session stays open for another card.
pub(crate) fn abandon_authentication(desk: &mut Desk<'_, '_>, session: &str) -> Result<(), StripeError> {
    let mut session = desk.get("checkout.session", session)?;
    if session.status() == "open" {
        drop_pending(desk, &mut session)?;
    }
    Ok(())
}
