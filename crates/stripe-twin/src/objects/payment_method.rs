//! Payment methods: test cards, attached to customers.

use serde_json::{Value, json};

use super::shapes::{ADDRESS, BILLING_DETAILS};
use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get, list, post, same};
use crate::billing::cards::{self, Card};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, int, metadata, missing, object, one_of, text};
use crate::object::Object;

const CARD: &[Field] = &[text("number"), int("exp_month"), int("exp_year"), text("cvc"), text("token")];
const CARD_UPDATE: &[Field] = &[int("exp_month"), int("exp_year")];
const TYPES: &[&str] = &["card"];

const CREATE: &[Field] = &[
    one_of("allow_redisplay", &["always", "limited", "unspecified"]),
    object("billing_details", BILLING_DETAILS),
    object("card", CARD),
    metadata("metadata"),
    one_of("type", TYPES).required(),
];

const UPDATE: &[Field] = &[
    one_of("allow_redisplay", &["always", "limited", "unspecified"]),
    object("billing_details", BILLING_DETAILS),
    object("card", CARD_UPDATE),
    metadata("metadata"),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "payment_method",
    operations: &[
        post("/v1/payment_methods", CREATE, create),
        get("/v1/payment_methods/{id}", |call| {
            let id = call.id().to_owned();
            resolve(&mut call.desk, &id, "payment_method").map(Value::from)
        }),
        post("/v1/payment_methods/{id}", UPDATE, update),
        post("/v1/payment_methods/{id}/attach", &[text("customer").required()], |call| {
            let (id, customer) = (call.id().to_owned(), call.params.need("customer")?.to_owned());
            call.desk.named("customer", &customer, "customer")?;
            attach(&mut call.desk, &id, &customer).map(Value::from)
        }),
        post("/v1/payment_methods/{id}/detach", &[], detach),
        list("/v1/payment_methods", &[text("customer"), one_of("type", TYPES)], list_all),
    ],
    filter: same,
};

fn shape(desk: &mut Desk<'_, '_>, card: &Card, expiry: (i64, i64), billing: &Params) -> Object {
    let address = billing.object("address").unwrap_or_default();
    let address: Value =
        ADDRESS.iter().map(|field| (field.name.to_owned(), address.get(field.name).clone())).collect();
    let id = desk.id("pm_1");
    Object::new(json!({
        "id": id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": address,
            "email": billing.get("email"),
            "name": billing.get("name"),
            "phone": billing.get("phone"),
            "tax_id": null,
        },
        "card": card.shape(expiry.0, expiry.1),
        "created": desk.now,
        "customer": null,
        "customer_account": null,
        "livemode": false,
        "metadata": {},
        "type": "card",
        "_number": card.number,
        "_authenticated": false,
    }))
}

/// Makes a payment method of a typed card number, as the hosted pages and `POST /v1/payment_methods` do.
pub(crate) fn of_card(
    desk: &mut Desk<'_, '_>,
    number: &str,
    expiry: (i64, i64),
    billing: &Params,
) -> Result<Object, StripeError> {
    let card = cards::by_number(number)?;
    let (month, year) = (expiry.0, if expiry.1 < 100 { expiry.1 + 2000 } else { expiry.1 });
    if !(1..=12).contains(&month) {
        let message = "Your card's expiration month is invalid.";
        return Err(StripeError::card(message, "invalid_expiry_month", None).param("exp_month"));
    }
    let this_month = months(desk.now);
    if year * 12 + month - 1 < this_month || year > 2100 {
        let message = "Your card's expiration year is invalid.";
        return Err(StripeError::card(message, "invalid_expiry_year", None).param("exp_year"));
    }
    let method = shape(desk, card, (month, year), billing);
    desk.insert_quietly(&method)?;
    Ok(method)
}

