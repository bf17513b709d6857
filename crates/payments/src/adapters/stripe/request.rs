//! Builds the form of each call. Pure: nothing is sent here.

use serde_json::Value;

use super::form::{Call, segment};
use super::items;
use crate::model::command::{
    ChangeSubscription, CouponDuration, CreateCoupon, CreateCustomer, PublishPrice, PublishProduct,
    ReportUsage, StartCheckout,
};
use crate::model::{ObjectKind, ObjectRef};
use crate::port::IntentKey;

/// The product id that a plan has for ever.
pub(super) fn product_id(plan_uuid: uuid::Uuid) -> String {
    format!("quoin_{}", plan_uuid.simple())
}

/// The look-up key that a price has for ever.
pub(super) fn lookup_key(price_id: uuid::Uuid) -> String {
    format!("quoin_{}", price_id.simple())
}

pub(super) fn create_product(wish: &PublishProduct) -> Call {
    texts(Call::post("/v1/products").with("id", product_id(wish.plan_uuid)), wish)
}

pub(super) fn update_product(wish: &PublishProduct, product: &str) -> Call {
    texts(Call::post(format!("/v1/products/{}", segment(product))), wish)
}

fn texts(call: Call, wish: &PublishProduct) -> Call {
    call.with("name", &wish.name)
        .with_some("description", wish.description.as_ref().filter(|text| !text.is_empty()))
        .with("active", wish.active)
        .with("metadata[quoin_plan]", &wish.plan_id)
}

pub(super) fn create_price(wish: &PublishPrice, meter: Option<&str>) -> Call {
    let mut call = Call::post("/v1/prices")
        .with("product", &wish.product)
        .with("currency", wish.currency)
        .with("unit_amount", wish.amount)
        .with("lookup_key", lookup_key(wish.price_id))
        .with("metadata[quoin_price]", wish.price_id)
        .with("metadata[quoin_trial_days]", wish.trial_days)
        .with("metadata[quoin_per_seat]", wish.per_seat);
    if let Some(interval) = wish.interval {
        call = call
            .with("recurring[interval]", interval.as_str())
            .with("recurring[interval_count]", wish.interval_count);
    }
    if let Some(meter) = meter {
        call = call.with("recurring[usage_type]", "metered").with("recurring[meter]", meter);
    }
    call
}

pub(super) fn find_price(price_id: uuid::Uuid) -> Call {
    Call::get("/v1/prices").with("lookup_keys[0]", lookup_key(price_id)).with("limit", 1)
}

pub(super) fn set_price(price: &str, active: bool) -> Call {
    Call::post(format!("/v1/prices/{}", segment(price))).with("active", active)
}

pub(super) fn list_prices(product: &str, after: Option<&str>) -> Call {
    Call::get("/v1/prices").with("product", product).with("limit", 100).with_some("starting_after", after)
}

pub(super) fn list_meters(after: Option<&str>) -> Call {
    Call::get("/v1/billing/meters").with("limit", 100).with_some("starting_after", after)
}

pub(super) fn create_meter(name: &str) -> Call {
    Call::post("/v1/billing/meters")
        .with("display_name", name)
        .with("event_name", name)
        .with("default_aggregation[formula]", "sum")
        .with("customer_mapping[type]", "by_id")
        .with("customer_mapping[event_payload_key]", "stripe_customer_id")
        .with("value_settings[event_payload_key]", "value")
}

pub(super) fn meter_event(report: &ReportUsage) -> Call {
    Call::post("/v1/billing/meter_events")
        .with("event_name", &report.meter)
        .with("payload[stripe_customer_id]", &report.customer)
        .with("payload[value]", report.amount)
        .with("identifier", &report.identifier)
        .with("timestamp", report.at_s)
}

pub(super) fn create_customer(wish: &CreateCustomer, key: &IntentKey) -> Call {
    Call::post("/v1/customers")
        .with_some("email", wish.email.as_ref())
        .with_some("name", wish.name.as_ref())
        .with("metadata[quoin_subject]", format!("{}:{}", wish.subject_kind, wish.subject_id))
        .with("metadata[quoin_intent]", key.intent)
}

pub(super) fn erase_customer(customer: &str) -> Call {
    Call::delete(format!("/v1/customers/{}", segment(customer)))
}

pub(super) fn read_customer(customer: &str) -> Call {
    Call::get(format!("/v1/customers/{}", segment(customer)))
}

pub(super) fn search_customer(key: &IntentKey) -> Call {
    Call::get("/v1/customers/search")
        .with("query", format!("metadata['quoin_intent']:'{}'", key.intent))
        .with("limit", 1)
}

