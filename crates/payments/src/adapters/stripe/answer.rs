//! Reads Stripe's objects into our words. Pure. What is missing where it must not be is [`ProviderError::Garbled`].

use quoin_kernel::Timestamp;
use serde_json::Value;

use super::pause;
use crate::model::invoice::InvoiceLine;
use crate::model::money::Money;
use crate::model::remote::{
    CheckoutState, LatestInvoice, Metadata, RemoteChange, RemoteCheckout, RemoteCreditNote, RemoteDispute,
    RemoteInvoice, RemoteItem, RemotePrice, RemoteProduct, RemoteRefund, RemoteSubscription,
};
use crate::model::{Currency, Interval, Status};
use crate::port::{Preview, ProviderError};

type Read<T> = Result<T, ProviderError>;

fn garbled(what: &str) -> ProviderError {
    ProviderError::Garbled(format!("{what} is missing or of another type"))
}

/// Reads a text that must be there.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> Read<&'a str> {
    value[name].as_str().ok_or_else(|| garbled(name))
}

fn optional(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

/// Reads an id that may come alone or with its object.
pub(super) fn id(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["id"].as_str()).map(str::to_owned)
}

fn number(value: &Value, name: &str) -> Read<i64> {
    value[name].as_i64().ok_or_else(|| garbled(name))
}

fn flag(value: &Value, name: &str) -> bool {
    value[name].as_bool().unwrap_or(false)
}

fn time(value: &Value, name: &str) -> Option<Timestamp> {
    let seconds = value[name].as_i64()?;
    Some(Timestamp::from_micros(seconds.checked_mul(1_000_000)?))
}

fn currency(value: &Value) -> Read<Currency> {
    text(value, "currency")?.parse().map_err(|_| garbled("currency"))
}

