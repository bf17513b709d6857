//! Invoices: made, filled with lines, summed, finalised.

mod discounts;

use serde_json::{Value, json};

use super::calendar::{DAY, HOUR};
use super::lines::Line;
use super::{balance, collection};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::{Object, list_of};
use crate::objects::payment_intent;

/// What an invoice is for.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) customer: &'a Object,
    pub(crate) subscription: Option<&'a Object>,
    /// Stripe's `billing_reason`.
    pub(crate) reason: &'static str,
    pub(crate) currency: String,
    pub(crate) period: (i64, i64),
    pub(crate) collection_method: String,
    pub(crate) days_until_due: Option<i64>,
    /// Whether it goes on by itself.
    pub(crate) auto_advance: bool,
}

impl<'a> Draft<'a> {
    /// Bills a subscription.
    pub(crate) fn of_subscription(
        subscription: &'a Object,
        customer: &'a Object,
        reason: &'static str,
        period: (i64, i64),
    ) -> Self {
        let paused = subscription.at("pause_collection").is_object();
        Self {
            customer,
            subscription: Some(subscription),
            reason,
            currency: subscription.owned("currency").unwrap_or_default(),
            period,
            collection_method: subscription.owned("collection_method").unwrap_or_default(),
            days_until_due: subscription.int("days_until_due"),
            auto_advance: subscription.status() != "unpaid"
                && !(paused && subscription.text("pause_collection.behavior") == Some("keep_as_draft")),
        }
    }
}

/// Makes a draft and fills it with lines; it is not stored yet.
pub(crate) fn draft(
    desk: &mut Desk<'_, '_>,
    draft: &Draft<'_>,
    lines: &[Line],
) -> Result<Object, StripeError> {
    let mut invoice = shape(desk, draft);
    let id = invoice.id().to_owned();
    let lines: Vec<Value> = lines.iter().map(|line| line.shape(desk, &id, &draft.currency)).collect();
    invoice.set("lines", list_of(&format!("/v1/invoices/{id}/lines"), lines, false));
    let given = draft.subscription.map(|subscription| subscription.list("discounts").to_vec());
    let given = given.filter(|given| !given.is_empty());
    let of_customer = draft.customer.text("discount.id").map(|id| vec![Value::from(id)]);
    invoice.set("discounts", given.or(of_customer).unwrap_or_default());
    total(desk, &mut invoice)?;
    Ok(invoice)
}

fn shape(desk: &mut Desk<'_, '_>, draft: &Draft<'_>) -> Object {
    let customer = draft.customer;
    let subscription = draft.subscription;
    let parent = subscription.map(|subscription| {
        json!({
            "type": "subscription_details",
            "quote_details": null,
            "subscription_details": {
                "metadata": subscription.at("metadata"), "subscription": subscription.id(),
            },
        })
    });
    let auto = draft.auto_advance;
    let mut invoice = Object::new(json!({
        "id": desk.id("in_1"), "object": "invoice", "account_country": "US", "account_name": "Quoin's twin of Stripe",
        "account_tax_ids": null, "amount_due": 0, "amount_overpaid": 0, "amount_paid": 0, "amount_remaining": 0,
        "amount_shipping": 0, "application": null, "attempt_count": 0, "attempted": false, "auto_advance": auto,
        "automatic_tax": {
            "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null,
        },
        "automatically_finalizes_at": auto.then_some(desk.now + HOUR), "billing_reason": draft.reason,
        "collection_method": draft.collection_method, "created": desk.now, "currency": draft.currency,
        "custom_fields": null, "customer": customer.id(), "customer_account": null,
        "customer_address": customer.at("address"), "customer_email": customer.at("email"),
        "customer_name": customer.at("name"), "customer_phone": customer.at("phone"),
        "customer_shipping": customer.at("shipping"), "customer_tax_exempt": customer.at("tax_exempt"),
        "customer_tax_ids": [], "default_payment_method": null, "default_source": null, "default_tax_rates": [],
        "description": null, "discounts": [], "due_date": null, "effective_at": null, "ending_balance": null,
        "footer": null, "from_invoice": null, "hosted_invoice_url": null, "invoice_pdf": null,
        "issuer": {"type": "self"}, "last_finalization_error": null, "latest_revision": null, "livemode": false,
        "metadata": {}, "next_payment_attempt": null, "number": null, "on_behalf_of": null, "parent": parent,
        "payment_settings": {"default_mandate": null, "payment_method_options": null, "payment_method_types": null},
        "period_end": draft.period.1, "period_start": draft.period.0, "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0, "receipt_number": null, "rendering": null, "shipping_cost": null,
        "shipping_details": null, "starting_balance": 0, "statement_descriptor": null, "status": "draft",
        "status_transitions": {
            "finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null,
        },
        "subtotal": 0, "subtotal_excluding_tax": 0, "test_clock": customer.at("test_clock"), "total": 0,
        "total_discount_amounts": [], "total_excluding_tax": 0, "total_pretax_credit_amounts": [], "total_taxes": [],
        "webhooks_delivered_at": desk.now,
    }));
    invoice.set("_parent", subscription.map(|subscription| subscription.id().to_owned()));
    invoice.set("_days_until_due", draft.days_until_due);
    invoice
}

