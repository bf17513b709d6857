//! Customers: who is billed.

use serde_json::{Value, json};

use super::shapes::{ADDRESS, SHIPPING};
use crate::api::list::{list_all, list_narrowed};
use crate::api::operation::{Call, Resource, delete, get, get_with, list, post, retrieve, same};
use crate::api::search::{SEARCH, search};
use crate::billing::{balance, lifecycle};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, int, metadata, object, one_of, range, text, texts};
use crate::object::Object;
use crate::store::objects::Listed;

const INVOICE_SETTINGS: &[Field] = &[text("default_payment_method"), text("footer")];

const CREATE: &[Field] = &[
    object("address", ADDRESS),
    int("balance"),
    text("description"),
    text("email"),
    text("invoice_prefix"),
    object("invoice_settings", INVOICE_SETTINGS),
    metadata("metadata"),
    text("name"),
    int("next_invoice_sequence"),
    text("payment_method"),
    text("phone"),
    texts("preferred_locales"),
    object("shipping", SHIPPING),
    one_of("tax_exempt", &["none", "exempt", "reverse"]),
    text("test_clock"),
];

const UPDATE: &[Field] = &[
    object("address", ADDRESS),
    int("balance"),
    text("description"),
    text("email"),
    text("invoice_prefix"),
    object("invoice_settings", INVOICE_SETTINGS),
    metadata("metadata"),
    text("name"),
    int("next_invoice_sequence"),
    text("phone"),
    texts("preferred_locales"),
    object("shipping", SHIPPING),
    one_of("tax_exempt", &["none", "exempt", "reverse"]),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "customer",
    operations: &[
        post("/v1/customers", CREATE, |call| {
            let params = call.params.clone();
            create(&mut call.desk, &params).map(Value::from)
        }),
        get_with("/v1/customers/search", SEARCH, search),
        get("/v1/customers/{id}", retrieve),
        post("/v1/customers/{id}", UPDATE, update),
        delete("/v1/customers/{id}", &[], remove),
        list("/v1/customers", &[text("email"), text("test_clock"), range("created")], list_all),
        list("/v1/customers/{id}/payment_methods", &[text("type")], payment_methods),
        get("/v1/customers/{id}/payment_methods/{id}", payment_method),
        list("/v1/customers/{id}/balance_transactions", &[], balance_transactions),
        post(
            "/v1/customers/{id}/balance_transactions",
            &[
                int("amount").required(),
                text("currency").required(),
                text("description"),
                metadata("metadata"),
            ],
            adjust_balance,
        ),
        delete("/v1/customers/{id}/discount", &[], remove_discount),
    ],
    filter: same,
};

/// Creates a customer.
pub(crate) fn create(desk: &mut Desk<'_, '_>, params: &Params) -> Result<Object, StripeError> {
    let clock = match params.text("test_clock") {
        Some(clock) => Some(clock.to_owned()),
        None => super::test_clock::default_of(desk)?,
    };
    if let Some(clock) = &clock {
        let clock = desk.named("test_helpers.test_clock", clock, "test_clock")?;
        desk.live_by_clock_of(&Object::new(json!({"test_clock": clock.id()})))?;
    }
    let mut customer = shape(desk, clock.as_deref());
    apply(desk, &mut customer, params)?;
    desk.insert(&customer, "customer.created")?;
    if let Some(method) = params.text("payment_method") {
        super::payment_method::attach(desk, method, customer.id())?;
    }
    Ok(customer)
}

fn shape(desk: &mut Desk<'_, '_>, clock: Option<&str>) -> Object {
    let (id, prefix) = (desk.id("cus_"), desk.mint.text(8).to_uppercase());
    Object::new(json!({
        "id": id,
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": desk.now,
        "currency": null,
        "customer_account": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "discount": null,
        "email": null,
        "invoice_prefix": prefix,
        "invoice_settings": {
            "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null,
        },
        "livemode": false,
        "metadata": {},
        "name": null,
        "next_invoice_sequence": 1,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": clock,
    }))
}