pub(super) fn start_checkout(wish: &StartCheckout) -> Call {
    let mut call = Call::post("/v1/checkout/sessions")
        .with("mode", "subscription")
        .with("customer", &wish.customer)
        .with("client_reference_id", &wish.subject)
        .with("success_url", &wish.success_url)
        .with("cancel_url", &wish.cancel_url)
        .with("expires_at", wish.expires_at_s)
        .with("line_items[0][price]", &wish.price)
        .with("line_items[0][quantity]", wish.quantity)
        .with("metadata[quoin_checkout]", wish.checkout_id)
        .with("metadata[quoin_subject]", &wish.subject);
    for (at, price) in wish.metered_prices.iter().enumerate() {
        call = call.with(format!("line_items[{}][price]", at + 1), price);
    }
    call = call
        .with("subscription_data[metadata][quoin_subject]", &wish.subject)
        .with("subscription_data[metadata][quoin_checkout]", wish.checkout_id)
        .with("subscription_data[metadata][quoin_plan]", &wish.plan_id)
        .with("subscription_data[metadata][quoin_plan_version]", wish.plan_version)
        .with_some("subscription_data[trial_period_days]", Some(wish.trial_days).filter(|days| *days > 0));
    if wish.collect_tax_id {
        // Stripe asks for this where the customer is there already: name and address may follow the tax id.
        call = call
            .with("tax_id_collection[enabled]", true)
            .with("customer_update[name]", "auto")
            .with("customer_update[address]", "auto");
    }
    match &wish.promotion {
        Some(code) => call.with("discounts[0][promotion_code]", code),
        None => call.with("allow_promotion_codes", true),
    }
}

pub(super) fn list_checkouts(customer: &str) -> Call {
    Call::get("/v1/checkout/sessions").with("customer", customer).with("limit", 100)
}

pub(super) fn expire_checkout(session: &str) -> Call {
    Call::post(format!("/v1/checkout/sessions/{}/expire", segment(session)))
}

pub(super) fn open_portal(customer: &str, return_url: &str) -> Call {
    Call::post("/v1/billing_portal/sessions").with("customer", customer).with("return_url", return_url)
}

/// Changes a subscription with these items, as they were read just now.
pub(super) fn change(wish: &ChangeSubscription, present: &[Value]) -> Call {
    let call = Call::post(format!("/v1/subscriptions/{}", segment(&wish.subscription)));
    items::change(call, "items", wish, present)
        .with("proration_behavior", proration(wish))
        .with_some("payment_behavior", wish.paid_first.then_some("error_if_incomplete"))
        .with_some("trial_end", wish.ends_trial.then_some("now"))
        .with("metadata[quoin_plan]", &wish.plan_id)
        .with("metadata[quoin_plan_version]", wish.plan_version)
}

pub(super) fn preview(wish: &ChangeSubscription, present: &[Value]) -> Call {
    let call = Call::post("/v1/invoices/create_preview")
        .with("customer", &wish.customer)
        .with("subscription", &wish.subscription);
    items::change(call, "subscription_details[items]", wish, present)
        .with("subscription_details[proration_behavior]", proration(wish))
        .with_some("subscription_details[trial_end]", wish.ends_trial.then_some("now"))
}

/// Says how the rest of the period is evened out: not, at once, or with the next invoice.
const fn proration(wish: &ChangeSubscription) -> &'static str {
    match (wish.prorate, wish.paid_first) {
        (false, _) => "none",
        (true, true) => "always_invoice",
        (true, false) => "create_prorations",
    }
}

pub(super) fn upcoming(customer: &str, subscription: &str) -> Call {
    Call::post("/v1/invoices/create_preview").with("customer", customer).with("subscription", subscription)
}

/// Ends a subscription. At once, what was used is billed by a last invoice, and what is paid is not given back.
pub(super) fn cancel(subscription: &str, at_once: bool) -> Call {
    let path = format!("/v1/subscriptions/{}", segment(subscription));
    if at_once {
        Call::delete(path).with("invoice_now", true).with("prorate", false)
    } else {
        Call::post(path).with("cancel_at_period_end", true)
    }
}

pub(super) fn resume(subscription: &str) -> Call {
    Call::post(format!("/v1/subscriptions/{}", segment(subscription))).with("cancel_at_period_end", false)
}

/// Which payment paid an invoice, and which invoice a payment paid.
pub(super) fn payments_of_invoice(invoice: &str) -> Call {
    Call::get("/v1/invoice_payments").with("invoice", invoice).with("limit", 10)
}

pub(super) fn invoices_of_payment(payment_intent: &str) -> Call {
    Call::get("/v1/invoice_payments")
        .with("payment[type]", "payment_intent")
        .with("payment[payment_intent]", payment_intent)
        .with("limit", 1)
}

