//! Charges: one attempt to take money.

use serde_json::{Value, json};

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get, get_with, list, post, retrieve, same};
use crate::api::search::{SEARCH, search};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{metadata, range, text};
use crate::object::Object;

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "charge",
    operations: &[
        get_with("/v1/charges/search", SEARCH, search),
        get("/v1/charges/{id}", retrieve),
        post("/v1/charges/{id}", &[text("description"), metadata("metadata"), text("receipt_email")], update),
        list("/v1/charges", &[text("customer"), text("payment_intent"), range("created")], list_all),
    ],
    filter: same,
};

fn shape(desk: &mut Desk<'_, '_>, intent: &Object, method: &Object) -> Object {
    let id = desk.id("ch_3");
    let receipt = desk.links.page(&format!("/receipts/{id}"));
    let card = method.at("card");
    let details = json!({
        "type": "card",
        "card": {
            "amount_authorized": intent.at("amount"), "authorization_code": null, "brand": card["brand"],
            "checks": card["checks"], "country": card["country"], "electronic_commerce_indicator": null, "exp_month": card["exp_month"],
            "exp_year": card["exp_year"], "extended_authorization": {"status": "disabled"},
            "fingerprint": card["fingerprint"], "funding": card["funding"],
            "incremental_authorization": {"status": "unavailable"}, "installments": null, "last4": card["last4"],
            "mandate": null, "multicapture": {"status": "unavailable"}, "network": card["brand"],
            "network_token": {"used": false}, "network_transaction_id": null,
            "overcapture": {"maximum_amount_capturable": intent.at("amount"), "status": "unavailable"},
            "regulated_status": "unregulated", "three_d_secure": null, "transaction_link_id": null, "wallet": null,
        },
    });
    Object::new(json!({
        "id": id, "object": "charge", "amount": intent.at("amount"), "amount_captured": 0, "amount_refunded": 0,
        "application": null, "application_fee": null, "application_fee_amount": null, "balance_transaction": null,
        "billing_details": method.at("billing_details"), "calculated_statement_descriptor": "QUOIN TWIN",
        "captured": false, "created": desk.now, "currency": intent.at("currency"), "customer": intent.at("customer"),
        "description": intent.at("description"), "disputed": false, "failure_balance_transaction": null,
        "failure_code": null, "failure_message": null, "fraud_details": {}, "livemode": false,
        "metadata": intent.at("metadata"), "on_behalf_of": null, "outcome": null, "paid": false,
        "payment_intent": intent.id(), "payment_method": method.id(), "payment_method_details": details,
        "receipt_email": intent.at("receipt_email"), "receipt_number": null, "receipt_url": receipt,
        "refunded": false, "review": null, "shipping": intent.at("shipping"), "source": null, "source_transfer": null,
        "statement_descriptor": intent.at("statement_descriptor"), "statement_descriptor_suffix": null,
        "status": "pending", "transfer_data": null, "transfer_group": intent.at("transfer_group"),
    }))
}

/// Writes a charge that went through; `captured` says whether the money was taken at once.
pub(crate) fn succeeded(
    desk: &mut Desk<'_, '_>,
    intent: &Object,
    method: &Object,
    captured: bool,
) -> Result<Object, StripeError> {
    let mut charge = shape(desk, intent, method);
    charge.set("status", "succeeded");
    charge.set("paid", true);
    charge.set("captured", captured);
    charge.set("amount_captured", if captured { intent.amount("amount") } else { 0 });
    charge.set("balance_transaction", desk.id("txn_3"));
    charge.set(
        "outcome",
        json!({
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal", "risk_score": 12,
            "seller_message": "Payment complete.", "type": "authorized",
        }),
    );
    desk.insert(&charge, "charge.succeeded")?;
    Ok(charge)
}

/// Writes a charge that was refused.
pub(crate) fn failed(
    desk: &mut Desk<'_, '_>,
    intent: &Object,
    method: &Object,
    error: &Value,
) -> Result<Object, StripeError> {
    let mut charge = shape(desk, intent, method);
    charge.set("status", "failed");
    charge.set("failure_code", error["code"].clone());
    charge.set("failure_message", error["message"].clone());
    charge.set("outcome", json!({
        "advice_code": null, "network_advice_code": null, "network_decline_code": null,
        "network_status": "declined_by_network", "reason": error["decline_code"], "risk_level": "normal",
        "risk_score": 12, "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }));
    desk.insert(&charge, "charge.failed")?;
    Ok(charge)
}

/// Takes money that was only reserved.
pub(crate) fn capture(desk: &mut Desk<'_, '_>, id: &str, amount: i64) -> Result<(), StripeError> {
    let mut charge = desk.get("charge", id)?;
    charge.set("captured", true);
    charge.set("amount_captured", amount);
    charge.set("amount_refunded", charge.amount("amount") - amount);
    desk.update(&charge, "charge.captured")
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut charge = call.target()?;
    call.params.copy(&mut charge, &["description", "receipt_email"]);
    call.params.merge_metadata(&mut charge);
    call.desk.update(&charge, "charge.updated")?;
    Ok(charge.into())
}
