//! `quoin stripe-twin trigger EVENT`: makes an event happen by really doing what causes it.

use serde_json::{Value, json};

use super::{customer, dispute, payment_method, price, product, subscription};
use crate::billing::lifecycle;
use crate::billing::payment::{self, Presence};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::Params;
use crate::object::Object;
use crate::store::objects::{self, Listed};

/// Every event that can be triggered, and what is done for it.
const SCENES: &[(&str, Scene)] = &[
    ("customer.created", |desk| a_customer(desk, "pm_card_visa").map(drop)),
    ("payment_method.attached", |desk| a_customer(desk, "pm_card_visa").map(drop)),
    ("product.created", |desk| a_price(desk).map(drop)),
    ("price.created", |desk| a_price(desk).map(drop)),
    ("customer.subscription.created", |desk| a_subscription(desk).map(drop)),
    ("invoice.created", |desk| a_subscription(desk).map(drop)),
    ("invoice.finalized", |desk| a_subscription(desk).map(drop)),
    ("invoice.paid", |desk| a_subscription(desk).map(drop)),
    ("invoice.payment_succeeded", |desk| a_subscription(desk).map(drop)),
    ("customer.subscription.updated", |desk| {
        let made = a_subscription(desk)?;
        let change = Params::default().with("metadata", json!({"triggered": "true"}));
        subscription::change::update(desk, &made, &change).map(drop)
    }),
    ("customer.subscription.deleted", |desk| {
        let made = a_subscription(desk)?;
        lifecycle::end(desk, made, "canceled", "cancellation_requested").map(drop)
    }),
    ("customer.subscription.trial_will_end", |desk| {
        let made = a_trial(desk, 2)?;
        lifecycle::happen(desk, made)
    }),
    ("invoice.payment_failed", |desk| a_failed_subscription(desk)),
    ("payment_intent.succeeded", |desk| a_payment(desk, "pm_card_visa").map(drop)),
    ("charge.succeeded", |desk| a_payment(desk, "pm_card_visa").map(drop)),
    ("payment_intent.payment_failed", a_refused_payment),
    ("charge.failed", a_refused_payment),
    ("charge.refunded", |desk| {
        let charge = a_payment(desk, "pm_card_visa")?;
        super::refund::give_back(desk, charge, None, &Value::Null).map(drop)
    }),
    ("refund.created", |desk| {
        let charge = a_payment(desk, "pm_card_visa")?;
        super::refund::give_back(desk, charge, None, &Value::Null).map(drop)
    }),
    ("charge.dispute.created", |desk| {
        let charge = a_payment(desk, "pm_card_visa")?;
        dispute::open(desk, &charge, "fraudulent").map(drop)
    }),
];

type Scene = fn(&mut Desk<'_, '_>) -> Result<(), StripeError>;

/// Makes an event happen; returns the ids of all events that came of it.
pub(crate) fn trigger(desk: &mut Desk<'_, '_>, event: &str) -> Result<Vec<String>, StripeError> {
    let Some((_, scene)) = SCENES.iter().find(|(name, _)| *name == event) else {
        let known: Vec<&str> = SCENES.iter().map(|(name, _)| *name).collect();
        return Err(StripeError::invalid(format!(
            "No way is known to trigger {event}. Known: {}.",
            known.join(", ")
        )));
    };
    let listed = Listed { kind: "event", customer: None, parent: None };
    let last = objects::list_before(desk.tx, &listed, i64::MAX, 1)?.first().map_or(0, |(seq, _)| *seq);
    scene(desk)?;
    let events = objects::list_after(desk.tx, &listed, last, 100)?;
    Ok(events.into_iter().map(|(_, event)| event.id().to_owned()).collect())
}

fn a_customer(desk: &mut Desk<'_, '_>, card: &str) -> Result<Object, StripeError> {
    let params = Params::default().with("email", "trigger@example.com").with("name", "Trigger");
    let mut made = customer::create(desk, &params)?;
    let method = payment_method::attach(desk, card, made.id())?;
    made.set("invoice_settings.default_payment_method", method.id());
    desk.update(&made, "customer.updated")?;
    Ok(made)
}

fn a_price(desk: &mut Desk<'_, '_>) -> Result<Object, StripeError> {
    let made = product::create(desk, &Params::default().with("name", "Triggered product"))?;
    let params = Params::default()
        .with("currency", "usd")
        .with("unit_amount", 1500)
        .with("recurring", json!({"interval": "month"}))
        .with("product", made.id());
    price::create(desk, &params)
}

fn subscribe(desk: &mut Desk<'_, '_>, customer: &Object, days: i64) -> Result<Object, StripeError> {
    let price = a_price(desk)?;
    let params = Params::default()
        .with("customer", customer.id())
        .with("items", json!([{"price": price.id()}]))
        .with("trial_period_days", days);
    subscription::create::create(desk, &params)
}

fn a_subscription(desk: &mut Desk<'_, '_>) -> Result<Object, StripeError> {
    let customer = a_customer(desk, "pm_card_visa")?;
    subscribe(desk, &customer, 0)
}

fn a_trial(desk: &mut Desk<'_, '_>, days: i64) -> Result<Object, StripeError> {
    let customer = a_customer(desk, "pm_card_visa")?;
    subscribe(desk, &customer, days)
}

fn a_failed_subscription(desk: &mut Desk<'_, '_>) -> Result<(), StripeError> {
    let customer = a_customer(desk, "pm_card_chargeCustomerFail")?;
    subscribe(desk, &customer, 0).map(drop)
}

fn a_payment(desk: &mut Desk<'_, '_>, card: &str) -> Result<Object, StripeError> {
    let mut intent = super::payment_intent::shape(desk, 2000, "usd", None);
    desk.insert(&intent, "payment_intent.created")?;
    let mut method = payment_method::resolve(desk, card, "payment_method")?;
    payment::confirm(desk, &mut intent, &mut method, Presence::OnSession)?;
    desk.get("charge", intent.text("latest_charge").unwrap_or_default())
}

fn a_refused_payment(desk: &mut Desk<'_, '_>) -> Result<(), StripeError> {
    match a_payment(desk, "pm_card_chargeDeclined") {
        Err(error) if error.keeps_changes() => Ok(()),
        other => other.map(drop),
    }
}
