//! The doors: who may come in, and what events are believed.

use std::fmt::Write as _;
use std::sync::Arc;

use http::Method;
use quoin_db::testing::on_each_engine;
use quoin_kernel::hash::hmac_sha256;
use quoin_kernel::rng::SystemRng;
use quoin_kernel::{OrgId, Role, Secret, UserId};
use quoin_web::front::Front;
use quoin_web::testing::{TestApp, call, request, send};
use serde_json::{Value, json};

use super::harness::{House, MODULES};
use crate::{Entitled, Payments, PaymentsConfig, StripeConfig};

const SECRET: &str = "whsec_of_the_endpoint";

fn stripe(secrets: Option<&str>) -> StripeConfig {
    StripeConfig {
        secret_key: Some(Secret::new("sk_test_of_the_account".into())),
        webhook_secret: secrets.map(|text| Secret::new(text.to_owned())),
        api_url: Some("http://127.0.0.1:9".into()),
        account: None,
    }
}

fn front(test: &TestApp, config: &StripeConfig) -> Front {
    let entitled = Entitled::new(&test.app, &PaymentsConfig::default());
    let room = Payments::new(test.app.clone(), PaymentsConfig::default(), config, entitled).unwrap();
    test.front(room.module().routes)
}

fn signed(body: &str, secret: &str, seconds: i64) -> String {
    let digest = hmac_sha256(secret.as_bytes(), format!("{seconds}.{body}").as_bytes());
    let mut hex = String::new();
    for byte in digest {
        write!(hex, "{byte:02x}").unwrap();
    }
    format!("t={seconds},v1={hex}")
}

async fn post(front: &Front, body: &str, signature: Option<&str>) -> (u16, Value) {
    let mut builder = request(&Method::POST, "/stripe").header("content-type", "application/json");
    if let Some(signature) = signature {
        builder = builder.header("stripe-signature", signature);
    }
    let answer = send(front, builder.body(body.to_owned().into()).unwrap()).await;
    (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap_or_default())
}

fn event(id: &str, live: bool) -> String {
    json!({"id": id, "object": "event", "type": "customer.subscription.updated", "created": 1_785_585_600,
        "livemode": live, "data": {"object": {"id": "sub_1", "object": "subscription"}}})
    .to_string()
}

#[tokio::test]
async fn an_event_is_believed_by_its_signature_alone() {
    on_each_engine(MODULES, |db| async move {
        let test = TestApp::new(db);
        let now = test.app.now().as_seconds();
        let front = front(&test, &stripe(Some(&format!("whsec_the_old_one,{SECRET}"))));
        let body = event("evt_1", false);
        let good = signed(&body, SECRET, now);
        for (wrong, name) in [
            (None, "none"),
            (Some(String::new()), "empty"),
            (Some(format!("t={now},v1=")), "empty signature"),
            (Some(signed(&body, "whsec_another", now)), "another secret"),
            (Some(signed("{}", SECRET, now)), "another body"),
            (Some(signed(&body, SECRET, now - 301)), "too old"),
            (Some(signed(&body, SECRET, now + 301)), "from the future"),
            (Some(good.replace("v1=", "v0=")), "another scheme"),
            (Some(good.replacen("t=", "t=1,t=", 1)), "two times"),
            (Some(good.replace(&now.to_string(), &(now - 1).to_string())), "another time"),
        ] {
            let (status, answer) = post(&front, &body, wrong.as_deref()).await;
            assert_eq!((status, answer["code"].as_str()), (400, Some("webhook_not_believed")), "{name}");
        }
        assert_eq!(post(&front, &body, Some(&good)).await.1["known"], false);
        assert_eq!(post(&front, &body, Some(&good)).await.1["known"], true);
        let old = event("evt_2", false);
        assert_eq!(post(&front, &old, Some(&signed(&old, "whsec_the_old_one", now - 299))).await.0, 200);
        let rolled = format!(
            "{},v1={}",
            signed(&old, "whsec_gone", now),
            signed(&old, SECRET, now).split_once("v1=").unwrap().1
        );
        assert_eq!(post(&front, &old, Some(&rolled)).await.0, 200);
        let no_event = "{\"id\": \"evt\"}";
        assert_eq!(post(&front, no_event, Some(&signed(no_event, SECRET, now))).await.0, 400);
    })
    .await;
}

#[tokio::test]
async fn without_a_secret_no_event_is_believed() {
    on_each_engine(MODULES, |db| async move {
        let test = TestApp::new(db);
        let now = test.app.now().as_seconds();
        let front = front(&test, &stripe(None));
        let body = event("evt_1", false);
        for secret in ["", "whsec_guess"] {
            let (status, answer) = post(&front, &body, Some(&signed(&body, secret, now))).await;
            assert_eq!((status, answer["code"].as_str()), (503, Some("webhook_not_set_up")));
        }
    })
    .await;
}

#[tokio::test]
async fn events_of_another_mode_or_account_are_kept_and_not_followed() {
    on_each_engine(MODULES, |db| async move {
        let test = TestApp::new(db.clone());
        let now = test.app.now().as_seconds();
        let front = front(&test, &stripe(Some(SECRET)));
        let other = event("evt_connect", false).replacen('{', "{\"account\":\"acct_other\",", 1);
        let unknown =
            event("evt_new", false).replace("customer.subscription.updated", "treasury.moon.landed");
        for body in [event("evt_live", true), other, unknown] {
            assert_eq!(post(&front, &body, Some(&signed(&body, SECRET, now))).await.0, 200);
        }
        let states: Vec<String> =
            quoin_db::testing::select(&db, "select state from quoin.payments_events order by id", [])
                .await
                .unwrap();
        assert_eq!(states, ["refused", "refused", "ignored"]);
        let objects: Vec<i64> =
            quoin_db::testing::select(&db, "select count(*) from quoin.payments_objects", []).await.unwrap();
        assert_eq!(objects, [0]);
    })
    .await;
}

