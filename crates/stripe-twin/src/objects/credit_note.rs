//! Credit notes: what is taken off an invoice after it was issued.

use serde_json::{Value, json};

use crate::api::list::{list_all, page_of};
use crate::api::operation::{Call, Resource, get, get_with, list, post, retrieve, same};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, decimal, int, metadata, objects, one_of, range, text, time};
use crate::object::Object;

mod issue;
mod lines;

const LINE: &[Field] = &[
    int("amount"),
    text("description"),
    text("invoice_line_item"),
    metadata("metadata"),
    int("quantity"),
    one_of("type", &["custom_line_item", "invoice_line_item"]).required(),
    int("unit_amount"),
    decimal("unit_amount_decimal"),
];

const CREATE: &[Field] = &[
    int("amount"),
    int("credit_amount"),
    time("effective_at"),
    text("invoice").required(),
    objects("lines", LINE),
    text("memo"),
    metadata("metadata"),
    int("out_of_band_amount"),
    one_of("reason", &["duplicate", "fraudulent", "order_change", "product_unsatisfactory"]),
    int("refund_amount"),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "credit_note",
    operations: &[
        post("/v1/credit_notes", CREATE, |call| {
            let params = call.params.clone();
            issue::issue(&mut call.desk, &params).map(Value::from)
        }),
        get_with("/v1/credit_notes/preview", CREATE, |call| imagine(call).map(Value::from)).imagining(),
        list("/v1/credit_notes/preview/lines", CREATE, |call| {
            let lines = imagine(call)?.list("lines.data").to_vec();
            page_of(call, &lines)
        })
        .imagining(),
        get("/v1/credit_notes/{id}", retrieve),
        post("/v1/credit_notes/{id}", &[text("memo"), metadata("metadata")], update),
        list("/v1/credit_notes/{id}/lines", &[], |call| {
            let lines = call.target()?.list("lines.data").to_vec();
            page_of(call, &lines)
        }),
        post("/v1/credit_notes/{id}/void", &[], |call| {
            let note = call.target()?;
            issue::void(&mut call.desk, note).map(Value::from)
        }),
        list("/v1/credit_notes", &[range("created"), text("customer"), text("invoice")], list_all),
    ],
    filter: same,
};

/// Shows the note that a call would issue: it is really issued, looked at, and undone.
fn imagine(call: &mut Call<'_, '_>) -> Result<Object, StripeError> {
    let params = call.params.clone();
    call.desk.imagine(|desk| issue::issue(desk, &params))
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut note = call.target()?;
    call.params.copy(&mut note, &["memo"]);
    call.params.merge_metadata(&mut note);
    call.desk.update(&note, "credit_note.updated")?;
    Ok(note.into())
}

fn shape(desk: &mut Desk<'_, '_>, invoice: &Object, params: &Params) -> Object {
    let id = desk.id("cn_1");
    let pdf = desk.links.page(&format!("/credit_notes/{id}/pdf"));
    Object::new(json!({
        "id": id, "object": "credit_note", "amount": 0, "amount_shipping": 0, "created": desk.now,
        "currency": invoice.at("currency"), "customer": invoice.at("customer"), "customer_account": null,
        "customer_balance_transaction": null, "discount_amount": 0, "discount_amounts": [],
        "effective_at": params.int("effective_at").unwrap_or(desk.now), "invoice": invoice.id(), "lines": null,
        "livemode": false, "memo": params.get("memo"), "metadata": params.metadata(), "number": null,
        "out_of_band_amount": params.get("out_of_band_amount"), "pdf": pdf, "post_payment_amount": 0,
        "pre_payment_amount": 0, "pretax_credit_amounts": [], "reason": params.get("reason"), "refunds": [],
        "shipping_cost": null, "status": "issued", "subtotal": 0, "subtotal_excluding_tax": 0, "total": 0,
        "total_excluding_tax": 0, "total_taxes": [], "type": "pre_payment", "voided_at": null,
        "_test_clock": invoice.at("test_clock"),
    }))
}
