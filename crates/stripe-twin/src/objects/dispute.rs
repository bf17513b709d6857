//! Disputes: a bank takes the money back until it is decided who is right.

use serde_json::{Value, json};

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, get, list, post, retrieve, same};
use crate::billing::calendar::DAY;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, flag, metadata, object, range, text};
use crate::object::Object;

const EVIDENCE: &[Field] = &[
    text("customer_communication"),
    text("customer_name"),
    text("product_description"),
    text("uncategorized_text"),
];

/// Words in the evidence that decide a dispute at once, as in Stripe's test mode.
const WINNING: &str = "winning_evidence";
const LOSING: &str = "losing_evidence";

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "dispute",
    operations: &[
        get("/v1/disputes/{id}", retrieve),
        post(
            "/v1/disputes/{id}",
            &[object("evidence", EVIDENCE), metadata("metadata"), flag("submit")],
            update,
        ),
        post("/v1/disputes/{id}/close", &[], |call| {
            let dispute = undecided(call)?;
            decide(&mut call.desk, dispute, "lost").map(Value::from)
        }),
        list("/v1/disputes", &[text("charge"), text("payment_intent"), range("created")], list_all),
    ],
    filter: same,
};

/// Every piece of evidence, none of which is there yet.
fn evidence() -> Value {
    const PIECES: &[&str] = &[
        "access_activity_log",
        "billing_address",
        "cancellation_policy",
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "customer_communication",
        "customer_email_address",
        "customer_name",
        "customer_purchase_ip",
        "customer_signature",
        "duplicate_charge_documentation",
        "duplicate_charge_explanation",
        "duplicate_charge_id",
        "product_description",
        "receipt",
        "refund_policy",
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        "service_date",
        "service_documentation",
        "shipping_address",
        "shipping_carrier",
        "shipping_date",
        "shipping_documentation",
        "shipping_tracking_number",
        "uncategorized_file",
        "uncategorized_text",
    ];
    let mut evidence: Value = PIECES.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    evidence["enhanced_evidence"] = json!({});
    evidence
}

/// Opens a dispute about a charge; the money is taken back.
pub(crate) fn open(desk: &mut Desk<'_, '_>, charge: &Object, reason: &str) -> Result<Object, StripeError> {
    let dispute = Object::new(json!({
        "id": desk.id("du_1"), "object": "dispute", "amount": charge.at("amount"), "balance_transactions": [],
        "charge": charge.id(), "created": desk.now, "currency": charge.at("currency"),
        "enhanced_eligibility_types": [], "evidence": evidence(), "evidence_details": {
            "due_by": desk.now + 9 * DAY, "enhanced_eligibility": {}, "has_evidence": false, "past_due": false,
            "submission_count": 0, "submission_method": "not_submitted",
        },
        "intended_submission_method": null, "is_charge_refundable": false, "livemode": false, "metadata": {},
        "network_reason_code": null, "payment_intent": charge.at("payment_intent"),
        "payment_method_details": {"type": "card", "card": {
            "brand": charge.at("payment_method_details.card.brand"), "case_type": "chargeback",
            "network": charge.at("payment_method_details.card.brand"), "network_reason_code": "10.4",
        }},
        "reason": reason, "status": "needs_response",
    }));
    let mut charge = charge.clone();
    charge.set("disputed", true);
    desk.update(&charge, "charge.updated")?;
    desk.insert(&dispute, "charge.dispute.created")?;
    desk.emit("charge.dispute.funds_withdrawn", &dispute)?;
    Ok(dispute)
}

fn undecided(call: &mut Call<'_, '_>) -> Result<Object, StripeError> {
    let dispute = call.target()?;
    if matches!(dispute.status(), "won" | "lost") {
        return Err(StripeError::invalid("This dispute is already closed."));
    }
    Ok(dispute)
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut dispute = undecided(call)?;
    if let Some(evidence) = call.params.object("evidence") {
        for name in evidence.names() {
            dispute.set(&format!("evidence.{name}"), evidence.get(name).clone());
        }
        dispute.set("evidence_details.has_evidence", true);
    }
    call.params.merge_metadata(&mut dispute);
    let words = dispute.owned("evidence.uncategorized_text");
    if call.params.flag("submit") == Some(false) {
        call.desk.update(&dispute, "charge.dispute.updated")?;
        return Ok(dispute.into());
    }
    dispute.add("evidence_details.submission_count", 1);
    dispute.set("evidence_details.submission_method", "manual");
    match words.as_deref() {
        Some(WINNING) => decide(&mut call.desk, dispute, "won").map(Value::from),
        Some(LOSING) => decide(&mut call.desk, dispute, "lost").map(Value::from),
        _ => {
            dispute.set("status", "under_review");
            call.desk.update(&dispute, "charge.dispute.updated")?;
            Ok(dispute.into())
        }
    }
}

/// Decides a dispute; where it is won the money comes back.
fn decide(desk: &mut Desk<'_, '_>, mut dispute: Object, status: &str) -> Result<Object, StripeError> {
    dispute.set("status", status);
    desk.update_quietly(&dispute)?;
    if status == "won" {
        let mut charge = desk.get("charge", dispute.text("charge").unwrap_or_default())?;
        charge.set("disputed", false);
        desk.update(&charge, "charge.updated")?;
        desk.emit("charge.dispute.funds_reinstated", &dispute)?;
    }
    desk.emit("charge.dispute.closed", &dispute)?;
    Ok(dispute)
}
