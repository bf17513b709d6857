//! Limits: exact under any number of callers, right at once after a change.

use std::sync::Arc;
use std::time::Duration;

use quoin_kernel::billing::Subject;
use quoin_kernel::port::Billing;
use quoin_web::entitlements::{API_CALLS, Denied, Entitlements, Wish};
use serde_json::json;

use super::harness::{House, in_house, in_house_with};
use crate::PaymentsConfig;
use crate::model::Status;
use crate::service::change_subscription::Deed;
use crate::service::manage_plans::PlanChange;
use crate::service::report_usage::Report;

async fn take(house: &House, subject: Subject, meter: &'static str, amount: i64) -> Result<(), Denied> {
    let (entitled, now) = (house.room.entitled().clone(), house.now());
    house.write(move |tx| entitled.take(tx, &Wish { subject, meter, amount, now })).await
}

#[tokio::test]
async fn fifty_at_once_get_what_the_plan_allows_and_not_one_more() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        house.subscribe(subject, "pro").await;
        let house = Arc::new(house);
        let mut set = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let house = house.clone();
            set.spawn(async move { take(&house, subject, "projects", 1).await.is_ok() });
        }
        let got = set.join_all().await.into_iter().filter(|got| *got).count();
        assert_eq!(got, 3);
        let Err(Denied::Limit(reached)) = take(&house, subject, "projects", 2).await else { panic!() };
        assert_eq!((reached.limit, reached.used, reached.wanted), (3, 3, 2));
        assert!(!reached.upgrade_url.is_empty());
        let (entitled, now) = (house.room.entitled().clone(), house.now());
        house
            .write(move |tx| entitled.give_back(tx, &Wish { subject, meter: "projects", amount: 1, now }))
            .await
            .unwrap();
        take(&house, subject, "projects", 1).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_undone_is_not_counted() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        house.subscribe(subject, "pro").await;
        let (entitled, now) = (house.room.entitled().clone(), house.now());
        let undone: Result<(), Denied> = house
            .write(move |tx| {
                entitled.take(tx, &Wish { subject, meter: "projects", amount: 3, now })?;
                Err(quoin_db::DbError::Full.into())
            })
            .await;
        assert!(undone.is_err());
        take(&house, subject, "projects", 3).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn nothing_is_limited_that_no_plan_names_and_nothing_is_given_that_is_not_paid_for() {
    in_house(|house| async move {
        let subject = house.org();
        assert!(!house.room.entitled().is_limited("projects"));
        take(&house, subject, "projects", 1000).await.unwrap();
        house.pro().await;
        assert!(house.room.entitled().is_limited("projects"));
        assert!(matches!(take(&house, subject, "projects", 1).await, Err(Denied::Limit(_))));
        take(&house, subject, "elephants", 1000).await.unwrap();
        let coverage = house.room.entitled().coverage(subject).await.unwrap();
        assert!(!coverage.premium && coverage.plan.is_none());
    })
    .await;
}

