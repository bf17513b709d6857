//! Invoice items: what is to be billed, on its own or with the next invoice.

use serde_json::{Value, json};

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, delete, get, list, post, retrieve, same};
use crate::billing::amounts::amount_for;
use crate::billing::lines::Line;
use crate::billing::{invoicing, lines};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, decimal, flag, int, metadata, missing, object, range, text, time};
use crate::object::Object;

const PERIOD: &[Field] = &[time("start").required(), time("end").required()];
const PRICING: &[Field] = &[text("price")];
/// A one-off price made on the way.
pub(crate) const PRICE_DATA: &[Field] = &[
    text("currency").required(),
    text("product").required(),
    int("unit_amount"),
    decimal("unit_amount_decimal"),
];

const CREATE: &[Field] = &[
    int("amount"),
    text("currency"),
    text("customer").required(),
    text("description"),
    flag("discountable"),
    text("invoice"),
    metadata("metadata"),
    object("period", PERIOD),
    object("price_data", PRICE_DATA),
    object("pricing", PRICING),
    int("quantity"),
    text("subscription"),
    int("unit_amount_decimal"),
];

const UPDATE: &[Field] =
    &[int("amount"), text("description"), flag("discountable"), metadata("metadata"), int("quantity")];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "invoiceitem",
    operations: &[
        post("/v1/invoiceitems", CREATE, create),
        get("/v1/invoiceitems/{id}", retrieve),
        post("/v1/invoiceitems/{id}", UPDATE, update),
        delete("/v1/invoiceitems/{id}", &[], remove),
        list(
            "/v1/invoiceitems",
            &[text("customer"), text("invoice"), flag("pending"), range("created")],
            list_all,
        ),
    ],
    filter: |item, name, wanted| match name {
        "pending" => wanted.as_bool() == Some(item.at("invoice").is_null()),
        _ => same(item, name, wanted),
    },
};

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let params = call.params.clone();
    let desk = &mut call.desk;
    let customer = desk.named("customer", params.need("customer")?, "customer")?;
    let line = line_of(desk, &params)?;
    let currency = match (&line.price, params.text("currency")) {
        (Some(price), _) => price.owned("currency").unwrap_or_default(),
        (None, Some(currency)) => currency.to_lowercase(),
        (None, None) => return Err(missing("currency")),
    };
    let mut item = shape(desk, &line, &customer, &currency);
    params.merge_metadata(&mut item);
    desk.insert(&item, "invoiceitem.created")?;
    if let Some(invoice) = params.text("invoice") {
        let mut invoice = desk.named("invoice", invoice, "invoice")?;
        if invoice.status() != "draft" {
            return Err(StripeError::invalid("The invoice is no longer editable.")
                .code("invoice_not_editable")
                .param("invoice"));
        }
        let line = Line { invoice_item: Some(item.id().to_owned()), ..line };
        let shape = line.shape(desk, invoice.id(), &currency);
        invoice.list_mut("lines.data").push(shape);
        invoicing::total(desk, &mut invoice)?;
        desk.update(&invoice, "invoice.updated")?;
        item.set("invoice", invoice.id());
        desk.update_quietly(&item)?;
    }
    Ok(item.into())
}

/// Reads what is to be billed.
fn line_of(desk: &mut Desk<'_, '_>, params: &Params) -> Result<Line, StripeError> {
    let quantity = params.int("quantity").unwrap_or(1);
    let priced = match (
        params.object("pricing").and_then(|pricing| pricing.text("price").map(str::to_owned)),
        params.object("price_data"),
    ) {
        (Some(price), _) => Some(desk.named("price", &price, "pricing[price]")?),
        (None, Some(data)) => Some(super::price::create(desk, &data.with("active", false))?),
        (None, None) => None,
    };
    let amount = match (&priced, params.int("amount")) {
        (Some(price), _) => amount_for(price, quantity),
        (None, Some(amount)) => amount,
        (None, None) => return Err(missing("amount")),
    };
    let described = match (&priced, params.text("description")) {
        (_, Some(text)) => text.to_owned(),
        (Some(price), None) => lines::describe(desk, price, quantity)?,
        (None, None) => String::new(),
    };
    let period = params.object("period");
    let moment = |name: &str| period.as_ref().and_then(|period| period.int(name)).unwrap_or(desk.now);
    Ok(Line {
        amount,
        description: described,
        period: (moment("start"), moment("end")),
        price: priced,
        quantity,
        discountable: params.flag("discountable").unwrap_or(amount >= 0),
        proration: false,
        subscription: params.text("subscription").map(str::to_owned),
        item: None,
        invoice_item: None,
        metadata: params.metadata(),
    })
}

/// Bills a one-off price together with the first invoice of a subscription.
pub(crate) fn line_of_price(desk: &mut Desk<'_, '_>, given: &Params) -> Result<Line, StripeError> {
    let pricing = json!({"price": given.get("price")});
    line_of(desk, &given.clone().with("pricing", pricing))
}

