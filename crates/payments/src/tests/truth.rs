//! The state of a subscription is the provider's, whatever is heard of it and when.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;

use super::harness::in_house;
use crate::model::remote::RemoteSubscription;
use crate::model::{Access, ObjectKind, ObjectRef, Status};
use crate::service::fetch_object::Fetch;
use crate::service::reconcile::Reach;

fn subscription(id: &str) -> ObjectRef {
    ObjectRef::new(ObjectKind::Subscription, id)
}

#[tokio::test]
async fn an_event_is_kept_once_and_followed_once() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let id = house.buy(subject, "pro").await;
        for _ in 0..5 {
            house.hear_as("evt_same", ObjectKind::Subscription, &id).await;
        }
        assert_eq!(house.count("select count(*) from quoin.payments_events").await, 1);
        let jobs = "select count(*) from quoin.jobs_queue where type = 'payments.fetch'";
        assert_eq!(house.count(jobs).await, 1);
        house.room.fetch_object(&house.port(), &subscription(&id)).await.unwrap();
        assert_eq!(house.only(subject).await.access, Access::Full);
    })
    .await;
}

#[tokio::test]
async fn one_fetch_of_an_object_runs_at_a_time_and_news_meanwhile_makes_it_run_again() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let id = house.buy(subject, "pro").await;
        house.hear(ObjectKind::Subscription, &id).await;
        let house = Arc::new(house);
        let gate = Arc::new(Notify::new());
        *house.provider.hold.lock().unwrap() = Some(gate.clone());
        let (other, object) = (house.clone(), subscription(&id));
        let slow = house
            .test
            .app
            .tasks()
            .spawn("test", async move { other.room.fetch_object(&other.port(), &object).await.unwrap() });
        house.provider.holding.notified().await;
        // The slow fetch has read "active" and has not written it yet. Now it is cancelled, and that is heard.
        house.provider.edit(&id, |one| one.status = Status::Canceled);
        house.hear(ObjectKind::Subscription, &id).await;
        assert_eq!(house.room.fetch_object(&house.port(), &subscription(&id)).await.unwrap(), Fetch::Busy);
        gate.notify_one();
        slow.await.unwrap();
        assert_eq!(house.only(subject).await.status, Status::Active);
        let behind = "select count(*) from quoin.payments_objects where known < news and scheduled";
        let scheduled = if house.room.db().engine() == quoin_db::Engine::Postgres {
            behind
        } else {
            "select count(*) from quoin.payments_objects where known < news and scheduled = 1"
        };
        assert_eq!(house.count(scheduled).await, 1);
        house.room.fetch_object(&house.port(), &subscription(&id)).await.unwrap();
        assert_eq!(house.only(subject).await.status, Status::Canceled);
    })
    .await;
}

#[tokio::test]
async fn a_fetch_that_lost_its_lease_writes_nothing() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let id = house.buy(subject, "pro").await;
        house.hear(ObjectKind::Subscription, &id).await;
        let house = Arc::new(house);
        let gate = Arc::new(Notify::new());
        *house.provider.hold.lock().unwrap() = Some(gate.clone());
        let (other, object) = (house.clone(), subscription(&id));
        let slow = house
            .test
            .app
            .tasks()
            .spawn("test", async move { other.room.fetch_object(&other.port(), &object).await.unwrap() });
        house.provider.holding.notified().await;
        house.provider.edit(&id, |one| one.status = Status::Canceled);
        house.test.clock.advance(Duration::from_mins(2));
        house.room.fetch_object(&house.port(), &subscription(&id)).await.unwrap();
        gate.notify_one();
        assert_eq!(slow.await.unwrap(), Fetch::Busy);
        assert_eq!(house.only(subject).await.status, Status::Canceled);
    })
    .await;
}

#[tokio::test]
async fn what_is_none_of_ours_makes_no_row() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let id = house.buy(subject, "pro").await;
        let theirs = |one: &RemoteSubscription| RemoteSubscription {
            id: "sub_theirs".into(),
            customer: "cus_theirs".into(),
            ..one.clone()
        };
        let live = |one: &RemoteSubscription| RemoteSubscription {
            id: "sub_live".into(),
            live: true,
            ..one.clone()
        };
        house.provider.with(|books| {
            let one = books.subscriptions[&id].clone();
            books.subscriptions.insert("sub_theirs".into(), theirs(&one));
            books.subscriptions.insert("sub_live".into(), live(&one));
        });
        for id in ["sub_theirs", "sub_live", "sub_nowhere"] {
            house.learn(id).await;
        }
        assert_eq!(house.count("select count(*) from quoin.payments_subscriptions").await, 0);
        house.learn(&id).await;
        assert_eq!(house.only(subject).await.access, Access::Full);
    })
    .await;
}