/// Counts months since year 0.
fn months(now: i64) -> i64 {
    let moment = jiff::Timestamp::from_second(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let date = moment.to_zoned(jiff::tz::TimeZone::UTC);
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let billing = call.params.object("billing_details").unwrap_or_default();
    let card = call.params.object("card").ok_or_else(|| missing("card"))?;
    let mut method = if let Some(token) = card.text("token") {
        of_name(&mut call.desk, token, "card[token]")?
    } else {
        let expiry = (card.int("exp_month"), card.int("exp_year"));
        let (Some(month), Some(year)) = expiry else { return Err(missing("card[exp_month]")) };
        of_card(&mut call.desk, card.need("number")?, (month, year), &billing)?
    };
    call.params.copy(&mut method, &["allow_redisplay"]);
    call.params.merge_metadata(&mut method);
    call.desk.update_quietly(&method)?;
    Ok(method.into())
}

/// Makes a payment method of a ready-made one, `pm_card_visa` or `tok_visa`.
fn of_name(desk: &mut Desk<'_, '_>, name: &str, param: &str) -> Result<Object, StripeError> {
    let missing = || StripeError::missing("payment_method", name).param(param).bad_request();
    let card = cards::by_name(name).ok_or_else(missing)?;
    let year = months(desk.now) / 12 + 4;
    let method = shape(desk, card, (8, year), &Params::default());
    desk.insert_quietly(&method)?;
    Ok(method)
}

/// Finds a payment method; a ready-made name makes a new one.
pub(crate) fn resolve(desk: &mut Desk<'_, '_>, id: &str, param: &str) -> Result<Object, StripeError> {
    if id.starts_with("pm_card_") || id.starts_with("tok_") {
        return of_name(desk, id, param);
    }
    desk.named("payment_method", id, param)
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut method = call.target()?;
    call.params.copy(&mut method, &["allow_redisplay"]);
    if let Some(card) = call.params.object("card") {
        for name in ["exp_month", "exp_year"].iter().filter(|name| card.has(name)) {
            method.set(&format!("card.{name}"), card.get(name).clone());
        }
    }
    if let Some(billing) = call.params.object("billing_details") {
        for name in billing.names() {
            method.set(&format!("billing_details.{name}"), billing.get(name).clone());
        }
    }
    call.params.merge_metadata(&mut method);
    call.desk.update(&method, "payment_method.updated")?;
    Ok(method.into())
}

/// Attaches a payment method to a customer. A card that is always declined is refused here already.
pub(crate) fn attach(desk: &mut Desk<'_, '_>, id: &str, customer: &str) -> Result<Object, StripeError> {
    let mut method = resolve(desk, id, "payment_method")?;
    match method.text("customer") {
        Some(owner) if owner == customer => return Ok(method),
        Some(_) => {
            let message = "The payment method you provided has already been attached to a customer.";
            return Err(StripeError::invalid(message).code("payment_method_already_attached"));
        }
        None => {}
    }
    let card = Card::of_method(&method);
    if let Some(refusal) = card.refusal().filter(|_| card.refused_early) {
        return Err(refusal);
    }
    method.set("customer", customer);
    desk.update_quietly(&method)?;
    desk.emit("payment_method.attached", &method)?;
    Ok(method)
}

/// Detaches a payment method; it can never be used again.
fn detach(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let method = call.target()?;
    detach_from_customer(&mut call.desk, method).map(Value::from)
}

/// Detaches a payment method and forgets it as a default.
pub(crate) fn detach_from_customer(
    desk: &mut Desk<'_, '_>,
    mut method: Object,
) -> Result<Object, StripeError> {
    let Some(owner) = method.owned("customer") else {
        return Err(StripeError::invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
        ));
    };
    let mut customer = desk.get("customer", &owner)?;
    if customer.text("invoice_settings.default_payment_method") == Some(method.id()) {
        customer.set("invoice_settings.default_payment_method", Value::Null);
        desk.update(&customer, "customer.updated")?;
    }
    for mut subscription in desk.of_customer("subscription", &owner)? {
        if subscription.text("default_payment_method") == Some(method.id()) {
            subscription.set("default_payment_method", Value::Null);
            desk.update(&subscription, "customer.subscription.updated")?;
        }
    }
    method.set("customer", Value::Null);
    method.set("_detached", true);
    desk.update(&method, "payment_method.detached")?;
    Ok(method)
}
