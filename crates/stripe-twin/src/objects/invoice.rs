//! Invoices: what is owed, for what, and whether it was paid.

use serde_json::{Value, json};

use super::{discount, invoice_item};
use crate::api::list::{list_all, list_narrowed, page_of};
use crate::api::operation::{Call, Resource, delete, get, get_with, list, post, retrieve, same};
use crate::api::search::{SEARCH, search};
use crate::billing::payment::Presence;
use crate::billing::{collection, invoicing};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, flag, int, metadata, object, objects, one_of, range, text, time};
use crate::object::Object;
use crate::store::objects::Listed;

mod preview;

const PAYMENT: &[Field] = &[text("payment_intent"), one_of("type", &["payment_intent"]).required()];
const METHODS: &[&str] = &["charge_automatically", "send_invoice"];
const STATUSES: &[&str] = &["draft", "open", "paid", "uncollectible", "void"];

const CREATE: &[Field] = &[
    flag("auto_advance"),
    one_of("collection_method", METHODS),
    text("currency"),
    text("customer").required(),
    int("days_until_due"),
    text("default_payment_method"),
    text("description"),
    objects("discounts", discount::GIVEN),
    text("footer"),
    metadata("metadata"),
    one_of("pending_invoice_items_behavior", &["exclude", "include"]),
    text("subscription"),
];

const UPDATE: &[Field] = &[
    flag("auto_advance"),
    one_of("collection_method", METHODS),
    int("days_until_due"),
    text("default_payment_method"),
    text("description"),
    objects("discounts", discount::GIVEN),
    time("due_date"),
    text("footer"),
    metadata("metadata"),
];

const LIST: &[Field] = &[
    one_of("collection_method", METHODS),
    range("created"),
    text("customer"),
    one_of("status", STATUSES),
    text("subscription"),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "invoice",
    operations: &[
        post("/v1/invoices", CREATE, create),
        get_with("/v1/invoices/search", SEARCH, search),
        post("/v1/invoices/create_preview", preview::FIELDS, preview::create),
        get("/v1/invoices/{id}", retrieve),
        post("/v1/invoices/{id}", UPDATE, update),
        delete("/v1/invoices/{id}", &[], remove),
        list("/v1/invoices/{id}/lines", &[], lines),
        post("/v1/invoices/{id}/finalize", &[flag("auto_advance")], finalize),
        post(
            "/v1/invoices/{id}/pay",
            &[flag("off_session"), flag("paid_out_of_band"), text("payment_method")],
            pay,
        ),
        post("/v1/invoices/{id}/send", &[], send),
        post("/v1/invoices/{id}/void", &[], |call| {
            let invoice = standing(call, &["open", "uncollectible"], "void")?;
            collection::void(&mut call.desk, invoice).map(Value::from)
        }),
        post("/v1/invoices/{id}/mark_uncollectible", &[], |call| {
            let invoice = standing(call, &["open"], "mark as uncollectible")?;
            collection::mark_uncollectible(&mut call.desk, invoice).map(Value::from)
        }),
        list("/v1/invoices", LIST, list_all),
        list(
            "/v1/invoice_payments",
            &[text("invoice"), object("payment", PAYMENT), one_of("status", &["open", "paid", "canceled"])],
            payments,
        ),
    ],
    filter: |invoice, name, wanted| match name {
        "subscription" => invoice.at("_parent") == wanted,
        "payment" => invoice.at("payment.payment_intent") == &wanted["payment_intent"],
        _ => same(invoice, name, wanted),
    },
};

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let params = call.params.clone();
    let desk = &mut call.desk;
    let customer = desk.named("customer", params.need("customer")?, "customer")?;
    let currency =
        params.text("currency").or_else(|| customer.text("currency")).unwrap_or("usd").to_lowercase();
    let includes = params.text("pending_invoice_items_behavior") == Some("include");
    let subscription = match params.text("subscription") {
        Some(id) => Some(desk.named("subscription", id, "subscription")?),
        None => None,
    };
    let lines = match (&subscription, includes) {
        (Some(subscription), _) => invoice_item::pending_lines(desk, subscription)?,
        (None, true) => invoice_item::pending_of_customer(desk, customer.id(), &currency)?,
        (None, false) => Vec::new(),
    };
    let draft = invoicing::Draft {
        customer: &customer,
        subscription: subscription.as_ref(),
        reason: "manual",
        currency,
        period: (desk.now, desk.now),
        collection_method: params.text("collection_method").unwrap_or("charge_automatically").to_owned(),
        days_until_due: params.int("days_until_due"),
        auto_advance: params.flag("auto_advance").unwrap_or(false),
    };
    let mut invoice = invoicing::draft(desk, &draft, &lines)?;
    params.copy(&mut invoice, &["default_payment_method", "description", "footer"]);
    params.merge_metadata(&mut invoice);
    if params.has("discounts") {
        let given = discount::give(desk, &params.objects("discounts"), Some(customer.id()), None)?;
        invoice.set("discounts", given);
        invoicing::total(desk, &mut invoice)?;
    }
    desk.insert(&invoice, "invoice.created")?;
    invoice_item::attach_to(desk, &lines, &invoice)?;
    Ok(invoice.into())
}

