//! Metered prices that come and go: what was used is billed by the price that stood then, once.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::{Twin, text, twin};

impl Twin {
    /// A meter with a price of its own each month; returns the price.
    async fn metered(&self, name: &str, each: i64) -> String {
        let meter = format!(
            "display_name={name}&event_name={name}&default_aggregation[formula]=sum&customer_mapping[type]=by_id\
             &customer_mapping[event_payload_key]=customer&value_settings[event_payload_key]=value"
        );
        let meter = self.post("/v1/billing/meters", &meter).await;
        let price = format!(
            "currency=usd&unit_amount={each}&product_data[name]={name}&recurring[interval]=month\
             &recurring[usage_type]=metered&recurring[meter]={}",
            text(&meter["id"])
        );
        text(&self.post("/v1/prices", &price).await["id"]).to_owned()
    }

    async fn used(&self, customer: &str, meter: &str, value: i64) {
        let event = format!("event_name={meter}&payload[customer]={customer}&payload[value]={value}");
        self.post("/v1/billing/meter_events", &event).await;
        self.clock.advance(Duration::from_hours(1));
    }

    /// Lets the period end, and returns what the renewal bills.
    async fn renewal(&self, subscription: &str) -> Vec<i64> {
        self.clock.advance(Duration::from_hours(31 * 24));
        self.settle().await;
        let now = self.get(&format!("/v1/subscriptions/{subscription}")).await;
        self.last_invoice(&now).await.0
    }

    /// Returns what the last invoice of a subscription came to, line by line, and where it stands.
    async fn last_invoice(&self, subscription: &Value) -> (Vec<i64>, String) {
        let invoice = self.get(&format!("/v1/invoices/{}", text(&subscription["latest_invoice"]))).await;
        let lines = invoice["lines"]["data"].as_array().expect("lines").iter();
        let mut amounts: Vec<i64> = lines.filter_map(|line| line["amount"].as_i64()).collect();
        amounts.sort_unstable();
        (amounts, text(&invoice["status"]).to_owned())
    }

    /// Adds and deletes items of a subscription; returns the id of the last one.
    async fn change(&self, subscription: &str, form: &str) -> String {
        let changed = self.post(&format!("/v1/subscriptions/{subscription}"), form).await;
        let items = changed["items"]["data"].as_array().expect("items");
        assert!(items.iter().all(|item| item.get("_since").is_none()), "{changed}");
        text(&items.last().expect("an item")["id"]).to_owned()
    }
}

#[tokio::test]
async fn what_was_used_is_billed_when_its_price_goes_and_counted_from_when_it_comes() {
    for (evening_out, billed) in [("create_prorations", vec![12, 70, 1000]), ("none", vec![12, 1000])] {
        let twin = twin().await;
        let (customer, subscription) = twin.subscriber("pm_card_visa").await;
        let (runs, deals) = (twin.metered("runs", 7).await, twin.metered("deals", 3).await);
        let id = text(&subscription["id"]);
        let item = twin.change(id, &format!("items[0][price]={runs}")).await;
        twin.used(&customer, "runs", 10).await;
        twin.used(&customer, "deals", 6).await;
        let swap = format!(
            "items[0][id]={item}&items[0][deleted]=true&items[1][price]={deals}&proration_behavior={evening_out}"
        );
        twin.change(id, &swap).await;
        twin.used(&customer, "deals", 4).await;
        twin.used(&customer, "runs", 5).await;
        assert_eq!(twin.renewal(id).await, billed, "{evening_out}");
    }
}

