//! The provider without a provider.

use std::sync::Arc;
use std::time::Duration;

use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;
use serde_json::json;

use super::harness::{House, MODULES};
use crate::adapters::manual::Manual;
use crate::config::ProviderName;
use crate::model::{Access, Status, Subscription};
use crate::port::Provider;
use crate::service::change_subscription::{ChangeWhen, Deed, Wished};
use crate::service::reconcile::Reach;
use crate::service::serve_manually::Grant;
use crate::service::start_checkout::Order;
use crate::store::manual_books_global;
use crate::{PaymentsConfig, PaymentsError};

const DAY: Duration = Duration::from_hours(24);

async fn in_house<F: Future<Output = ()>>(body: impl Fn(House) -> F) {
    let config = PaymentsConfig { provider: ProviderName::Manual, ..PaymentsConfig::default() };
    quoin_db::testing::on_each_engine(MODULES, |db| body(House::new(db, config.clone()))).await;
}

pub(super) async fn pass(house: &House, time: Duration) {
    house.test.clock.advance(time);
    house.room.manual().advance(house.now()).await.unwrap();
    house.room.reconcile(Reach::Everything).await.unwrap();
}

/// Orders the plan `pro`, and lets its transfer arrive.
pub(super) async fn bought(house: &House, subject: Subject) -> Subscription {
    let order = House::order("pro");
    house.room.start_checkout(&house.payer(subject), &order, house.entry()).await.unwrap();
    house.room.reconcile(Reach::Everything).await.unwrap();
    confirm(house, house.only(subject).await.remote_id.replace("sub_", "in_")).await;
    house.only(subject).await
}

pub(super) async fn confirm(house: &House, invoice: String) {
    let now = house.now();
    house.write(move |tx| Manual::confirm(tx, &invoice, now).map(drop)).await.unwrap();
    house.room.reconcile(Reach::Everything).await.unwrap();
}

#[tokio::test]
async fn an_order_opens_when_its_transfer_is_confirmed_and_not_before() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let started = house
            .room
            .start_checkout(&house.payer(subject), &House::order("pro"), house.entry())
            .await
            .unwrap();
        assert!(started.url.contains("/payments/v1/transfers/"), "{}", started.url);
        house.room.reconcile(Reach::Everything).await.unwrap();
        let one = house.only(subject).await;
        assert_eq!((one.status, one.access), (Status::Incomplete, Access::None));
        let manual: Arc<dyn Provider> = house.room.manual().clone();
        let invoice = one.remote_id.replace("sub_", "in_");
        house
            .room
            .refresh(
                &manual,
                &crate::model::ObjectRef::new(crate::model::ObjectKind::Invoice, invoice),
                "test",
            )
            .await
            .unwrap();
        let page = quoin_kernel::page::Page { limit: 10, after: None };
        let invoices = house.room.list_invoices(subject, page).await.unwrap().data;
        assert_eq!((invoices[0].status.as_str(), invoices[0].amount_remaining), ("open", 1900));
        let paid = house.room.confirm_transfer(invoices[0].id, house.entry()).await.unwrap();
        assert_eq!((paid.status.as_str(), paid.amount_remaining), ("paid", 0));
        assert_eq!(house.only(subject).await.access, Access::Full);
        // The period ends without money: a new invoice, grace, restriction, and a payment opens it again.
        pass(&house, DAY * 31).await;
        assert_eq!(house.only(subject).await.access, Access::Grace);
        pass(&house, DAY * 8).await;
        house.room.dun().await.unwrap();
        assert_eq!(house.only(subject).await.access, Access::Restricted);
    })
    .await;
}

