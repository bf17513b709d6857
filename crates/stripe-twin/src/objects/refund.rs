//! Refunds: money given back.

use serde_json::{Value, json};

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get, list, post, retrieve, same};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, int, metadata, missing, one_of, range, text};
use crate::object::Object;

const CREATE: &[Field] = &[
    int("amount"),
    text("charge"),
    metadata("metadata"),
    text("payment_intent"),
    one_of("reason", &["duplicate", "fraudulent", "requested_by_customer"]),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "refund",
    operations: &[
        post("/v1/refunds", CREATE, create),
        get("/v1/refunds/{id}", retrieve),
        post("/v1/refunds/{id}", &[metadata("metadata")], update),
        list("/v1/refunds", &[text("charge"), text("payment_intent"), range("created")], list_all),
    ],
    filter: same,
};

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let charge = match (call.params.text("charge"), call.params.text("payment_intent")) {
        (Some(charge), _) => charge.to_owned(),
        (None, Some(intent)) => {
            let intent = call.desk.named("payment_intent", intent, "payment_intent")?;
            let message = "This PaymentIntent does not have a successful charge to refund.";
            intent.owned("latest_charge").ok_or_else(|| StripeError::invalid(message))?
        }
        (None, None) => return Err(missing("payment_intent")),
    };
    let reason = call.params.get("reason").clone();
    let (amount, metadata) = (call.params.int("amount"), call.params.metadata());
    let charge = call.desk.named("charge", &charge, "charge")?;
    let mut refund = give_back(&mut call.desk, charge, amount, &reason)?;
    refund.set("metadata", metadata);
    call.desk.update_quietly(&refund)?;
    Ok(refund.into())
}

/// Gives back all or part of a charge.
///
/// # Errors
/// `charge_already_refunded`, or where more is asked for than is left.
pub(crate) fn give_back(
    desk: &mut Desk<'_, '_>,
    mut charge: Object,
    amount: Option<i64>,
    reason: &Value,
) -> Result<Object, StripeError> {
    let left = charge.amount("amount_captured") - charge.amount("_refunded");
    if !charge.flag("paid") || left <= 0 {
        let message = format!("Charge {} has already been refunded.", charge.id());
        return Err(StripeError::invalid(message).code("charge_already_refunded"));
    }
    if charge.flag("disputed") {
        let message = format!("Charge {} has been charged back; cannot issue a refund.", charge.id());
        return Err(StripeError::invalid(message).code("charge_disputed"));
    }
    let amount = amount.unwrap_or(left);
    if !(1..=left).contains(&amount) {
        let message =
            format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})");
        return Err(StripeError::invalid(message).param("amount"));
    }
    let refund = Object::new(json!({
        "id": desk.id("re_3"), "object": "refund", "amount": amount, "balance_transaction": desk.id("txn_3"),
        "charge": charge.id(), "created": desk.now, "currency": charge.at("currency"), "customer": charge.at("customer"),
        "customer_account": null,
        "destination_details": {"type": "card", "card": {
            "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund",
        }},
        "metadata": {}, "payment_intent": charge.at("payment_intent"), "payment_method": charge.at("payment_method"),
        "reason": reason, "receipt_number": null, "source_transfer_reversal": null, "status": "succeeded",
        "transfer_reversal": null, "_parent": charge.id(),
    }));
    desk.insert(&refund, "refund.created")?;
    charge.add("amount_refunded", amount);
    charge.add("_refunded", amount);
    charge.set("refunded", amount == left);
    desk.update(&charge, "charge.refunded")?;
    Ok(refund)
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut refund = call.target()?;
    call.params.merge_metadata(&mut refund);
    call.desk.update(&refund, "refund.updated")?;
    Ok(refund.into())
}
