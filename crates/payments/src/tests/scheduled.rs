//! Changes that wait for the end of the period.

use std::time::Duration;

use quoin_kernel::billing::Subject;
use quoin_web::entitlements::{Entitlements, Wish};
use serde_json::json;

use super::harness::{House, in_house, in_house_with};
use super::provider::Trouble;
use crate::config::ProviderName;
use crate::model::{Access, ObjectKind, ObjectRef, PlanId, Status, Subscription, SubscriptionId};
use crate::port::Provider;
use crate::service::change_subscription::{ChangeWhen, Deed, Wished};
use crate::service::reconcile::Reach;
use crate::{PaymentsConfig, PaymentsError};

const DAY: Duration = Duration::from_hours(24);

/// Makes a small plan that refuses whoever uses more than it gives, and one that does not.
async fn small_plans(house: &House) {
    for (id, rule) in [("solo", "refuse"), ("mini", "allow")] {
        house
            .plan(json!({"id": id, "name": id, "rules": {"downgrade": rule},
                "entitlements": {"projects": {"limit": 1}},
                "prices": [{"interval": "month", "amount": 900, "currency": "usd"},
                    {"interval": "year", "amount": 9000, "currency": "usd"}]}))
            .await;
    }
}

fn later(plan: &str) -> Wished {
    Wished { plan: Some(plan.parse().unwrap()), when: ChangeWhen::PeriodEnd, ..Wished::default() }
}

async fn change(
    house: &House,
    subject: Subject,
    id: SubscriptionId,
    wished: Wished,
) -> Result<Subscription, PaymentsError> {
    house.room.change_subscription(subject, id, wished, house.entry()).await
}

/// Makes the plans, and sells the large one.
async fn sold(house: &House) -> (Subject, Subscription) {
    house.pro().await;
    small_plans(house).await;
    let subject = house.org();
    (subject, house.subscribe(subject, "pro").await)
}

/// Sells the large plan until the period ends, and another one from then.
async fn sold_until(house: &House, plan: &str) -> (Subject, Subscription) {
    let (subject, one) = sold(house).await;
    change(house, subject, one.id, later(plan)).await.unwrap();
    (subject, one)
}

fn waits_for(one: &Subscription) -> Option<&str> {
    one.scheduled_change.as_ref().and_then(|change| change.plan.as_ref()).map(PlanId::as_str)
}

async fn use_projects(house: &House, subject: Subject, amount: i64) {
    let (entitled, now) = (house.room.entitled().clone(), house.now());
    house
        .write(move |tx| entitled.take(tx, &Wish { subject, meter: "projects", amount, now }))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_change_waits_is_replaced_taken_back_and_does_not_outlive_a_wish_to_end() {
    in_house(|house| async move {
        let (subject, one) = sold(&house).await;
        let act = |deed| house.room.act_on_subscription(subject, one.id, deed, house.entry());
        assert!(matches!(act(Deed::KeepPlan).await.unwrap_err(), PaymentsError::WrongState(_)));
        let waiting = change(&house, subject, one.id, later("solo")).await.unwrap();
        assert_eq!((waits_for(&waiting), waiting.plan.as_ref().unwrap().0.as_str()), (Some("solo"), "pro"));
        assert_eq!(waiting.scheduled_change.as_ref().unwrap().at, one.current_period_end.unwrap());
        let replaced = change(&house, subject, one.id, later("mini")).await.unwrap();
        assert_eq!(waits_for(&replaced), Some("mini"));
        assert_eq!(
            act(Deed::Pause { until: None }).await.unwrap().scheduled_change,
            replaced.scheduled_change
        );
        assert_eq!(act(Deed::Unpause).await.unwrap().scheduled_change, replaced.scheduled_change);
        assert_eq!(act(Deed::KeepPlan).await.unwrap().scheduled_change, None);
        change(&house, subject, one.id, later("solo")).await.unwrap();
        let ending = act(Deed::Cancel { at_once: false }).await.unwrap();
        assert_eq!((waits_for(&ending), ending.cancel_at), (None, one.current_period_end));
        let refused = change(&house, subject, one.id, later("solo")).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::WrongState(_)), "{refused}");
        assert_eq!(act(Deed::Resume).await.unwrap().scheduled_change, None);
        change(&house, subject, one.id, later("solo")).await.unwrap();
        let now = Wished { when: ChangeWhen::Now, ..later("mini") };
        let changed = change(&house, subject, one.id, now).await.unwrap();
        assert_eq!((waits_for(&changed), changed.plan.as_ref().unwrap().0.as_str()), (None, "mini"));
        let same = Wished { when: ChangeWhen::PeriodEnd, ..Wished::default() };
        assert!(change(&house, subject, one.id, same).await.is_err(), "nothing would change");
        assert!(change(&house, house.org(), one.id, later("pro")).await.is_err(), "it is another's");
    })
    .await;
}