#[tokio::test]
async fn a_granted_plan_is_in_force_until_its_day() {
    in_house(|house| async move {
        house.plan(json!({"id": "gift", "name": "Gift", "entitlements": {"export": true}})).await;
        let subject = house.org();
        let until = Some(house.now() + DAY * 10);
        let grant = Grant { subject, plan: "gift".parse().unwrap(), quantity: 1, until };
        let one = house.room.grant_plan(grant.clone(), house.entry()).await.unwrap();
        assert_eq!((one.access, one.cancel_at), (Access::Full, until));
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["export"], true);
        pass(&house, DAY * 11).await;
        assert_eq!(house.room.get_subscription(subject, one.id).await.unwrap().access, Access::None);
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["export"], false);
        let nothing = Grant { plan: "nothing".parse().unwrap(), ..grant };
        let refused = house.room.grant_plan(nothing, house.entry()).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::NoSuchPlan), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn what_was_granted_keeps_its_plan_its_seats_and_its_end_whatever_its_owner_wishes() {
    in_house(|house| async move {
        house.pro().await;
        house.plan(json!({"id": "gift", "name": "Gift", "entitlements": {"export": true}})).await;
        let (subject, until) = (house.org(), Some(house.now() + DAY * 10));
        let grant = Grant { subject, plan: "gift".parse().unwrap(), quantity: 1, until };
        let one = house.room.grant_plan(grant.clone(), house.entry()).await.unwrap();
        let gift = || house.room.get_subscription(subject, one.id);
        let wished = |plan: Option<&str>, quantity, when| {
            let plan = plan.map(|plan| plan.parse().unwrap());
            Wished { plan, quantity, prorate: true, when, ..Wished::default() }
        };
        for wished in [
            wished(None, Some(5000), ChangeWhen::PeriodEnd),
            wished(None, Some(5000), ChangeWhen::Now),
            wished(Some("pro"), None, ChangeWhen::PeriodEnd),
            wished(None, None, ChangeWhen::Now),
        ] {
            let preview = house.room.preview_change(subject, one.id, wished.clone()).await.unwrap_err();
            let change = house.room.change_subscription(subject, one.id, wished, house.entry()).await;
            for refused in [preview, change.unwrap_err()] {
                let refused = quoin_kernel::Problem::from(refused);
                assert_eq!((refused.status(), refused.code()), (409, "plan_granted"));
            }
        }
        let act = |deed| house.room.act_on_subscription(subject, one.id, deed, house.entry());
        assert!(matches!(act(Deed::Resume).await.unwrap_err(), PaymentsError::Granted));
        assert_eq!(act(Deed::Cancel { at_once: false }).await.unwrap().cancel_at, until);
        assert!(matches!(act(Deed::Resume).await.unwrap_err(), PaymentsError::Granted));
        let kept = gift().await.unwrap();
        assert_eq!((kept.cancel_at, kept.quantity, kept.scheduled_change), (until, 1, None));
        // An administrator grants it anew, for longer.
        let longer = Grant { until: Some(house.now() + DAY * 20), ..grant };
        let second = house.room.grant_plan(longer, house.entry()).await.unwrap();
        pass(&house, DAY * 11).await;
        assert_eq!(gift().await.unwrap().access, Access::None);
        let second = house.room.get_subscription(subject, second.id).await.unwrap();
        assert_eq!(second.access, Access::Full);
        pass(&house, DAY * 10).await;
        assert_eq!(house.room.entitlements(subject).await.unwrap().entitlements["export"], false);
        // What was ordered can be resumed.
        let bought = bought(&house, house.org()).await;
        let act = |deed| house.room.act_on_subscription(bought.subject, bought.id, deed, house.entry());
        assert!(act(Deed::Cancel { at_once: false }).await.unwrap().cancel_at.is_some());
        assert_eq!(act(Deed::Resume).await.unwrap().cancel_at, None);
    })
    .await;
}

