//! The twin in process: its statements, its doors, its invariants.

mod metered;
mod pauses;

use std::sync::Arc;

use axum::body::Body;
use http::Method;
use quoin_db::testing::{TestDatabase, databases, refused_statements};
use quoin_kernel::clock::FixedClock;
use quoin_web::testing::{TestAnswer, TestApp, request, send};
use quoin_web::{App, Front, Mode, WebConfig};
use serde_json::Value;

use crate::{MIGRATIONS, STATEMENTS, StripeTwin};

struct Twin {
    room: StripeTwin,
    front: Front,
    clock: Arc<FixedClock>,
    app: App,
    // The file goes away with its handle.
    _database: TestDatabase,
}

/// A fresh twin on SQLite, as it always runs.
async fn twin() -> Twin {
    let db = quoin_db::testing::fresh_sqlite();
    let test = TestApp::new(quoin_db::Db::clone(&db));
    let room = StripeTwin::on(&test.app, quoin_db::Db::clone(&db)).await.expect("the twin opens");
    let front = test.front(room.module().routes);
    Twin { room, front, clock: test.clock, app: test.app, _database: db }
}

impl Twin {
    async fn call(&self, method: Method, path: &str, form: &str) -> TestAnswer {
        let request = request(&method, path)
            .header("authorization", "Bearer sk_test_x")
            .header("content-type", "application/x-www-form-urlencoded");
        send(&self.front, request.body(Body::from(form.to_owned())).expect("a request")).await
    }