#[tokio::test]
async fn only_whoever_may_spend_can_spend_and_only_towards_allowed_places() {
    on_each_engine(MODULES, |db| async move {
        let house = House::new(db, PaymentsConfig::default());
        house.pro().await;
        let front = house.test.front(house.room.module().routes);
        let org = OrgId::new(house.now(), &SystemRng::default());
        let person = || UserId::new(house.now(), &SystemRng::default());
        let (owner, member, stranger, alone) = (person(), person(), person(), person());
        house.test.members.join(owner, org, Role::Owner);
        house.test.members.join(member, org, Role::Member);
        let wish = |url: &str| json!({"plan": "pro", "success_url": url, "cancel_url": "http://127.0.0.1:8080/back"});
        let home = "http://127.0.0.1:8080/done?session={CHECKOUT_SESSION_ID}";
        let start = async |who: Option<String>, url: &str| {
            let body = wish(url);
            let answer = call(&front, &Method::POST, "/plans/checkout", who.as_deref(), Some(&body)).await;
            (answer.status.as_u16(), answer.code(), answer.body)
        };
        assert_eq!(start(None, home).await.0, 401);
        assert_eq!(start(Some(format!("user:{member}@{org}")), home).await.0, 403);
        assert_eq!(start(Some(format!("user:{stranger}@{org}")), home).await.0, 404);
        assert_eq!(start(Some("key".into()), home).await.0, 403);
        let (status, code, _) = start(Some(format!("user:{owner}@{org}")), "https://evil.example.com/").await;
        assert_eq!((status, code.as_str()), (400, "redirect_not_allowed"));
        let (status, _, body) = start(Some(format!("user:{owner}@{org}")), home).await;
        assert_eq!(status, 200, "{body:?}");
        let session = house.provider.with(|books| books.wishes.values().next().unwrap().success_url.clone());
        assert!(session.ends_with("{CHECKOUT_SESSION_ID}"), "{session}");
        assert_eq!(start(Some(format!("user:{alone}")), home).await.0, 200);
        assert_eq!(house.provider.with(|books| books.customers.len()), 2);
    })
    .await;
}

#[tokio::test]
async fn plans_are_everybodys_to_read_and_the_platforms_to_make() {
    on_each_engine(MODULES, |db| async move {
        let house = House::new(db, PaymentsConfig::default());
        let front = house.test.front(house.room.module().routes);
        let plan = json!({"id": "pro", "name": "Pro", "description": null, "active": true,
            "prices": [{"interval": "month", "amount": 1900, "currency": "USD", "trial_days": 0}],
            "entitlements": {"seats": {"limit": 5, "mode": "hard"}, "export": true}});
        let user = format!("user:{}", UserId::new(house.now(), &SystemRng::default()));
        let org_key = format!("key@{}", OrgId::new(house.now(), &SystemRng::default()));
        for (who, status) in
            [(None, 401), (Some(user.as_str()), 403), (Some(org_key.as_str()), 403), (Some("key"), 201)]
        {
            let answer = call(&front, &Method::POST, "/payments/v1/plans", who, Some(&plan)).await;
            assert_eq!(answer.status.as_u16(), status, "{who:?}");
        }
        let listed = call(&front, &Method::GET, "/payments/v1/plans", None, None).await.json();
        let seen = &listed["data"][0];
        assert_eq!(
            (&seen["id"], &seen["prices"][0]["currency"], &seen["entitlements"]["seats"]["limit"]),
            (&json!("pro"), &json!("usd"), &json!(5))
        );
        assert_eq!(
            call(&front, &Method::DELETE, "/payments/v1/plans/pro", Some("key"), None).await.status.as_u16(),
            204
        );
        let gone = call(&front, &Method::GET, "/payments/v1/plans", None, None).await.json();
        assert_eq!(gone["data"], json!([]));
        for path in ["/payments/v1/plans/no-such", "/payments/v1/plans/NO%20SUCH"] {
            assert_eq!(
                call(&front, &Method::PATCH, path, Some("key"), Some(&json!({}))).await.status.as_u16(),
                404
            );
        }
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_others_does_not_exist() {
    on_each_engine(MODULES, |db| async move {
        let house = Arc::new(House::new(db, PaymentsConfig::default()));
        house.pro().await;
        let front = house.test.front(house.room.module().routes);
        let owner = UserId::new(house.now(), &SystemRng::default());
        let one = house.subscribe(quoin_kernel::billing::Subject::User(owner), "pro").await;
        let (mine, theirs) =
            (format!("user:{owner}"), format!("user:{}", UserId::new(house.now(), &SystemRng::default())));
        for path in ["", "/explain"] {
            let path = format!("/payments/v1/subscriptions/{}{path}", one.id);
            assert_eq!(call(&front, &Method::GET, &path, Some(&mine), None).await.status.as_u16(), 200);
            assert_eq!(call(&front, &Method::GET, &path, Some(&theirs), None).await.status.as_u16(), 404);
        }
        for verb in ["change", "preview", "cancel", "resume"] {
            let path = format!("/payments/v1/subscriptions/{}/{verb}", one.id);
            assert_eq!(
                call(&front, &Method::POST, &path, Some(&theirs), Some(&json!({}))).await.status.as_u16(),
                404
            );
        }
        assert_eq!(house.only(quoin_kernel::billing::Subject::User(owner)).await, one);
    })
    .await;
}