fn apply(desk: &mut Desk<'_, '_>, customer: &mut Object, params: &Params) -> Result<(), StripeError> {
    let plain = [
        "address",
        "balance",
        "description",
        "email",
        "invoice_prefix",
        "name",
        "next_invoice_sequence",
        "phone",
        "preferred_locales",
        "shipping",
        "tax_exempt",
    ];
    params.copy(customer, &plain);
    params.merge_metadata(customer);
    if let Some(settings) = params.object("invoice_settings") {
        if let Some(method) = settings.text("default_payment_method") {
            let method =
                super::payment_method::resolve(desk, method, "invoice_settings[default_payment_method]")?;
            let owner_fits = method.text("customer").is_none_or(|owner| owner == customer.id());
            if !owner_fits || (method.text("customer").is_none() && !params.has("payment_method")) {
                return Err(StripeError::invalid(
                    "The customer does not have a payment method with this ID. The payment method must be attached to the customer.",
                )
                .code("resource_missing")
                .param("invoice_settings[default_payment_method]"));
            }
            customer.set("invoice_settings.default_payment_method", method.id());
        } else if settings.has("default_payment_method") {
            customer.set("invoice_settings.default_payment_method", Value::Null);
        }
        if settings.has("footer") {
            customer.set("invoice_settings.footer", settings.get("footer").clone());
        }
    }
    Ok(())
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut customer = call.target()?;
    let params = call.params.clone();
    apply(&mut call.desk, &mut customer, &params)?;
    call.desk.update(&customer, "customer.updated")?;
    Ok(customer.into())
}

/// Deletes a customer: its subscriptions end at once, and only its id stays.
fn remove(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let customer = call.target()?;
    for subscription in call.desk.of_customer("subscription", customer.id())? {
        if !matches!(subscription.status(), "canceled" | "incomplete_expired") {
            lifecycle::end(&mut call.desk, subscription, "canceled", "cancellation_requested")?;
        }
    }
    call.desk.emit("customer.deleted", &customer)?;
    let gone = Object::new(json!({"id": customer.id(), "object": "customer", "deleted": true}));
    call.desk.update_quietly(&gone)?;
    Ok(gone.into())
}

fn payment_methods(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let id = call.target()?.id().to_owned();
    list_narrowed(call, &Listed { kind: "payment_method", customer: Some(&id), parent: None })
}

fn payment_method(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let customer = call.target()?;
    let id = call.ids.get(1).cloned().unwrap_or_default();
    let method = call.desk.get("payment_method", &id)?;
    if method.text("customer") != Some(customer.id()) {
        return Err(StripeError::missing("payment_method", &id));
    }
    Ok(method.into())
}

fn balance_transactions(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let id = call.target()?.id().to_owned();
    list_narrowed(call, &Listed { kind: "customer_balance_transaction", customer: Some(&id), parent: None })
}

fn adjust_balance(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut customer = call.target()?;
    let change = balance::Change {
        amount: call.params.int("amount").unwrap_or(0),
        currency: call.params.need("currency")?.to_lowercase(),
        kind: "adjustment",
        description: call.params.text("description").map(str::to_owned),
        invoice: None,
        credit_note: None,
    };
    let mut transaction = balance::change(&mut call.desk, &mut customer, &change)?;
    call.params.merge_metadata(&mut transaction);
    call.desk.update_quietly(&transaction)?;
    Ok(transaction.into())
}

fn remove_discount(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut customer = call.target()?;
    let Some(discount) = customer.at("discount").as_object().cloned() else {
        return Err(StripeError::invalid("No active discount for this customer.").code("resource_missing"));
    };
    let mut discount = Object::new(Value::Object(discount));
    customer.set("discount", Value::Null);
    call.desk.update(&customer, "customer.updated")?;
    discount.set("deleted", true);
    Ok(discount.into())
}
