//! Pauses that outlast a period: what fell due meanwhile is void, and a new period is begun by paying for it.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::{Twin, text, twin};

const ANEW: &str =
    "pause_collection=&billing_cycle_anchor=now&proration_behavior=none&payment_behavior=error_if_incomplete";

impl Twin {
    /// Lets the period end, and its invoice be given up.
    async fn outlast(&self, path: &str) -> Value {
        for pause in [Duration::from_hours(31 * 24), Duration::from_hours(2)] {
            self.clock.advance(pause);
            self.settle().await;
        }
        let lapsed = self.get(path).await;
        assert_eq!(self.latest(&lapsed).await["status"], "void");
        lapsed
    }

    async fn latest(&self, subscription: &Value) -> Value {
        self.get(&format!("/v1/invoices/{}", text(&subscription["latest_invoice"]))).await
    }

    /// Makes the subscription pay by this card.
    pub(super) async fn pay_by(&self, path: &str, customer: &str, card: &str) {
        let attach = format!("/v1/payment_methods/{card}/attach");
        let method = self.post(&attach, &format!("customer={customer}")).await;
        self.post(path, &format!("default_payment_method={}", text(&method["id"]))).await;
    }
}

#[tokio::test]
async fn a_new_period_after_a_pause_is_paid_in_full_or_not_begun() {
    let twin = twin().await;
    let (customer, made) = twin.subscriber("pm_card_visa").await;
    let path = format!("/v1/subscriptions/{}", text(&made["id"]));
    twin.post(&path, "pause_collection[behavior]=void").await;
    let lapsed = twin.outlast(&path).await;
    twin.pay_by(&path, &customer, "pm_card_chargeCustomerFail").await;
    let refused = twin.call(Method::POST, &path, ANEW).await;
    assert_eq!(refused.status, 402, "{}", refused.json());
    let still = twin.get(&path).await;
    assert_eq!(
        (&still["pause_collection"]["behavior"], &still["latest_invoice"], &still["items"]),
        (&"void".into(), &lapsed["latest_invoice"], &lapsed["items"])
    );
    twin.pay_by(&path, &customer, "pm_card_visa").await;
    let goes_on = twin.post(&path, ANEW).await;
    let invoice = twin.latest(&goes_on).await;
    assert_eq!((&goes_on["status"], &goes_on["pause_collection"]), (&"active".into(), &Value::Null));
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&"paid".into(), &1000.into()));
    let item = &goes_on["items"]["data"][0];
    assert_eq!(item["current_period_start"], goes_on["billing_cycle_anchor"]);
    assert_eq!(item["current_period_start"], invoice["lines"]["data"][0]["period"]["start"]);
    assert!(
        item["current_period_start"].as_i64() > lapsed["items"]["data"][0]["current_period_start"].as_i64()
    );
}

#[tokio::test]
async fn while_collecting_is_paused_a_change_charges_nothing() {
    let twin = twin().await;
    let (_, made) = twin.subscriber("pm_card_visa").await;
    let path = format!("/v1/subscriptions/{}", text(&made["id"]));
    twin.post(&path, "pause_collection[behavior]=void").await;
    twin.outlast(&path).await;
    let changed = twin.post(&path, "billing_cycle_anchor=now&proration_behavior=none").await;
    let invoice = twin.latest(&changed).await;
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&"void".into(), &0.into()));
    assert_eq!(changed["status"], "active");
}