#[tokio::test]
async fn fetches_explain_and_reconciliation_know_what_waits() {
    in_house(|house| async move {
        let (subject, one) = sold_until(&house, "solo").await;
        let explained = house.room.explain(subject, one.id).await.unwrap();
        assert!(explained.fields.contains_key("scheduled_change"), "{:?}", explained.fields.keys());
        // Somebody takes it back at the provider, and no event tells of it.
        house.provider.edit(&one.remote_id, |one| one.waiting = None);
        let report = house.room.reconcile(Reach::Everything).await.unwrap();
        let repair = report.repaired.iter().find(|repair| repair.id == one.remote_id).unwrap();
        assert!(serde_json::to_string(&repair.changes).unwrap().contains("scheduled_change"));
        assert_eq!(house.only(subject).await.scheduled_change, None);
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_leaves_one_change_waiting() {
    in_house(|house| async move {
        let (subject, one) = sold(&house).await;
        house.provider.troubles.lock().unwrap().push(Trouble::After);
        let lost = change(&house, subject, one.id, later("solo")).await.unwrap_err();
        assert!(matches!(lost, PaymentsError::Provider(_)), "{lost}");
        // The process was killed here; another one finds it a minute later.
        house.test.clock.advance(Duration::from_mins(2));
        assert_eq!(house.room.resume_intents().await.unwrap(), 1);
        house.learn(&one.remote_id).await;
        assert_eq!(waits_for(&house.only(subject).await), Some("solo"));
    })
    .await;
}

#[tokio::test]
async fn what_a_plan_refuses_is_refused_when_asked_and_taken_back_before_it_happens() {
    in_house(|house| async move {
        let (subject, one) = sold_until(&house, "solo").await;
        use_projects(&house, subject, 3).await;
        let check = || house.room.check_scheduled_changes();
        check().await.unwrap();
        assert_eq!(waits_for(&house.only(subject).await), Some("solo"), "there is time to use less");
        let refused = change(&house, subject, one.id, later("solo")).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::UsesMore { limit: 1, used: 3, .. }), "{refused}");
        house.test.clock.advance(Duration::from_mins(30 * 24 * 60 - 30));
        check().await.unwrap();
        assert_eq!(waits_for(&house.only(subject).await), None);
        check().await.unwrap();
        let told = "select count(*) from quoin.jobs_events where name = 'payments.change.refused'";
        assert_eq!(house.count(told).await, 1);
    })
    .await;
}

#[tokio::test]
async fn one_change_that_cannot_be_taken_back_does_not_keep_the_others_from_being_looked_at() {
    in_house(|house| async move {
        house.pro().await;
        small_plans(&house).await;
        let subjects = [house.org(), house.org()];
        for subject in subjects {
            let one = house.subscribe(subject, "pro").await;
            change(&house, subject, one.id, later("solo")).await.unwrap();
            use_projects(&house, subject, 3).await;
        }
        house.test.clock.advance(Duration::from_mins(30 * 24 * 60 - 30));
        house.provider.troubles.lock().unwrap().push(Trouble::Before);
        house.room.check_scheduled_changes().await.unwrap();
        let mut waiting = 0;
        for subject in subjects {
            waiting += u32::from(waits_for(&house.only(subject).await).is_some());
        }
        assert_eq!(waiting, 1, "the one whose provider did not answer waits still");
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_allows_it_keeps_what_is_over_and_gives_nothing_more() {
    in_house(|house| async move {
        let (subject, one) = sold(&house).await;
        use_projects(&house, subject, 3).await;
        change(&house, subject, one.id, later("mini")).await.unwrap();
        house.test.clock.advance(Duration::from_mins(30 * 24 * 60 - 30));
        house.room.check_scheduled_changes().await.unwrap();
        assert_eq!(waits_for(&house.only(subject).await), Some("mini"));
        house.provider.edit(&one.remote_id, |one| {
            let change = one.waiting.take().unwrap();
            (one.items[0].price, one.items[0].amount) = (change.price, 900);
        });
        house.learn(&one.remote_id).await;
        let held = house.room.entitlements(subject).await.unwrap().entitlements["projects"].clone();
        assert_eq!((&held["limit"], &held["used"]), (&json!(1), &json!(3)));
        let (entitled, now) = (house.room.entitled().clone(), house.now());
        let more = move |tx: &mut quoin_db::Tx<'_>| {
            entitled.take(tx, &Wish { subject, meter: "projects", amount: 1, now })
        };
        assert!(house.write(more).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn by_hand_the_next_invoice_is_for_what_waited() {
    let config = PaymentsConfig { provider: ProviderName::Manual, ..PaymentsConfig::default() };
    in_house_with(config, |house| async move {
        house.pro().await;
        small_plans(&house).await;
        let subject = house.org();
        let order = House::order("pro");
        house.room.start_checkout(&house.payer(subject), &order, house.entry()).await.unwrap();
        house.room.reconcile(Reach::Everything).await.unwrap();
        let one = house.only(subject).await;
        let manual: std::sync::Arc<dyn Provider> = house.room.manual().clone();
        let seen = async |kind, id: &str| {
            house.room.refresh(&manual, &ObjectRef::new(kind, id), "test").await.unwrap();
        };
        let page = quoin_kernel::page::Page { limit: 10, after: None };
        let invoices = || house.room.list_invoices(subject, page);
        seen(ObjectKind::Invoice, &one.remote_id.replace("sub_", "in_")).await;
        house.room.confirm_transfer(invoices().await.unwrap().data[0].id, house.entry()).await.unwrap();
        let yearly = Wished { interval: Some(crate::model::Interval::Year), ..later("solo") };
        let waiting = change(&house, subject, one.id, yearly).await.unwrap();
        assert_eq!((waits_for(&waiting), waiting.amount), (Some("solo"), 1900));
        house.test.clock.advance(DAY * 31);
        house.room.manual().advance(house.now()).await.unwrap();
        seen(ObjectKind::Subscription, &one.remote_id).await;
        let renewed = house.only(subject).await;
        assert_eq!((renewed.plan.as_ref().unwrap().0.as_str(), renewed.amount), ("solo", 9000));
        assert_eq!(
            (renewed.status, renewed.access, renewed.mismatch),
            (Status::PastDue, Access::Grace, None)
        );
        let next = house.room.db();
        let heard = "select count(*) from quoin.payments_objects where kind = 'invoice' and known < news";
        assert_eq!(quoin_db::testing::select::<i64>(next, heard, []).await.unwrap(), [1]);
        let newest = format!("in_{}_", one.remote_id.trim_start_matches("sub_"));
        let ids = quoin_db::testing::select::<String>(
            next,
            "select id from quoin.payments_objects where kind = 'invoice' and known < news",
            [],
        );
        let id = ids.await.unwrap().remove(0);
        assert!(id.starts_with(&newest), "{id}");
        seen(ObjectKind::Invoice, &id).await;
        let all = invoices().await.unwrap().data;
        let due = all.iter().find(|invoice| invoice.status == "open").unwrap();
        assert_eq!((due.total, due.mismatch.as_deref()), (9000, None));
        house.room.confirm_transfer(due.id, house.entry()).await.unwrap();
        let paid = house.only(subject).await;
        let days = paid.current_period_end.unwrap().since(paid.current_period_start.unwrap());
        assert_eq!((paid.access, days), (Access::Full, DAY * 365));
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_does_not_name_what_is_used_gives_nothing_of_it_and_is_refused_like_one_that_gives_less()
{
    in_house(|house| async move {
        let (subject, one) = sold(&house).await;
        for (id, rules) in [
            ("silent", json!({})),
            ("lenient", json!({"downgrade": "allow"})),
            ("beside", json!({"several": true})),
        ] {
            let price = json!({"interval": "month", "amount": 900, "currency": "usd"});
            let given = if id == "beside" { json!({"projects": {"limit": 5}}) } else { json!({"export": true}) };
            house
                .plan(json!({"id": id, "name": id, "rules": rules, "prices": [price], "entitlements": given}))
                .await;
        }
        let now = |plan: &str| Wished { when: ChangeWhen::Now, prorate: true, ..later(plan) };
        use_projects(&house, subject, 3).await;
        for wished in [now("silent"), later("silent")] {
            let refused = change(&house, subject, one.id, wished).await.unwrap_err();
            assert!(
                matches!(&refused, PaymentsError::UsesMore { meter, limit: 0, used: 3 } if meter == "projects"),
                "{refused}"
            );
        }
        // Staying on a plan loses nothing.
        let seats = Wished { quantity: Some(2), prorate: true, ..Wished::default() };
        assert_eq!(change(&house, subject, one.id, seats).await.unwrap().quantity, 2);
        change(&house, subject, one.id, now("lenient")).await.unwrap();
        let held = house.room.entitlements(subject).await.unwrap().entitlements["projects"].clone();
        assert_eq!((&held["limit"], &held["used"]), (&json!(0), &json!(3)));
        // Whoever holds another plan that gives it may.
        change(&house, subject, one.id, Wished { quantity: Some(1), ..later("lenient") }).await.unwrap();
        let id = house.buy(subject, "beside").await;
        house.learn(&id).await;
        change(&house, subject, one.id, now("silent")).await.unwrap();
        let held = house.room.entitlements(subject).await.unwrap().entitlements["projects"].clone();
        assert_eq!((&held["limit"], &held["used"]), (&json!(5), &json!(3)));
    })
    .await;
}