fn shape(desk: &mut Desk<'_, '_>, line: &Line, customer: &Object, currency: &str) -> Object {
    let pricing = line.price.as_ref().map(|price| {
        json!({
            "type": "price_details",
            "price_details": {"price": price.id(), "product": price.at("product")},
            "unit_amount_decimal": price.at("unit_amount_decimal"),
        })
    });
    let parent = line.subscription.as_ref().map(|subscription| {
        json!({
            "type": "subscription_details",
            "subscription_details": {"subscription": subscription, "subscription_item": line.item},
        })
    });
    Object::new(json!({
        "id": desk.id("ii_1"), "object": "invoiceitem", "amount": line.amount, "currency": currency,
        "customer": customer.id(), "customer_account": null, "date": desk.now, "description": line.description,
        "discountable": line.discountable, "discounts": [], "invoice": null, "livemode": false,
        "metadata": line.metadata, "net_amount": line.amount, "parent": parent,
        "period": {"end": line.period.1, "start": line.period.0}, "pricing": pricing, "proration": line.proration,
        "quantity": line.quantity, "quantity_decimal": line.quantity.to_string(), "tax_rates": [],
        "test_clock": customer.at("test_clock"), "_subscription": line.subscription, "_item": line.item,
    }))
}

/// Keeps lines for the next invoice of their subscription.
pub(crate) fn keep(
    desk: &mut Desk<'_, '_>,
    lines: &[Line],
    subscription: &Object,
) -> Result<(), StripeError> {
    let customer = desk.get("customer", subscription.text("customer").unwrap_or_default())?;
    let currency = subscription.owned("currency").unwrap_or_default();
    for line in lines {
        let item = shape(desk, line, &customer, &currency);
        desk.insert(&item, "invoiceitem.created")?;
    }
    Ok(())
}

/// Returns what waits for the next invoice of a subscription: its own items and those of its customer alone.
pub(crate) fn pending_lines(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
) -> Result<Vec<Line>, StripeError> {
    let customer = subscription.text("customer").unwrap_or_default().to_owned();
    let waits = |item: &Object| {
        let owner = item.text("_subscription");
        item.at("invoice").is_null()
            && item.at("currency") == subscription.at("currency")
            && owner.is_none_or(|owner| owner == subscription.id())
    };
    let items = desk.of_customer("invoiceitem", &customer)?;
    items.iter().filter(|item| waits(item)).map(|item| of_item(desk, item)).collect()
}

/// Returns what waits for a customer's next invoice of its own.
pub(crate) fn pending_of_customer(
    desk: &mut Desk<'_, '_>,
    customer: &str,
    currency: &str,
) -> Result<Vec<Line>, StripeError> {
    let items = desk.of_customer("invoiceitem", customer)?;
    let waits = |item: &&Object| {
        item.at("invoice").is_null()
            && item.text("currency") == Some(currency)
            && item.at("_subscription").is_null()
    };
    items.iter().filter(waits).map(|item| of_item(desk, item)).collect()
}

fn of_item(desk: &mut Desk<'_, '_>, item: &Object) -> Result<Line, StripeError> {
    let price = match item.text("pricing.price_details.price") {
        Some(price) => desk.find(price)?,
        None => None,
    };
    Ok(Line {
        amount: item.amount("amount"),
        description: item.owned("description").unwrap_or_default(),
        period: (item.amount("period.start"), item.amount("period.end")),
        price,
        quantity: item.int("quantity").unwrap_or(1),
        discountable: item.flag("discountable"),
        proration: item.flag("proration"),
        subscription: item.owned("_subscription"),
        item: item.owned("_item"),
        invoice_item: Some(item.id().to_owned()),
        metadata: item.at("metadata").clone(),
    })
}

/// Notes on which invoice items came to stand.
pub(crate) fn attach_to(
    desk: &mut Desk<'_, '_>,
    lines: &[Line],
    invoice: &Object,
) -> Result<(), StripeError> {
    for id in lines.iter().filter_map(|line| line.invoice_item.as_deref()) {
        let mut item = desk.get("invoiceitem", id)?;
        item.set("invoice", invoice.id());
        desk.update_quietly(&item)?;
    }
    Ok(())
}

fn editable(item: &Object) -> Result<(), StripeError> {
    if item.at("invoice").is_null() {
        return Ok(());
    }
    Err(StripeError::invalid("This invoice item is on an invoice already and cannot be changed.")
        .code("invoice_not_editable"))
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut item = call.target()?;
    editable(&item)?;
    call.params.copy(&mut item, &["amount", "description", "discountable", "quantity"]);
    call.params.merge_metadata(&mut item);
    call.desk.update_quietly(&item)?;
    Ok(item.into())
}

fn remove(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let item = call.target()?;
    editable(&item)?;
    call.desk.delete(&item, "invoiceitem.deleted")?;
    Ok(json!({"id": item.id(), "object": "invoiceitem", "deleted": true}))
}