type Edit = fn(&mut RemoteSubscription);

#[tokio::test]
async fn what_does_not_match_what_we_sold_opens_nothing_and_says_why() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let id = house.buy(subject, "pro").await;
        let lies: [(&str, Edit); 5] = [
            ("amount", |one| one.items[0].amount = 1),
            ("currency", |one| one.items[0].currency = "jpy".parse().unwrap()),
            ("price", |one| one.items[0].price = "price_unknown".into()),
            ("subject", |one| {
                _ = one.metadata.insert("quoin_subject".into(), format!("org:{}", uuid::Uuid::nil()));
            }),
            ("quantity", |one| one.items[0].quantity = 0),
        ];
        let honest = house.provider.with(|books| books.subscriptions[&id].clone());
        for (mismatch, lie) in lies {
            house.provider.edit(&id, lie);
            house.learn(&id).await;
            let one = house.only(subject).await;
            assert_eq!((one.access, one.mismatch.as_deref()), (Access::None, Some(mismatch)));
            assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["export"], false);
            house.provider.with(|books| books.subscriptions.insert(id.clone(), honest.clone()));
        }
        house.learn(&id).await;
        assert_eq!(house.only(subject).await.access, Access::Full);
    })
    .await;
}

#[tokio::test]
async fn reconciliation_repairs_what_no_event_told_and_says_what_it_was() {
    in_house(|house| async move {
        house.pro().await;
        let (lost, stale) = (house.org(), house.org());
        house.buy(lost, "pro").await;
        let known = house.subscribe(stale, "pro").await;
        house.provider.edit(&known.remote_id, |one| one.status = Status::Canceled);
        let report = house.room.reconcile(Reach::Everything).await.unwrap();
        // Both checkouts are found closed, too.
        let repaired = |kind| report.repaired.iter().filter(|repair| repair.kind == kind).count();
        let found = (repaired(ObjectKind::Subscription), repaired(ObjectKind::Checkout));
        assert_eq!((found, report.repaired.len()), ((2, 2), 4), "{report:?}");
        assert_eq!(house.only(lost).await.access, Access::Full);
        assert_eq!(house.only(stale).await.access, Access::None);
        let canceled = report.repaired.iter().find(|repair| repair.id == known.remote_id).unwrap();
        assert_eq!(canceled.changes["status"].from, json!("active"));
        assert!(house.room.reconcile(Reach::Everything).await.unwrap().repaired.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_comparison_goes_on_where_the_last_one_stopped_and_one_compares_at_a_time() {
    in_house(|house| async move {
        house.pro().await;
        let subjects: Vec<_> = (0..5).map(|_| house.org()).collect();
        for subject in &subjects {
            house.buy(*subject, "pro").await;
        }
        house.provider.page_size.store(2, std::sync::atomic::Ordering::SeqCst);
        let piece = || house.room.reconcile_within(Reach::Everything, Duration::ZERO);
        let mut places = Vec::new();
        loop {
            let found = piece().await.unwrap();
            let known = "select count(*) from quoin.payments_subscriptions";
            places.push((found.at.clone().unwrap_or_default(), house.count(known).await));
            if found.complete {
                break;
            }
        }
        let at = |place: &str, known| places.contains(&(place.to_owned(), known));
        for (place, known) in [("stripe:subscription", 2), ("stripe:subscription", 4), ("stripe:ours", 5)] {
            assert!(at(place, known), "{place} with {known}: {places:?}");
        }
        assert!(at("manual:product", 5) && at("checkouts", 5) && at("", 5), "{places:?}");
        for subject in subjects {
            assert_eq!(house.only(subject).await.access, Access::Full);
        }
        let now = house.now();
        let claim = move |tx: &mut quoin_db::Tx<'_>| {
            crate::store::reconciliations_global::claim(tx, "everything", (now, now + Duration::from_mins(1)))
        };
        let begins = house.write(claim).await.unwrap().unwrap();
        assert_eq!((begins.step, begins.checked), (None, 0), "it begins anew");
        assert!(matches!(piece().await.unwrap_err(), crate::PaymentsError::InProgress));
        house.room.take_over_leases().await.unwrap();
        assert!(!piece().await.unwrap().complete);
        house.test.clock.advance(Duration::from_mins(30));
        let whole = house.room.reconcile_within(Reach::Everything, Duration::from_mins(1)).await.unwrap();
        assert!(whole.complete && whole.repaired.is_empty(), "{whole:?}");
    })
    .await;
}

#[tokio::test]
async fn a_comparison_that_has_lost_its_lease_does_not_write_over_the_one_that_went_on() {
    in_house(|house| async move {
        house.pro().await;
        house.buy(house.org(), "pro").await;
        let compare = |room: crate::Payments| async move {
            room.reconcile_within(Reach::Everything, Duration::from_mins(1)).await
        };
        let gate = Arc::new(Notify::new());
        *house.provider.hold.lock().unwrap() = Some(gate.clone());
        let slow = house.test.app.tasks().spawn("test", compare(house.room.clone()));
        house.provider.holding.notified().await;
        // The slow one has listed products and waits for the first of them; its lease runs out.
        house.test.clock.advance(Duration::from_mins(26));
        let whole = compare(house.room.clone()).await.unwrap();
        assert!(whole.complete && !whole.repaired.is_empty(), "{whole:?}");
        let rows =
            "select checked from quoin.payments_reconciliations where step is null and lease_until is null";
        let ended = house.count(rows).await;
        assert_eq!(u64::try_from(ended).unwrap(), whole.checked);
        gate.notify_one();
        let late = slow.await.unwrap().unwrap_err();
        assert!(matches!(late, crate::PaymentsError::InProgress), "{late}");
        assert_eq!(house.count(rows).await, ended, "what the other one wrote stays");
        // The next one, which holds its lease, writes.
        assert!(compare(house.room.clone()).await.unwrap().complete);
    })
    .await;
}

#[tokio::test]
async fn the_present_state_is_explained_by_events_and_fetches() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let one = house.subscribe(subject, "pro").await;
        house.provider.edit(&one.remote_id, |one| one.items[0].quantity = 4);
        house.hear_as("evt_seats", ObjectKind::Subscription, &one.remote_id).await;
        house.room.fetch_object(&house.port(), &subscription(&one.remote_id)).await.unwrap();
        let explained = house.room.explain(subject, one.id).await.unwrap();
        assert_eq!(explained.fetches.len(), 2);
        let last = &explained.fetches[1];
        assert_eq!(last.causes[0].cause, "evt_seats");
        assert_eq!((&last.changes["quantity"].from, &last.changes["quantity"].to), (&json!(1), &json!(4)));
        assert_eq!(explained.fields["quantity"].fetch, last.id);
        assert_eq!(explained.fields["status"].fetch, explained.fetches[0].id);
        assert!(explained.waiting.is_empty());
        house.hear_as("evt_later", ObjectKind::Subscription, &one.remote_id).await;
        assert_eq!(house.room.explain(subject, one.id).await.unwrap().waiting[0].cause, "evt_later");
        let stranger = house.room.explain(house.org(), one.id).await.unwrap_err();
        assert_eq!(stranger.to_string(), "no such subscription");
    })
    .await;
}