#[tokio::test]
async fn by_hand_more_is_given_with_the_next_invoice_and_less_at_once() {
    in_house(|house| async move {
        house.pro().await;
        for (id, amount) in [("team", 90_000), ("mini", 900)] {
            let price = json!({"interval": "month", "amount": amount, "currency": "usd"});
            house.plan(json!({"id": id, "name": id, "prices": [price]})).await;
        }
        let subject = house.org();
        let one = bought(&house, subject).await;
        assert_eq!(one.access, Access::Full);
        let change = |plan: &str, quantity, when| {
            let plan = Some(plan.parse().unwrap());
            let wished = Wished { plan, quantity, prorate: true, when, ..Wished::default() };
            house.room.change_subscription(subject, one.id, wished, house.entry())
        };
        for (plan, quantity) in [("team", None), ("pro", Some(100))] {
            let refused = change(plan, quantity, ChangeWhen::Now).await.unwrap_err();
            assert!(matches!(refused, PaymentsError::WrongState(_)), "{refused}");
        }
        assert_eq!(house.only(subject).await.quantity, 1);
        let waits = change("team", Some(100), ChangeWhen::PeriodEnd).await.unwrap();
        assert_eq!((waits.scheduled_change.unwrap().quantity, waits.amount), (100, 1900));
        assert_eq!(change("mini", None, ChangeWhen::Now).await.unwrap().amount, 900);
    })
    .await;
}

#[tokio::test]
async fn by_hand_an_invoice_that_waits_pays_for_what_it_was_written_for() {
    in_house(|house| async move {
        house.pro().await;
        let price = json!({"interval": "year", "amount": 12_000, "currency": "usd"});
        house.plan(json!({"id": "annual", "name": "Annual", "prices": [price]})).await;
        let one = bought(&house, house.org()).await;
        let change = |when| {
            let (plan, interval) = (Some("annual".parse().unwrap()), Some(crate::model::Interval::Year));
            let wished = Wished { plan, interval, prorate: true, when, ..Wished::default() };
            house.room.change_subscription(one.subject, one.id, wished, house.entry())
        };
        pass(&house, DAY * 31).await;
        assert_eq!(house.only(one.subject).await.status, Status::PastDue);
        let refused = change(ChangeWhen::Now).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::WrongState(_)), "{refused}");
        assert!(change(ChangeWhen::PeriodEnd).await.unwrap().scheduled_change.is_some());
        let end = one.current_period_end.unwrap();
        confirm(&house, format!("{}_{}", one.remote_id.replace("sub_", "in_"), end.as_seconds())).await;
        let paid = house.only(one.subject).await;
        assert_eq!((paid.status, paid.amount), (Status::Active, 1900));
        let lasts = paid.current_period_end.unwrap().since(paid.current_period_start.unwrap());
        assert_eq!(lasts, DAY * 30, "a month was paid");
        assert_eq!(change(ChangeWhen::Now).await.unwrap().amount, 12_000);
    })
    .await;
}

#[tokio::test]
async fn by_hand_no_period_begins_during_a_pause_and_the_next_one_has_its_invoice() {
    in_house(|house| async move {
        house.pro().await;
        let one = bought(&house, house.org()).await;
        let act = |deed| house.room.act_on_subscription(one.subject, one.id, deed, house.entry());
        let invoices = "select count(*) from quoin.payments_manual_invoices";
        act(Deed::Pause { until: Some(house.now() + DAY * 40) }).await.unwrap();
        pass(&house, DAY * 35).await;
        let paused = house.only(one.subject).await;
        assert_eq!((paused.access, paused.current_period_end), (Access::Restricted, one.current_period_end));
        assert_eq!(house.count(invoices).await, 1);
        pass(&house, DAY * 6).await;
        let (began, goes_on) = (house.now(), house.only(one.subject).await);
        assert_eq!((goes_on.paused, goes_on.status), (false, Status::PastDue));
        assert_eq!((goes_on.past_due_since, goes_on.access), (Some(began), Access::Grace));
        // Further pauses begin no further grace.
        act(Deed::Pause { until: None }).await.unwrap();
        pass(&house, DAY * 8).await;
        act(Deed::Unpause).await.unwrap();
        house.room.dun().await.unwrap();
        assert_eq!(house.only(one.subject).await.access, Access::Restricted);
        assert_eq!(house.count(invoices).await, 2);
        confirm(&house, format!("{}_{}", one.remote_id.replace("sub_", "in_"), began.as_seconds())).await;
        let paid = house.only(one.subject).await;
        assert_eq!((paid.access, paid.current_period_end), (Access::Full, Some(began + DAY * 30)));
        // What is paid for goes on after a pause within it.
        act(Deed::Pause { until: None }).await.unwrap();
        pass(&house, DAY * 5).await;
        let goes_on = act(Deed::Unpause).await.unwrap();
        assert_eq!((goes_on.access, goes_on.current_period_end), (Access::Full, paid.current_period_end));
        assert_eq!(house.count(invoices).await, 2);
    })
    .await;
}