#[tokio::test]
async fn those_who_do_not_pay_have_the_default_plan() {
    let config = PaymentsConfig { default_plan: Some("free".into()), ..PaymentsConfig::default() };
    in_house_with(config, |house| async move {
        house.pro().await;
        house.plan(json!({"id": "free", "name": "Free", "entitlements": {"projects": {"limit": 1}}})).await;
        let subject = house.org();
        take(&house, subject, "projects", 1).await.unwrap();
        assert!(take(&house, subject, "projects", 1).await.is_err());
        house.subscribe(subject, "pro").await;
        take(&house, subject, "projects", 2).await.unwrap();
        assert!(take(&house, subject, "projects", 1).await.is_err());
        let coverage = house.room.entitled().coverage(subject).await.unwrap();
        assert!(coverage.premium && coverage.auto_renew && coverage.premium_until.is_some());
        assert_eq!(coverage.plan.as_deref(), Some("pro"));
        let one = house.only(subject).await;
        house.provider.edit(&one.remote_id, |one| one.status = Status::Canceled);
        house.learn(&one.remote_id).await;
        let coverage = house.room.entitled().coverage(subject).await.unwrap();
        assert_eq!((coverage.premium, coverage.plan.as_deref()), (false, Some("free")));
        assert!(take(&house, subject, "projects", 1).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn soft_limits_count_grace_ends_and_periods_begin_anew() {
    in_house(|house| async move {
        house
            .plan(json!({"id": "pro", "name": "Pro",
            "prices": [{"interval": "month", "amount": 1900, "currency": "usd"}],
            "entitlements": {"soft": {"limit": 1, "mode": "soft"}, "late": {"limit": 1, "mode": "grace"},
                "calls": {"limit": 2, "per": "day"}, "open": {"limit": null}}}))
            .await;
        let subject = house.org();
        house.subscribe(subject, "pro").await;
        take(&house, subject, "soft", 10).await.unwrap();
        take(&house, subject, "open", 10).await.unwrap();
        take(&house, subject, "late", 2).await.unwrap();
        take(&house, subject, "calls", 2).await.unwrap();
        assert!(take(&house, subject, "calls", 1).await.is_err());
        house.test.clock.advance(Duration::from_hours(24));
        take(&house, subject, "calls", 2).await.unwrap();
        assert!(take(&house, subject, "calls", 1).await.is_err());
        take(&house, subject, "late", 1).await.unwrap();
        house.test.clock.advance(Duration::from_hours(24 * 7));
        assert!(take(&house, subject, "late", 1).await.is_err());
        let seen = house.room.entitlements(subject).await.unwrap().entitlements;
        assert_eq!(seen["soft"]["used"], 10);
        assert_eq!(seen["late"]["used"], 3);
    })
    .await;
}

#[tokio::test]
async fn use_is_reported_once_per_key_and_all_or_none() {
    in_house(|house| async move {
        house.plan(json!({"id": "pro", "name": "Pro", "prices": [{"interval": "month", "amount": 1900, "currency": "usd"}],
            "entitlements": {"renders": {"limit": 10}}})).await;
        let subject = house.org();
        house.subscribe(subject, "pro").await;
        let report = |key: &str, amount| Report { subject, meter: "renders".into(), amount, key: key.into() };
        let batch = vec![report("a", 4), report("b", 4), report("a", 4)];
        let done = house.room.report_usage(batch.clone()).await.unwrap();
        assert_eq!((done.counted, done.known), (2, 1));
        assert_eq!(house.room.report_usage(batch).await.unwrap().known, 3);
        let refused = house.room.report_usage(vec![report("c", 1), report("d", 2)]).await.unwrap_err();
        assert!(matches!(refused, crate::PaymentsError::Limit(_)), "{refused}");
        let other = house.room.report_usage(vec![report("a", 5)]).await.unwrap_err();
        assert!(matches!(other, crate::PaymentsError::ReportKeyReused), "{other}");
        let now = house.room.entitlements(subject).await.unwrap();
        assert_eq!((now.usage[0].total, now.usage[0].reported), (8, 0));
        assert_eq!(now.entitlements["renders"]["used"], 8);
        house.room.report_to_provider().await.unwrap();
        assert_eq!(house.room.entitlements(subject).await.unwrap().usage[0].reported, 8);
    })
    .await;
}

#[tokio::test]
async fn use_that_the_provider_refuses_stays_to_be_reported_and_says_the_same_whenever_it_is_sent() {
    in_house(|house| async move {
        house.plan(json!({"id": "pro", "name": "Pro", "prices": [{"interval": "month", "amount": 1900, "currency": "usd"}],
            "entitlements": {"renders": {"limit": 100}}})).await;
        let subject = house.org();
        house.subscribe(subject, "pro").await;
        let report = |key: &str, amount| Report { subject, meter: "renders".into(), amount, key: key.into() };
        house.room.report_usage(vec![report("a", 4)]).await.unwrap();
        let reported = async || house.room.entitlements(subject).await.unwrap().usage[0].reported;
        *house.provider.refuses_reports.lock().unwrap() = Some("resource_missing");
        house.room.report_to_provider().await.unwrap();
        assert_eq!(reported().await, 0, "what is refused was not told");
        *house.provider.refuses_reports.lock().unwrap() = None;
        // It arrives, the answer is lost, and it is sent again later: the provider sees one command under one key.
        *house.provider.troubles.lock().unwrap() = vec![super::provider::Trouble::After];
        house.test.clock.advance(Duration::from_mins(5));
        house.room.report_to_provider().await.unwrap();
        assert_eq!(reported().await, 0);
        house.room.report_usage(vec![report("b", 2)]).await.unwrap();
        house.test.clock.advance(Duration::from_mins(5));
        house.room.report_to_provider().await.unwrap();
        assert_eq!(reported().await, 4);
        house.room.report_to_provider().await.unwrap();
        assert_eq!(reported().await, 6);
    })
    .await;
}

#[tokio::test]
async fn use_outlives_a_pause_on_a_plan_that_is_no_longer_sold() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let one = house.subscribe(subject, "pro").await;
        take(&house, subject, "projects", 3).await.unwrap();
        let plan = "pro".parse().unwrap();
        let archive = PlanChange { active: Some(false), ..PlanChange::default() };
        house.room.change_plan(&plan, archive, house.entry()).await.unwrap();
        assert!(take(&house, subject, "projects", 1).await.is_err());
        let act = |deed| house.room.act_on_subscription(subject, one.id, deed, house.entry());
        act(Deed::Pause { until: None }).await.unwrap();
        assert!(take(&house, subject, "projects", 1).await.is_err(), "paused it gives nothing");
        act(Deed::Unpause).await.unwrap();
        let seen = house.room.entitlements(subject).await.unwrap().entitlements["projects"].clone();
        assert_eq!((&seen["limit"], &seen["used"]), (&json!(3), &json!(3)));
        assert!(take(&house, subject, "projects", 1).await.is_err());
        // Nobody holds it any more: nothing is limited, and what was used is still known.
        act(Deed::Cancel { at_once: true }).await.unwrap();
        take(&house, subject, "projects", 1).await.unwrap();
        let seen = house.room.entitlements(subject).await.unwrap().entitlements["projects"].clone();
        assert_eq!((&seen["limit"], &seen["used"]), (&json!(null), &json!(4)));
    })
    .await;
}

#[tokio::test]
async fn what_a_former_version_limits_is_limited_for_as_long_as_somebody_holds_it() {
    in_house(|house| async move {
        house
            .plan(json!({"id": "pro", "name": "Pro",
            "prices": [{"interval": "month", "amount": 1900, "currency": "usd"}],
            "entitlements": {"projects": {"limit": 3}, "api_calls": {"limit": 2}}}))
            .await;
        let (early, late, between) = (house.org(), house.org(), house.org());
        let held = house.subscribe(early, "pro").await;
        let begun = house.buy(between, "pro").await;
        let given = json!({"export": true});
        let change = PlanChange {
            entitlements: Some(serde_json::from_value(given).unwrap()),
            ..PlanChange::default()
        };
        house.room.change_plan(&"pro".parse().unwrap(), change, house.entry()).await.unwrap();
        house.subscribe(late, "pro").await;
        let entitled = house.room.entitled();
        let counts_calls = || quoin_kernel::port::CallMeter::is_limited(entitled);
        let limits = || (entitled.is_limited("projects"), counts_calls());
        assert_eq!(limits(), (true, true));
        take(&house, early, "projects", 3).await.unwrap();
        assert!(matches!(take(&house, early, "projects", 1).await, Err(Denied::Limit(_))));
        take(&house, early, API_CALLS, 2).await.unwrap();
        assert!(matches!(take(&house, early, API_CALLS, 1).await, Err(Denied::Limit(_))));
        // Whoever bought the version of today is not limited by one that they never had.
        take(&house, late, "projects", 1000).await.unwrap();
        let deed = Deed::Cancel { at_once: true };
        let changed = house.room.db().subscribe("payments.plans");
        let ended = house.room.act_on_subscription(early, held.id, deed, house.entry()).await.unwrap();
        assert_eq!(ended.status, Status::Canceled);
        entitled.reload().await.unwrap();
        assert_eq!(limits(), (false, false), "nobody holds it any more");
        // What was begun before the change and is paid after it is held by the former version again.
        let before = changed.version();
        house.learn(&begun).await;
        assert!(changed.version() > before, "every node is told");
        entitled.reload().await.unwrap();
        assert_eq!(limits(), (true, true));
        take(&house, between, "projects", 3).await.unwrap();
        assert!(matches!(take(&house, between, "projects", 1).await, Err(Denied::Limit(_))));
    })
    .await;
}