#[tokio::test]
async fn however_long_the_provider_is_down_an_object_has_no_more_jobs_than_one_of_its_news_and_one_to_catch_up()
 {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let id = house.buy(subject, "pro").await;
        house.hear(ObjectKind::Subscription, &id).await;
        house.provider.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
        for _ in 0..10 {
            house.test.clock.advance(Duration::from_mins(2));
            assert!(house.room.fetch_object(&house.port(), &subscription(&id)).await.is_err());
            house.room.catch_up().await.unwrap();
        }
        let jobs = "select count(*) from quoin.jobs_queue where type = 'payments.fetch'";
        assert_eq!(house.count(jobs).await, 2);
        house.provider.is_down.store(false, std::sync::atomic::Ordering::SeqCst);
        house.room.fetch_object(&house.port(), &subscription(&id)).await.unwrap();
        assert_eq!(house.only(subject).await.access, Access::Full);
    })
    .await;
}

#[tokio::test]
async fn what_has_waited_longest_is_caught_up_with_first() {
    in_house(|house| async move {
        for id in ["sub_a", "sub_b", "sub_c"] {
            house.hear(ObjectKind::Subscription, id).await;
        }
        house.provider.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
        for id in ["sub_b", "sub_a"] {
            house.test.clock.advance(Duration::from_mins(2));
            house.room.fetch_object(&house.port(), &subscription(id)).await.unwrap_err();
        }
        let now = house.now();
        let behind = house
            .write(move |tx| crate::store::objects_global::list_behind(tx, "stripe", now, 2))
            .await
            .unwrap();
        let ids: Vec<&str> = behind.iter().map(|object| object.id.as_str()).collect();
        assert_eq!(ids, ["sub_c", "sub_b"], "never asked for, then asked for longest ago");
    })
    .await;
}