#[tokio::test]
async fn whoever_pays_late_by_hand_pays_for_the_time_that_the_invoice_names() {
    in_house(|house| async move {
        house.pro().await;
        let one = bought(&house, house.org()).await;
        let (began, ended) = (one.current_period_start.unwrap(), one.current_period_end.unwrap());
        assert_eq!(ended, began + DAY * 30);
        let owed =
            |since: Timestamp| format!("{}_{}", one.remote_id.replace("sub_", "in_"), since.as_seconds());
        for (late, since) in [(DAY * 10, ended), (DAY * 2, ended + DAY * 30)] {
            let wait = since + late;
            pass(&house, wait.since(house.now())).await;
            let missing = house.only(one.subject).await;
            assert_eq!((missing.status, missing.past_due_since), (Status::PastDue, Some(since)));
            let invoice = owed(since);
            let asked = invoice.clone();
            let asked =
                house.write(move |tx| manual_books_global::find_invoice(tx, &asked)).await.unwrap().unwrap();
            confirm(&house, invoice).await;
            let paid = house.only(one.subject).await;
            let runs = (paid.current_period_start, paid.current_period_end);
            assert_eq!((paid.access, runs), (Access::Full, (Some(since), Some(since + DAY * 30))));
            assert_eq!(
                (asked.lines[0].period_start, asked.lines[0].period_end),
                runs,
                "grace is not for free"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn by_hand_a_payment_that_never_comes_ends_the_subscription_and_makes_room_for_another() {
    for grace_days in [7, 40] {
        let config =
            PaymentsConfig { provider: ProviderName::Manual, grace_days, ..PaymentsConfig::default() };
        let given_up = DAY * grace_days.max(30);
        quoin_db::testing::on_each_engine(MODULES, |db| async {
            let house = House::new(db, config.clone());
            house.pro().await;
            let [lost, saved] = [bought(&house, house.org()).await, bought(&house, house.org()).await];
            let ended = lost.current_period_end.unwrap();
            let at = |since: Duration| (ended + since).since(house.now());
            let stands = async |one: &Subscription| {
                let now = house.room.get_subscription(one.subject, one.id).await.unwrap();
                (now.status, now.access)
            };
            pass(&house, at(Duration::from_hours(1))).await;
            house
                .room
                .act_on_subscription(lost.subject, lost.id, Deed::Pause { until: None }, house.entry())
                .await
                .unwrap();
            pass(&house, at(given_up.checked_sub(Duration::from_hours(1)).unwrap())).await;
            house.room.dun().await.unwrap();
            assert_eq!(stands(&lost).await.0, Status::PastDue);
            let order = House::order("pro");
            let again =
                async || house.room.start_checkout(&house.payer(lost.subject), &order, house.entry()).await;
            assert!(matches!(again().await.unwrap_err(), PaymentsError::AlreadySubscribed));
            confirm(&house, format!("{}_{}", saved.remote_id.replace("sub_", "in_"), ended.as_seconds()))
                .await;
            pass(&house, at(given_up)).await;
            assert_eq!(stands(&lost).await, (Status::Canceled, Access::None));
            assert!(!stands(&saved).await.0.is_over(), "what was paid goes on");
            settle(&house).await;
            let page = quoin_kernel::page::Page { limit: 10, after: None };
            let invoices = house.room.list_invoices(lost.subject, page).await.unwrap().data;
            assert!(
                invoices.iter().all(|invoice| invoice.status != "open"),
                "nothing is asked for: {invoices:?}"
            );
            again().await.unwrap();
        })
        .await;
    }
}

/// Fetches what was heard of, and what is heard meanwhile.
async fn settle(house: &House) {
    let manual: Arc<dyn Provider> = house.room.manual().clone();
    loop {
        let now = house.now();
        let behind =
            house.write(move |tx| crate::store::objects_global::list_behind(tx, "manual", now, 100)).await;
        let behind = behind.unwrap();
        if behind.is_empty() {
            return;
        }
        for object in behind {
            house.room.fetch_object(&manual, &object).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_order_shows_at_once_and_a_second_click_finds_its_page_for_as_long_as_it_can_be_paid() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let payer = house.payer(subject);
        let click = |order| house.room.start_checkout(&payer, order, house.entry());
        let (order, other) = (House::order("pro"), Order { quantity: Some(2), ..House::order("pro") });
        let first = click(&order).await.unwrap();
        settle(&house).await;
        let page = quoin_kernel::page::Page { limit: 10, after: None };
        let invoices = async || house.room.list_invoices(subject, page).await.unwrap().data;
        assert_eq!(invoices().await[0].amount_remaining, 1900);
        for _ in 0..3 {
            assert_eq!(click(&order).await.unwrap(), first);
            house.test.clock.advance(DAY * 4);
            settle(&house).await;
        }
        let second = click(&other).await.unwrap();
        settle(&house).await;
        assert_ne!(second, first);
        let all = invoices().await;
        let standing = |total| all.iter().find(|one| one.total == total).unwrap();
        assert_eq!((standing(1900).status.as_str(), standing(3800).status.as_str()), ("void", "open"));
        let late = house.room.confirm_transfer(standing(1900).id, house.entry()).await.unwrap_err();
        assert!(matches!(late, PaymentsError::WrongState(_)), "{late}");
        house.room.confirm_transfer(standing(3800).id, house.entry()).await.unwrap();
        let live = house.room.list_subscriptions(subject).await.unwrap();
        let live: Vec<_> = live.into_iter().filter(Subscription::is_live).collect();
        assert_eq!((live.len(), live[0].quantity, live[0].access), (1, 2, Access::Full));
        for order in [&order, &other] {
            let again = click(order).await.unwrap_err();
            assert!(matches!(again, PaymentsError::AlreadySubscribed), "{again}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_balance_has_paid_of_an_order_comes_back_where_the_order_is_called_off_or_expires() {
    in_house(|house| async move {
        house.pro().await;
        let subject = house.org();
        let payer = house.payer(subject);
        let Subject::Org(org_id) = subject else { panic!("{subject}") };
        let customer = format!("cus_{}", org_id.uuid().simple());
        let (owner, now) = (customer.clone(), house.now());
        let usd = "usd".parse().unwrap();
        house
            .write(move |tx| manual_books_global::add_to_balance(tx, (&owner, usd), 500, now))
            .await
            .unwrap();
        let balance = async || house.room.manual().balance(&customer).await.unwrap().unwrap().amount;
        let ordered = async || {
            house.room.start_checkout(&payer, &House::order("pro"), house.entry()).await.unwrap();
            settle(&house).await;
            assert_eq!(balance().await, 0, "it pays what is ordered");
            let all = house.room.list_subscriptions(subject).await.unwrap();
            all.into_iter().find(Subscription::is_live).unwrap()
        };
        let one = ordered().await;
        let deed = Deed::Cancel { at_once: false };
        let ended = house.room.act_on_subscription(subject, one.id, deed, house.entry()).await.unwrap();
        assert_eq!((ended.status, balance().await), (Status::IncompleteExpired, 500));
        settle(&house).await;
        ordered().await;
        house.test.clock.advance(DAY * 15);
        for _ in 0..2 {
            house.room.manual().advance(house.now()).await.unwrap();
            settle(&house).await;
            assert_eq!(balance().await, 500, "once");
        }
        let one = ordered().await;
        confirm(&house, one.remote_id.replace("sub_", "in_")).await;
        let deed = Deed::Cancel { at_once: true };
        let ended = house.room.act_on_subscription(subject, one.id, deed, house.entry()).await.unwrap();
        assert_eq!((ended.status, balance().await), (Status::Canceled, 0), "what is paid is not given back");
        settle(&house).await;
        let open = "select count(*) from quoin.payments_invoices where status = 'open'";
        assert_eq!(house.count(open).await, 0);
    })
    .await;
}