/// Sums an invoice: lines, less discounts.
pub(crate) fn total(desk: &mut Desk<'_, '_>, invoice: &mut Object) -> Result<(), StripeError> {
    let subtotal: i64 = invoice.list("lines.data").iter().filter_map(|line| line["amount"].as_i64()).sum();
    let discounted = discounts::apply(desk, invoice)?;
    let total = subtotal - discounted;
    for name in ["subtotal", "subtotal_excluding_tax"] {
        invoice.set(name, subtotal);
    }
    for name in ["total", "total_excluding_tax"] {
        invoice.set(name, total);
    }
    let due = (total + invoice.amount("starting_balance")).max(0);
    invoice.set("amount_due", due);
    invoice.set("amount_remaining", due);
    Ok(())
}

/// Finalises a draft: it gets its number, uses the customer's balance, and waits for payment, or is paid at once.
pub(crate) fn finalize(desk: &mut Desk<'_, '_>, mut invoice: Object) -> Result<Object, StripeError> {
    let customer_id = invoice.owned("customer").unwrap_or_default();
    let mut customer = desk.get("customer", &customer_id)?;
    if !customer.flag("deleted") {
        number(desk, &mut invoice, &mut customer)?;
        use_balance(desk, &mut invoice, &mut customer)?;
    }
    invoice.set("status", "open");
    invoice.set("automatically_finalizes_at", Value::Null);
    invoice.set("effective_at", desk.now);
    invoice.set("status_transitions.finalized_at", desk.now);
    let (page, pdf) = (format!("/invoices/{}", invoice.id()), format!("/invoices/{}/pdf", invoice.id()));
    invoice.set("hosted_invoice_url", desk.links.page(&page));
    invoice.set("invoice_pdf", desk.links.page(&pdf));
    discounts::mark_used(desk, &invoice)?;
    let due = invoice.amount("amount_due");
    if invoice.text("collection_method") == Some("send_invoice") {
        invoice.set("due_date", desk.now + invoice.int("_days_until_due").unwrap_or(30) * DAY);
    } else if due > 0 {
        prepare_payment(desk, &mut invoice)?;
    }
    desk.update_quietly(&invoice)?;
    desk.emit("invoice.finalized", &invoice)?;
    if due == 0 {
        return collection::mark_paid(desk, invoice, None);
    }
    if invoice.text("collection_method") == Some("send_invoice") {
        desk.emit("invoice.sent", &invoice)?;
    }
    Ok(invoice)
}

fn number(desk: &mut Desk<'_, '_>, invoice: &mut Object, customer: &mut Object) -> Result<(), StripeError> {
    let sequence = customer.int("next_invoice_sequence").unwrap_or(1);
    let prefix = customer.text("invoice_prefix").unwrap_or("TWIN").to_owned();
    invoice.set("number", format!("{prefix}-{sequence:04}"));
    customer.set("next_invoice_sequence", sequence + 1);
    desk.update_quietly(customer)
}

fn use_balance(
    desk: &mut Desk<'_, '_>,
    invoice: &mut Object,
    customer: &mut Object,
) -> Result<(), StripeError> {
    let (starting, total) = (customer.amount("balance"), invoice.amount("total"));
    let due = (total + starting).max(0);
    let ending = starting + total - due;
    invoice.set("starting_balance", starting);
    invoice.set("ending_balance", ending);
    invoice.set("amount_due", due);
    invoice.set("amount_remaining", due);
    if ending == starting {
        return Ok(());
    }
    let change = balance::Change {
        amount: ending - starting,
        currency: invoice.owned("currency").unwrap_or_default(),
        kind: "applied_to_invoice",
        description: None,
        invoice: Some(invoice.id().to_owned()),
        credit_note: None,
    };
    balance::change(desk, customer, &change).map(drop)
}

/// Makes the payment intent of an open invoice and notes it as its default payment.
fn prepare_payment(desk: &mut Desk<'_, '_>, invoice: &mut Object) -> Result<(), StripeError> {
    let (due, currency) = (invoice.amount("amount_due"), invoice.owned("currency").unwrap_or_default());
    let mut intent = payment_intent::shape(desk, due, &currency, invoice.text("customer"));
    let what = if invoice.at("_parent").is_string() {
        "Subscription creation or renewal"
    } else {
        "Payment for Invoice"
    };
    intent.set("description", what);
    intent.set("setup_future_usage", invoice.at("_parent").is_string().then_some("off_session"));
    intent.set("_invoice", invoice.id());
    desk.insert(&intent, "payment_intent.created")?;
    invoice.set(
        "confirmation_secret",
        json!({"client_secret": intent.at("client_secret"), "type": "payment_intent"}),
    );
    invoice.set("_payment_intent", intent.id());
    let payment = Object::new(json!({
        "id": desk.id("inpay_1"), "object": "invoice_payment", "amount_paid": null, "amount_requested": due,
        "created": desk.now, "currency": currency, "invoice": invoice.id(), "is_default": true, "livemode": false,
        "payment": {"type": "payment_intent", "payment_intent": intent.id()}, "status": "open",
        "status_transitions": {"canceled_at": null, "paid_at": null},
    }));
    desk.insert_quietly(&payment)
}
