//! A credit note takes effect: first it lessens what is owed, then it gives back what was paid.

use serde_json::{Value, json};

use super::{lines, shape};
use crate::billing::{balance, collection};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::Params;
use crate::object::{Object, list_of};
use crate::objects::refund;

/// Issues a credit note.
pub(super) fn issue(desk: &mut Desk<'_, '_>, params: &Params) -> Result<Object, StripeError> {
    let mut invoice = desk.named("invoice", params.need("invoice")?, "invoice")?;
    if !matches!(invoice.status(), "open" | "paid" | "uncollectible") {
        let message = "You can only create a credit note for an invoice that is open, paid or uncollectible.";
        return Err(StripeError::invalid(message).param("invoice"));
    }
    let made = lines::read(desk, &invoice, params)?;
    let total: i64 = made.iter().filter_map(|line| line["amount"].as_i64()).sum();
    check_amount(&invoice, total)?;
    let before = if invoice.status() == "paid" { 0 } else { total.min(invoice.amount("amount_remaining")) };
    let after = total - before;
    check_settlement(params, after)?;
    let mut note = shape(desk, &invoice, params);
    let number = desk.of_parent("credit_note", invoice.id())?.len() + 1;
    note.set("number", format!("{}-CN-{number:02}", invoice.text("number").unwrap_or("TWIN")));
    for name in ["amount", "subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"] {
        note.set(name, total);
    }
    note.set("pre_payment_amount", before);
    note.set("post_payment_amount", after);
    note.set(
        "type",
        match (before, after) {
            (_, 0) => "pre_payment",
            (0, _) => "post_payment",
            _ => "mixed",
        },
    );
    let url = format!("/v1/credit_notes/{}/lines", note.id());
    note.set("lines", list_of(&url, made, false));
    give_back(desk, &invoice, &mut note, params)?;
    desk.insert(&note, "credit_note.created")?;
    invoice.add("post_payment_credit_notes_amount", after);
    owe_less(desk, invoice, before)?;
    Ok(note)
}

fn check_amount(invoice: &Object, total: i64) -> Result<(), StripeError> {
    let credited = invoice.amount("pre_payment_credit_notes_amount")
        + invoice.amount("post_payment_credit_notes_amount");
    let left = invoice.amount("total") - credited;
    if (1..=left).contains(&total) {
        return Ok(());
    }
    let message = format!(
        "The amount of the credit note ({total}) must be at least 1 and at most what is left of the invoice ({left})."
    );
    Err(StripeError::invalid(message).param("amount"))
}

/// What was paid goes back in ways that the caller names to the cent.
fn check_settlement(params: &Params, after: i64) -> Result<(), StripeError> {
    let names = ["credit_amount", "out_of_band_amount", "refund_amount"];
    let given: Vec<i64> = names.iter().filter_map(|name| params.int(name)).collect();
    let sum: i64 = given.iter().sum();
    if sum == after && given.iter().all(|amount| *amount >= 0) {
        return Ok(());
    }
    let message = format!(
        "The sum of credit amount, refund amount and out of band amount ({sum}) must equal the post payment amount of the credit note ({after})."
    );
    Err(StripeError::invalid(message))
}

fn give_back(
    desk: &mut Desk<'_, '_>,
    invoice: &Object,
    note: &mut Object,
    params: &Params,
) -> Result<(), StripeError> {
    if let Some(amount) = params.int("refund_amount").filter(|amount| *amount > 0) {
        let charge = match invoice.owned("_payment_intent") {
            Some(intent) => desk.get("payment_intent", &intent)?.owned("latest_charge"),
            None => None,
        };
        let unpaid = || {
            StripeError::invalid("No charge paid this invoice, so nothing can be refunded.")
                .param("refund_amount")
        };
        let charge = desk.get("charge", &charge.ok_or_else(unpaid)?)?;
        // The two lists of reasons share these.
        let reason = params.text("reason").filter(|reason| matches!(*reason, "duplicate" | "fraudulent"));
        let made = refund::give_back(desk, charge, Some(amount), &Value::from(reason))?;
        note.set("refunds", json!([{
            "amount_refunded": amount, "payment_record_refund": null, "refund": made.id(), "type": "refund",
        }]));
    }
    if let Some(amount) = params.int("credit_amount").filter(|amount| *amount > 0) {
        let mut customer = desk.get("customer", invoice.text("customer").unwrap_or_default())?;
        if customer.flag("deleted") {
            let message = "The customer is deleted and has no balance.";
            return Err(StripeError::invalid(message).param("credit_amount"));
        }
        let change = balance::Change {
            amount: -amount,
            currency: invoice.owned("currency").unwrap_or_default(),
            kind: "credit_note",
            description: None,
            invoice: Some(invoice.id().to_owned()),
            credit_note: Some(note.id().to_owned()),
        };
        let transaction = balance::change(desk, &mut customer, &change)?;
        note.set("customer_balance_transaction", transaction.id());
    }
    Ok(())
}

/// Lessens what an invoice asks for; one that asks for nothing any more is paid.
fn owe_less(desk: &mut Desk<'_, '_>, mut invoice: Object, amount: i64) -> Result<(), StripeError> {
    for name in ["amount_due", "amount_remaining"] {
        invoice.add(name, -amount);
    }
    invoice.add("pre_payment_credit_notes_amount", amount);
    desk.update(&invoice, "invoice.updated")?;
    let remaining = invoice.amount("amount_remaining");
    if invoice.status() == "open" && remaining == 0 {
        return collection::mark_paid(desk, invoice, None).map(drop);
    }
    let intent = invoice.owned("_payment_intent").filter(|_| amount != 0);
    if let Some(intent) = intent {
        let mut intent = desk.get("payment_intent", &intent)?;
        intent.set("amount", remaining);
        desk.update_quietly(&intent)?;
    }
    Ok(())
}

/// Takes a credit note back, as long as its invoice is not paid.
pub(super) fn void(desk: &mut Desk<'_, '_>, mut note: Object) -> Result<Object, StripeError> {
    let invoice = desk.get("invoice", note.text("invoice").unwrap_or_default())?;
    if note.status() != "issued" || invoice.status() != "open" || note.amount("post_payment_amount") > 0 {
        let message = "Only an issued credit note of an open invoice can be voided.";
        return Err(StripeError::invalid(message));
    }
    note.set("status", "void");
    note.set("voided_at", desk.now);
    desk.update_quietly(&note)?;
    desk.emit("credit_note.voided", &note)?;
    owe_less(desk, invoice, -note.amount("pre_payment_amount"))?;
    Ok(note)
}