#[tokio::test]
async fn a_phase_that_ends_a_metered_price_bills_its_last_period_unless_it_evens_nothing_out() {
    for (evening_out, billed) in [("create_prorations", vec![70, 1000]), ("none", vec![1000])] {
        let twin = twin().await;
        let (customer, subscription) = twin.subscriber("pm_card_visa").await;
        let (runs, deals) = (twin.metered("runs", 7).await, twin.metered("deals", 3).await);
        let id = text(&subscription["id"]);
        twin.change(id, &format!("items[0][price]={runs}")).await;
        twin.used(&customer, "runs", 10).await;
        twin.used(&customer, "deals", 6).await;
        let schedule = twin.post("/v1/subscription_schedules", &format!("from_subscription={id}")).await;
        let licensed = text(&subscription["items"]["data"][0]["price"]["id"]);
        let (start, end) = (&schedule["current_phase"]["start_date"], &schedule["current_phase"]["end_date"]);
        let phases = format!(
            "end_behavior=release&phases[0][start_date]={start}&phases[0][end_date]={end}\
             &phases[0][items][0][price]={licensed}&phases[0][items][0][quantity]=1&phases[0][items][1][price]={runs}\
             &phases[1][items][0][price]={licensed}&phases[1][items][0][quantity]=1&phases[1][items][1][price]={deals}\
             &phases[1][duration][interval]=month&phases[1][proration_behavior]={evening_out}"
        );
        twin.post(&format!("/v1/subscription_schedules/{}", text(&schedule["id"])), &phases).await;
        assert_eq!(twin.renewal(id).await, billed, "{evening_out}");
        let now = twin.get(&format!("/v1/subscriptions/{id}")).await;
        assert_eq!(now["items"]["data"][1]["price"]["id"], deals.as_str());
    }
}

#[tokio::test]
async fn what_was_used_is_billed_when_a_subscription_ends_at_once_only_where_that_is_asked_for() {
    for (form, billed) in [
        ("invoice_now=true", Some(vec![-300, 70])),
        ("invoice_now=true&prorate=true", Some(vec![-1000, -300, 70])),
        ("prorate=true", None),
        ("", None),
    ] {
        let twin = twin().await;
        let (customer, subscription) = twin.subscriber("pm_card_visa").await;
        let runs = twin.metered("runs", 7).await;
        let path = format!("/v1/subscriptions/{}", text(&subscription["id"]));
        twin.change(text(&subscription["id"]), &format!("items[0][price]={runs}")).await;
        let event = format!("event_name=runs&payload[customer]={customer}&payload[value]=10");
        twin.post("/v1/billing/meter_events", &event).await;
        let item = format!("customer={customer}&amount=-300&currency=usd&description=thanks");
        twin.post("/v1/invoiceitems", &item).await;
        let ended = twin.call(Method::DELETE, &path, form).await.json();
        assert_eq!(ended["status"], "canceled", "{form}: {ended}");
        match billed {
            Some(billed) => {
                assert_eq!(twin.last_invoice(&ended).await, (billed, "paid".to_owned()), "{form}");
            }
            None => assert_eq!(ended["latest_invoice"], subscription["latest_invoice"], "{form}"),
        }
    }
}

#[tokio::test]
async fn what_was_used_is_billed_and_paid_when_a_subscription_ends_with_its_period() {
    for used in [10, 0] {
        let twin = twin().await;
        let (customer, subscription) = twin.subscriber("pm_card_visa").await;
        let runs = twin.metered("runs", 7).await;
        let path = format!("/v1/subscriptions/{}", text(&subscription["id"]));
        twin.change(text(&subscription["id"]), &format!("items[0][price]={runs}")).await;
        if used > 0 {
            twin.used(&customer, "runs", used).await;
        }
        twin.post(&path, "cancel_at_period_end=true").await;
        twin.clock.advance(Duration::from_hours(31 * 24));
        twin.settle().await;
        let ended = twin.get(&path).await;
        assert_eq!(ended["status"], "canceled", "{ended}");
        if used > 0 {
            assert_eq!(twin.last_invoice(&ended).await, (vec![70], "paid".to_owned()));
        } else {
            assert_eq!(ended["latest_invoice"], subscription["latest_invoice"], "nothing is owed");
        }
    }
}