pub(super) fn refund(
    payment_intent: &str,
    wish: &crate::model::command::RefundCommand,
    key: &IntentKey,
) -> Call {
    Call::post("/v1/refunds")
        .with("payment_intent", payment_intent)
        .with_some("amount", wish.amount)
        .with_some("reason", wish.reason.as_ref())
        .with("metadata[quoin_invoice]", &wish.invoice)
        .with("metadata[quoin_intent]", key.intent)
}

pub(super) fn credit_note(wish: &crate::model::command::CreditNoteCommand, key: &IntentKey) -> Call {
    let some = |amount: i64| Some(amount).filter(|amount| *amount > 0);
    Call::post("/v1/credit_notes")
        .with("invoice", &wish.invoice)
        .with("amount", wish.amount)
        .with_some("refund_amount", some(wish.refund))
        .with_some("credit_amount", some(wish.balance))
        .with_some("out_of_band_amount", some(wish.out_of_band))
        .with_some("reason", wish.reason.as_ref())
        .with_some("memo", wish.memo.as_ref())
        .with("metadata[quoin_intent]", key.intent)
}

pub(super) fn list_credit_notes(invoice: &str) -> Call {
    Call::get("/v1/credit_notes").with("invoice", invoice).with("limit", 100)
}

pub(super) fn list_refunds(payment_intent: &str) -> Call {
    Call::get("/v1/refunds").with("payment_intent", payment_intent).with("limit", 100)
}

pub(super) fn create_coupon(wish: &CreateCoupon, key: &IntentKey) -> Call {
    let call = Call::post("/v1/coupons")
        .with("id", format!("quoin_{}", key.intent.simple()))
        .with("name", &wish.code)
        .with_some("percent_off", wish.percent_off)
        .with_some("amount_off", wish.amount_off)
        .with_some("currency", wish.currency)
        .with_some("max_redemptions", wish.max_redemptions);
    match wish.duration {
        CouponDuration::Once => call.with("duration", "once"),
        CouponDuration::Forever => call.with("duration", "forever"),
        CouponDuration::Months(months) => {
            call.with("duration", "repeating").with("duration_in_months", months)
        }
    }
}

pub(super) fn create_promotion(coupon: &str, code: &str) -> Call {
    Call::post("/v1/promotion_codes")
        .with("promotion[type]", "coupon")
        .with("promotion[coupon]", coupon)
        .with("code", code)
}

pub(super) fn find_promotion(code: &str) -> Call {
    Call::get("/v1/promotion_codes").with("code", code).with("limit", 1)
}

pub(super) fn set_promotion(promotion: &str, active: bool) -> Call {
    Call::post(format!("/v1/promotion_codes/{}", segment(promotion))).with("active", active)
}

/// Reads one object, with what is needed to understand it.
pub(super) fn fetch(object: &ObjectRef) -> Call {
    let id = segment(&object.id);
    match object.kind {
        ObjectKind::Product => Call::get(format!("/v1/products/{id}")),
        ObjectKind::Price => Call::get(format!("/v1/prices/{id}")),
        ObjectKind::Checkout => Call::get(format!("/v1/checkout/sessions/{id}")),
        ObjectKind::Subscription => Call::get(format!("/v1/subscriptions/{id}"))
            .with("expand[0]", "latest_invoice")
            .with("expand[1]", "discounts")
            .with("expand[2]", "schedule"),
        ObjectKind::Invoice => Call::get(format!("/v1/invoices/{id}")),
        ObjectKind::Refund => Call::get(format!("/v1/refunds/{id}")),
        ObjectKind::Dispute => Call::get(format!("/v1/disputes/{id}")),
        ObjectKind::Customer => read_customer(&object.id),
        ObjectKind::CreditNote => {
            Call::get(format!("/v1/credit_notes/{id}")).with("expand[0]", "customer_balance_transaction")
        }
    }
}

/// Lists what reconciliation compares, newest first; `None` for kinds that hang on those.
pub(super) fn list(kind: ObjectKind, after: Option<&str>) -> Option<Call> {
    let call = match kind {
        ObjectKind::Product => Call::get("/v1/products"),
        ObjectKind::Subscription => Call::get("/v1/subscriptions")
            .with("status", "all")
            .with("expand[0]", "data.latest_invoice")
            .with("expand[1]", "data.discounts")
            .with("expand[2]", "data.schedule"),
        ObjectKind::Invoice => Call::get("/v1/invoices"),
        ObjectKind::Refund => Call::get("/v1/refunds"),
        ObjectKind::Dispute => Call::get("/v1/disputes"),
        ObjectKind::CreditNote => {
            Call::get("/v1/credit_notes").with("expand[0]", "data.customer_balance_transaction")
        }
        ObjectKind::Price | ObjectKind::Checkout | ObjectKind::Customer => return None,
    };
    Some(call.with("limit", 100).with_some("starting_after", after))
}