/// Gets the call's invoice where it is in one of these states.
fn standing(call: &mut Call<'_, '_>, allowed: &[&str], verb: &str) -> Result<Object, StripeError> {
    let invoice = call.target()?;
    if allowed.contains(&invoice.status()) {
        return Ok(invoice);
    }
    let (message, code) = match invoice.status() {
        "paid" => ("Invoice is already paid".to_owned(), "invoice_already_paid"),
        other => (format!("You can't {verb} an invoice whose status is {other}."), "invoice_not_editable"),
    };
    Err(StripeError::invalid(message).code(code))
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut invoice = call.target()?;
    let params = call.params.clone();
    let only_late = params
        .names()
        .all(|name| matches!(name, "metadata" | "auto_advance" | "default_payment_method" | "expand"));
    if invoice.status() != "draft" && !only_late {
        let message = "Finalized invoices can't be updated in this way.";
        return Err(StripeError::invalid(message).code("invoice_not_editable"));
    }
    params.copy(
        &mut invoice,
        &["auto_advance", "collection_method", "default_payment_method", "description", "due_date", "footer"],
    );
    if params.has("days_until_due") {
        invoice.set("_days_until_due", params.get("days_until_due").clone());
    }
    params.merge_metadata(&mut invoice);
    if params.has("discounts") {
        let customer = invoice.owned("customer");
        let given = discount::give(&mut call.desk, &params.objects("discounts"), customer.as_deref(), None)?;
        invoice.set("discounts", given);
        invoicing::total(&mut call.desk, &mut invoice)?;
    }
    call.desk.update(&invoice, "invoice.updated")?;
    Ok(invoice.into())
}

fn remove(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let invoice = standing(call, &["draft"], "delete")?;
    for mut item in call.desk.of_customer("invoiceitem", invoice.text("customer").unwrap_or_default())? {
        if item.text("invoice") == Some(invoice.id()) {
            item.set("invoice", Value::Null);
            call.desk.update_quietly(&item)?;
        }
    }
    call.desk.delete(&invoice, "invoice.deleted")?;
    Ok(json!({"id": invoice.id(), "object": "invoice", "deleted": true}))
}

fn lines(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let invoice = call.target()?;
    page_of(call, invoice.list("lines.data"))
}

fn finalize(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut invoice = standing(call, &["draft"], "finalize")?;
    call.params.copy(&mut invoice, &["auto_advance"]);
    let mut invoice = invoicing::finalize(&mut call.desk, invoice)?;
    let charged = invoice.text("collection_method") == Some("charge_automatically");
    if invoice.status() == "open" && charged && invoice.flag("auto_advance") {
        invoice.set("next_payment_attempt", call.desk.now + crate::billing::calendar::HOUR);
        call.desk.update_quietly(&invoice)?;
    }
    Ok(invoice.into())
}

fn pay(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut invoice = standing(call, &["draft", "open", "uncollectible"], "pay")?;
    let params = call.params.clone();
    if invoice.status() == "draft" {
        invoice = invoicing::finalize(&mut call.desk, invoice)?;
    }
    if invoice.status() == "paid" {
        return Ok(invoice.into());
    }
    if params.flag("paid_out_of_band") == Some(true) {
        return collection::mark_paid(&mut call.desk, invoice, None).map(Value::from);
    }
    let method = match params.text("payment_method") {
        Some(method) => {
            Some(super::payment_method::resolve(&mut call.desk, method, "payment_method")?.id().to_owned())
        }
        None => None,
    };
    if invoice.text("_payment_intent").is_none() {
        let message = "This invoice is sent to the customer and cannot be charged.";
        return Err(StripeError::invalid(message));
    }
    let presence =
        if params.flag("off_session") == Some(false) { Presence::OnSession } else { Presence::OffSession };
    let id = invoice.id().to_owned();
    match collection::collect(&mut call.desk, invoice, presence, method.as_deref())? {
        collection::Outcome::Failed(error) => Err(error),
        collection::Outcome::NeedsAction => {
            let message =
                "Payment for this invoice requires additional user action before it can be completed.";
            Err(StripeError::card(message, "invoice_payment_intent_requires_action", None))
        }
        collection::Outcome::Paid => call.desk.get("invoice", &id).map(Value::from),
    }
}

fn send(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut invoice = standing(call, &["draft", "open"], "send")?;
    if invoice.text("collection_method") != Some("send_invoice") {
        return Err(StripeError::invalid(
            "You can only manually send an invoice if its collection method is 'send_invoice'.",
        ));
    }
    if invoice.status() == "draft" {
        invoice = invoicing::finalize(&mut call.desk, invoice)?;
    } else {
        call.desk.emit("invoice.sent", &invoice)?;
    }
    Ok(invoice.into())
}

fn payments(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let invoice = call.params.text("invoice").map(str::to_owned);
    list_narrowed(call, &Listed { kind: "invoice_payment", customer: None, parent: invoice.as_deref() })
}

/// Returns what an unsaved invoice is shown as.
fn as_preview(desk: &mut Desk<'_, '_>, mut invoice: Object) -> Object {
    let id = desk.id("upcoming_in_1");
    invoice.set("id", id.clone());
    invoice.set("auto_advance", false);
    for line in invoice.list_mut("lines.data") {
        line["invoice"] = id.clone().into();
    }
    invoice
}