fn metadata(value: &Value) -> Metadata {
    let pairs = value["metadata"].as_object().into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// Returns the rows of a list.
pub(super) fn rows(page: &Value) -> &[Value] {
    page["data"].as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn product(value: &Value, prices: &[Value]) -> Read<RemoteProduct> {
    Ok(RemoteProduct {
        id: text(value, "id")?.to_owned(),
        name: text(value, "name")?.to_owned(),
        description: optional(value, "description").filter(|text| !text.is_empty()),
        active: flag(value, "active"),
        live: flag(value, "livemode"),
        metadata: metadata(value),
        prices: prices.iter().filter_map(|price| self::price(price).transpose()).collect::<Read<_>>()?,
    })
}

/// Reads a price; `None` for tiers and amounts that customers choose, which no plan of ours can have.
pub(super) fn price(value: &Value) -> Read<Option<RemotePrice>> {
    let Some(amount) = value["unit_amount"].as_i64() else { return Ok(None) };
    let recurring = &value["recurring"];
    let interval = match recurring["interval"].as_str() {
        Some(name) => Some(Interval::parse(name).ok_or_else(|| garbled("recurring.interval"))?),
        None => None,
    };
    let metadata = metadata(value);
    let trial = metadata.get("quoin_trial_days").and_then(|days| days.parse().ok());
    Ok(Some(RemotePrice {
        id: text(value, "id")?.to_owned(),
        interval,
        interval_count: recurring["interval_count"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
        amount,
        currency: currency(value)?,
        active: flag(value, "active"),
        metered: recurring["usage_type"] == "metered",
        trial_days: trial.unwrap_or_default(),
        metadata,
    }))
}

pub(super) fn checkout(value: &Value) -> Read<RemoteCheckout> {
    let state = match text(value, "status")? {
        "open" => CheckoutState::Open,
        "complete" => CheckoutState::Complete,
        "expired" => CheckoutState::Expired,
        _ => return Err(garbled("status")),
    };
    Ok(RemoteCheckout {
        id: text(value, "id")?.to_owned(),
        state,
        customer: id(&value["customer"]),
        subscription: id(&value["subscription"]),
        subtotal: value["amount_subtotal"].as_i64(),
        currency: value["currency"].as_str().and_then(|text| text.parse().ok()),
        live: flag(value, "livemode"),
        metadata: metadata(value),
    })
}

pub(super) fn subscription(value: &Value) -> Read<RemoteSubscription> {
    let status = Status::parse(text(value, "status")?).ok_or_else(|| garbled("status"))?;
    let items: Vec<RemoteItem> = rows(&value["items"]).iter().map(item).collect::<Read<_>>()?;
    let period_end = items.iter().filter_map(|item| item.period_end).max();
    let at_period_end = flag(value, "cancel_at_period_end");
    let invoice = &value["latest_invoice"];
    let owes = matches!(status, Status::PastDue | Status::Unpaid);
    let unpaid_since = owes.then(|| time(invoice, "effective_at").or_else(|| time(invoice, "created")));
    Ok(RemoteSubscription {
        id: text(value, "id")?.to_owned(),
        customer: id(&value["customer"]).ok_or_else(|| garbled("customer"))?,
        status,
        started_at: time(value, "start_date")
            .or_else(|| time(value, "created"))
            .ok_or_else(|| garbled("created"))?,
        trial_end: time(value, "trial_end"),
        cancel_at: time(value, "cancel_at").or(period_end.filter(|_| at_period_end)),
        canceled_at: time(value, "canceled_at"),
        ended_at: time(value, "ended_at"),
        paused: value["pause_collection"].is_object(),
        resumes_at: resumes_at(value),
        latest_invoice: latest_invoice(invoice),
        waiting: waiting(&value["schedule"], &items)?,
        discount: discount(value),
        // Without the invoice, the begin of the period that is not paid for.
        unpaid_since: unpaid_since
            .map(|since| since.or(items.iter().filter_map(|item| item.period_start).max()))
            .unwrap_or_default(),
        live: flag(value, "livemode"),
        metadata: metadata(value),
        items,
    })
}

/// Reads when collecting begins again: what we noted, or what Stripe was told.
fn resumes_at(value: &Value) -> Option<Timestamp> {
    let pause = value["pause_collection"].is_object().then_some(&value["pause_collection"])?;
    let noted = value["metadata"][pause::RESUMES_AT].as_str().and_then(|text| text.parse::<i64>().ok());
    let noted = noted.and_then(|seconds| seconds.checked_mul(1_000_000)).map(Timestamp::from_micros);
    noted.or_else(|| time(pause, "resumes_at"))
}

fn latest_invoice(value: &Value) -> Option<LatestInvoice> {
    Some(LatestInvoice { id: optional(value, "id")?, status: optional(value, "status")? })
}

/// Reads from a subscription's schedule what comes after the present phase, where something does.
fn waiting(schedule: &Value, items: &[RemoteItem]) -> Read<Option<RemoteChange>> {
    if schedule["status"] != "active" {
        return Ok(None);
    }
    let ends = &schedule["current_phase"]["end_date"];
    let phases = schedule["phases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(next) = phases.iter().find(|phase| phase["start_date"] == *ends) else { return Ok(None) };
    let metered = |price: &str| items.iter().any(|item| item.metered && item.price == price);
    let lines = next["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut sold = lines.iter().filter_map(|line| Some((id(&line["price"])?, line)));
    // What a new plan meters is on no item yet; but only what is paid in advance has a quantity.
    let in_advance = |(price, line): &(String, &Value)| line["quantity"].is_i64() && !metered(price);
    let Some((price, line)) = sold.find(in_advance) else { return Ok(None) };
    Ok(Some(RemoteChange {
        price,
        quantity: line["quantity"].as_i64().unwrap_or(1),
        at: time(next, "start_date").ok_or_else(|| garbled("phases.start_date"))?,
        metadata: metadata(next),
    }))
}

/// The first coupon in force. Where it stands depends on how much of the discount was expanded.
fn discount(value: &Value) -> Option<String> {
    let first = value["discounts"].as_array()?.first()?;
    id(&first["source"]["coupon"]).or_else(|| id(&first["coupon"])).or_else(|| id(first))
}

fn item(value: &Value) -> Read<RemoteItem> {
    let price = &value["price"];
    Ok(RemoteItem {
        id: text(value, "id")?.to_owned(),
        price: text(price, "id")?.to_owned(),
        product: id(&price["product"]).ok_or_else(|| garbled("price.product"))?,
        quantity: value["quantity"].as_i64().unwrap_or(1),
        amount: price["unit_amount"].as_i64().unwrap_or_default(),
        currency: currency(price)?,
        metered: price["recurring"]["usage_type"] == "metered",
        created_at: time(value, "created").ok_or_else(|| garbled("items.created"))?,
        period_start: time(value, "current_period_start"),
        period_end: time(value, "current_period_end"),
    })
}

pub(super) fn invoice(value: &Value) -> Read<RemoteInvoice> {
    let transitions = &value["status_transitions"];
    let parent = &value["parent"]["subscription_details"]["subscription"];
    Ok(RemoteInvoice {
        id: optional(value, "id").unwrap_or_default(),
        customer: id(&value["customer"]).ok_or_else(|| garbled("customer"))?,
        subscription: id(parent),
        number: optional(value, "number"),
        status: optional(value, "status").unwrap_or_else(|| "draft".to_owned()),
        currency: currency(value)?,
        subtotal: number(value, "subtotal")?,
        total: number(value, "total")?,
        amount_paid: number(value, "amount_paid")?,
        amount_remaining: number(value, "amount_remaining")?,
        lines: rows(&value["lines"]).iter().map(line).collect::<Read<_>>()?,
        hosted_url: optional(value, "hosted_invoice_url"),
        pdf_url: optional(value, "invoice_pdf"),
        issued_at: time(transitions, "finalized_at")
            .or_else(|| time(value, "created"))
            .ok_or_else(|| garbled("created"))?,
        due_at: time(value, "due_date"),
        paid_at: time(transitions, "paid_at"),
        next_attempt_at: time(value, "next_payment_attempt"),
        live: flag(value, "livemode"),
    })
}

fn line(value: &Value) -> Read<InvoiceLine> {
    let parent = &value["parent"];
    let details = [&parent["subscription_item_details"], &parent["invoice_item_details"]];
    Ok(InvoiceLine {
        description: optional(value, "description"),
        amount: number(value, "amount")?,
        quantity: value["quantity"].as_i64(),
        period_start: time(&value["period"], "start"),
        period_end: time(&value["period"], "end"),
        proration: details.iter().any(|details| details["proration"] == true),
    })
}

pub(super) fn preview(value: &Value) -> Read<Preview> {
    Ok(Preview {
        currency: currency(value)?,
        total: number(value, "total")?,
        amount_due: number(value, "amount_due")?,
        lines: rows(&value["lines"]).iter().map(line).collect::<Read<_>>()?,
    })
}

pub(super) fn refund(value: &Value, invoice: Option<String>) -> Read<RemoteRefund> {
    Ok(RemoteRefund {
        id: text(value, "id")?.to_owned(),
        invoice: value["metadata"]["quoin_invoice"].as_str().map(str::to_owned).or(invoice),
        amount: number(value, "amount")?,
        currency: currency(value)?,
        reason: optional(value, "reason"),
        status: optional(value, "status").unwrap_or_else(|| "pending".to_owned()),
        created_at: time(value, "created").ok_or_else(|| garbled("created"))?,
    })
}

pub(super) fn dispute(value: &Value, invoice: Option<String>) -> Read<RemoteDispute> {
    let status = text(value, "status")?;
    let settled = matches!(status, "won" | "warning_closed" | "prevented");
    Ok(RemoteDispute {
        id: text(value, "id")?.to_owned(),
        invoice,
        stands: !settled,
        lost: status == "lost",
        created_at: time(value, "created").ok_or_else(|| garbled("created"))?,
    })
}

pub(super) fn credit_note(value: &Value) -> Read<RemoteCreditNote> {
    let refunds = value["refunds"].as_array().map(Vec::as_slice).unwrap_or_default();
    // The balance is kept the other way round there: what is in the customer's favour is negative.
    let credited = value["customer_balance_transaction"]["amount"].as_i64().unwrap_or_default();
    Ok(RemoteCreditNote {
        id: text(value, "id")?.to_owned(),
        invoice: id(&value["invoice"]).ok_or_else(|| garbled("invoice"))?,
        number: optional(value, "number"),
        amount: number(value, "amount")?,
        currency: currency(value)?,
        reason: optional(value, "reason"),
        memo: optional(value, "memo"),
        refunded: refunds.iter().filter_map(|refund| refund["amount_refunded"].as_i64()).sum(),
        credited: -credited,
        out_of_band: value["out_of_band_amount"].as_i64().unwrap_or_default(),
        refunds: refunds.iter().filter_map(|refund| id(&refund["refund"])).collect(),
        status: text(value, "status")?.to_owned(),
        created_at: time(value, "created").ok_or_else(|| garbled("created"))?,
    })
}

/// Reads what a customer has in their favour.
pub(super) fn balance(value: &Value) -> Read<Option<Money>> {
    if value["currency"].is_null() {
        return Ok(None);
    }
    Ok(Some(Money { amount: -number(value, "balance")?, currency: currency(value)? }))
}