    async fn post(&self, path: &str, form: &str) -> Value {
        let answer = self.call(Method::POST, path, form).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json());
        answer.json()
    }

    async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, "").await.json()
    }

    /// A customer with this card, who subscribes to a price of 10 a month.
    async fn subscriber(&self, card: &str) -> (String, Value) {
        let customer = self.post("/v1/customers", "email=a@example.com").await;
        let customer = customer["id"].as_str().expect("an id").to_owned();
        let method =
            self.post(&format!("/v1/payment_methods/{card}/attach"), &format!("customer={customer}")).await;
        let price = self
            .post(
                "/v1/prices",
                "currency=usd&unit_amount=1000&recurring[interval]=month&product_data[name]=Pro",
            )
            .await;
        let form = format!(
            "customer={customer}&items[0][price]={}&default_payment_method={}",
            text(&price["id"]),
            text(&method["id"])
        );
        let subscription = self.post("/v1/subscriptions", &form).await;
        (customer, subscription)
    }

    /// Lets everything happen that is due.
    async fn settle(&self) {
        crate::work::settle(&self.room).await.expect("what is due happens");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[tokio::test]
async fn every_statement_is_understood_by_both_engines() {
    for database in databases() {
        quoin_db::migrate(&database, &[MIGRATIONS]).await.expect("the tables are made");
        let refused = refused_statements(&database, STATEMENTS).await.expect("an answer");
        assert!(refused.is_empty(), "{refused:#?}");
    }
}

#[tokio::test]
async fn it_does_not_open_in_production() {
    let db = quoin_db::testing::fresh_sqlite();
    let url = "https://example.com".parse().expect("a URL");
    let test = TestApp::with_config(quoin_db::Db::clone(&db), WebConfig::at(url, Mode::Production));
    let refused = StripeTwin::on(&test.app, quoin_db::Db::clone(&db)).await.err().expect("it refuses");
    assert_eq!(refused.code(), "stripe_twin_in_production");
}

#[tokio::test]
async fn every_closure_may_run_twice() {
    let twin = twin().await;
    quoin_db::testing::force_reruns(twin.room.db(), true);
    let (customer, subscription) = twin.subscriber("pm_card_visa").await;
    assert_eq!(subscription["status"], "active");
    let invoices = twin.get(&format!("/v1/invoices?customer={customer}")).await;
    assert_eq!(invoices["data"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn without_a_clock_of_its_own_a_subscription_lives_by_the_real_one() {
    let twin = twin().await;
    let (customer, subscription) = twin.subscriber("pm_card_visa").await;
    for _ in 0..3 {
        twin.clock.advance(std::time::Duration::from_hours(31 * 24));
        twin.settle().await;
    }
    twin.clock.advance(std::time::Duration::from_hours(2));
    twin.settle().await;
    let invoices = twin.get(&format!("/v1/invoices?customer={customer}")).await;
    let invoices = invoices["data"].as_array().expect("a list");
    assert_eq!(invoices.len(), 4);
    assert!(invoices.iter().all(|invoice| invoice["status"] == "paid" && invoice["total"] == 1000));
    let now = twin.get(&format!("/v1/subscriptions/{}", text(&subscription["id"]))).await;
    assert!(now["items"]["data"][0]["current_period_end"].as_i64() > Some(twin.app.now().as_seconds()));
}

#[tokio::test]
async fn a_refused_card_keeps_its_traces_and_a_refused_request_leaves_none() {
    let twin = twin().await;
    let declined = "amount=500&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined";
    let answer = twin.call(Method::POST, "/v1/payment_intents", declined).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["type"]), (402, &Value::from("card_error")));
    assert_eq!(twin.get("/v1/charges").await["data"][0]["status"], "failed");
    let answer = twin.call(Method::POST, "/v1/customers", "name=x&payment_method=pm_nothing").await;
    assert_eq!(answer.status, 400);
    assert_eq!(twin.get("/v1/customers").await["data"], Value::from(Vec::<Value>::new()));
}

#[tokio::test]
async fn whatever_is_sent_is_answered_in_stripes_shape_and_never_with_500() {
    let twin = twin().await;
    let (customer, subscription) = twin.subscriber("pm_card_visa").await;
    let bodies = [
        "",
        "=",
        "a[=1",
        "items[0]=x",
        "items[99999]=x",
        "amount=-1",
        "amount=999999999999999999999",
        "expand[]=x.y.z",
        "expand=x",
        "metadata[a]=1&metadata[b][c]=2",
        "%00=%ff",
        "trial_end=99999999999999",
        "quantity=-5&id=%F0%9F%92%A9",
        "items[0][price]=price_x&items[0][quantity]=-1",
        "limit=0",
        "starting_after=nothing",
        "currency=%E2%82%AC",
    ];
    let ids =
        [customer.as_str(), text(&subscription["id"]), text(&subscription["latest_invoice"]), "nothing", ""];
    for resource in crate::objects::CATALOGUE {
        for operation in resource.operations {
            for id in ids {
                let path = operation.path.replace("{id}", id);
                for body in bodies {
                    let method: Method = operation.method.name().parse().expect("a method");
                    let (path, body) = match operation.method {
                        crate::api::operation::Method::Get => {
                            (format!("{path}?{}", body.replace('[', "%5B").replace(']', "%5D")), "")
                        }
                        _ => (path.clone(), body),
                    };
                    let answer = twin.call(method, &path, body).await;
                    assert!(answer.status.as_u16() < 500, "{path} {body}: {}", answer.status);
                    let shaped = answer.json();
                    let refused = answer.status.as_u16() >= 400;
                    assert!(
                        !refused
                            || shaped["error"]["type"].is_string()
                            || shaped["code"] == "bad_request"
                            || shaped["status"].is_number(),
                        "{path} {body}: {shaped}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn pages_escape_what_they_show_and_refuse_other_sites() {
    let twin = twin().await;
    let evil = "<script>alert(1)</script>";
    let form = format!(
        "mode=payment&success_url=https://a.example&line_items[0][quantity]=1&line_items[0][price_data][currency]=usd\
         &line_items[0][price_data][unit_amount]=100&line_items[0][price_data][product_data][name]={evil}"
    );
    let session = twin.post("/v1/checkout/sessions", &form).await;
    let path = format!("/_twin/checkout/{}", text(&session["id"]));
    let page = twin.call(Method::GET, &path, "").await;
    let shown = String::from_utf8_lossy(&page.body).into_owned();
    assert!(shown.contains("&lt;script&gt;") && !shown.contains(evil));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    for (name, value) in
        [("origin", "https://evil.example"), ("host", "evil.example"), ("sec-fetch-site", "cross-site")]
    {
        let host = if name == "host" { value } else { "127.0.0.1:8080" };
        let mut sent = request(&Method::POST, &path).header("host", host);
        if name != "host" {
            sent = sent.header(name, value);
        }
        let answer = send(&twin.front, sent.body(Body::from("do=pay")).expect("a request")).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_change_that_must_be_paid_is_undone_where_the_card_refuses_or_asks_for_the_customer() {
    let twin = twin().await;
    let (customer, made) = twin.subscriber("pm_card_visa").await;
    let path = format!("/v1/subscriptions/{}", text(&made["id"]));
    let change = format!(
        "items[0][id]={}&items[0][quantity]=5&proration_behavior=always_invoice&payment_behavior=error_if_incomplete",
        text(&made["items"]["data"][0]["id"])
    );
    for (card, code) in [
        ("pm_card_chargeCustomerFail", "card_declined"),
        ("pm_card_authenticationRequired", "subscription_payment_intent_requires_action"),
    ] {
        twin.pay_by(&path, &customer, card).await;
        let refused = twin.call(Method::POST, &path, &change).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["code"]),
            (402, &code.into()),
            "{card}"
        );
        let still = twin.get(&path).await;
        assert_eq!((&still["items"]["data"][0]["quantity"], &still["status"]), (&1.into(), &"active".into()));
        assert_eq!(still["latest_invoice"], made["latest_invoice"], "{card}");
    }
    twin.pay_by(&path, &customer, "pm_card_visa").await;
    let changed = twin.post(&path, &change).await;
    assert_eq!(changed["items"]["data"][0]["quantity"], 5);
    let invoice = twin.get(&format!("/v1/invoices/{}", text(&changed["latest_invoice"]))).await;
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&"paid".into(), &4000.into()));
}
