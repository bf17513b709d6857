//! Pauses: what falls due meanwhile is never asked for, and nobody keeps a period that they have not paid.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::harness::{House, in_house};
use crate::PaymentsError;
use crate::model::remote::LatestInvoice;
use crate::model::{Access, Subscription};
use crate::port::ProviderError;
use crate::service::change_subscription::{ChangeWhen, Deed, Wished};

const DAY: Duration = Duration::from_hours(24);

async fn act(house: &House, one: &Subscription, deed: Deed) -> Result<Subscription, PaymentsError> {
    house.room.act_on_subscription(one.subject, one.id, deed, house.entry()).await
}

#[tokio::test]
async fn a_pause_ends_at_its_moment_where_that_can_be_paid_and_goes_on_where_it_cannot() {
    in_house(|house| async move {
        house.pro().await;
        let one = house.subscribe(house.org(), "pro").await;
        let until = Some(house.now() + DAY * 10);
        let paused = act(&house, &one, Deed::Pause { until }).await.unwrap();
        assert_eq!((paused.access, paused.resumes_at), (Access::Restricted, until));
        house.test.clock.advance(DAY * 9);
        house.room.resume_due().await.unwrap();
        assert!(house.only(one.subject).await.paused, "its moment has not come");
        house.test.clock.advance(DAY * 2);
        house.provider.declines.store(true, Ordering::SeqCst);
        house.room.resume_due().await.unwrap();
        let refused = house.only(one.subject).await;
        assert_eq!((refused.paused, refused.resumes_at, refused.access), (true, None, Access::Restricted));
        let by_hand = act(&house, &one, Deed::Unpause).await.unwrap_err();
        assert!(matches!(by_hand, PaymentsError::Provider(ProviderError::Declined { .. })), "{by_hand}");
        assert_eq!(house.only(one.subject).await.access, Access::Restricted);
        house.provider.declines.store(false, Ordering::SeqCst);
        let goes_on = act(&house, &one, Deed::Unpause).await.unwrap();
        assert_eq!((goes_on.paused, goes_on.access), (false, Access::Full));
        act(&house, &one, Deed::Pause { until: Some(house.now() + DAY) }).await.unwrap();
        house.test.clock.advance(DAY * 2);
        house.room.resume_due().await.unwrap();
        let goes_on = house.only(one.subject).await;
        assert_eq!((goes_on.paused, goes_on.access), (false, Access::Full));
    })
    .await;
}

#[tokio::test]
async fn what_goes_on_at_the_provider_in_a_period_that_nobody_paid_is_made_good() {
    in_house(|house| async move {
        house.pro().await;
        for (status, made_good) in [("paid", 0), ("void", 1)] {
            let one = house.subscribe(house.org(), "pro").await;
            act(&house, &one, Deed::Pause { until: None }).await.unwrap();
            let latest = LatestInvoice { id: format!("in_{status}"), status: status.into() };
            house.provider.edit(&one.remote_id, |one| {
                (one.paused, one.latest_invoice) = (false, Some(latest));
            });
            house.provider.declines.store(true, Ordering::SeqCst);
            house.learn(&one.remote_id).await;
            let jobs = "select count(*) from quoin.jobs_queue where type = 'payments.resume'";
            assert_eq!(house.count(jobs).await, made_good, "{status}");
            if made_good == 1 {
                house.room.resume_remote("stripe", &one.remote_id).await.unwrap();
            }
            // Nothing can be paid now, so what was not paid is paused again.
            assert_eq!(house.only(one.subject).await.paused, made_good == 1);
            house.provider.declines.store(false, Ordering::SeqCst);
        }
    })
    .await;
}

#[tokio::test]
async fn while_collecting_is_paused_more_is_not_had_at_once() {
    in_house(|house| async move {
        house.pro().await;
        for (id, amount) in [("team", 4900), ("mini", 900)] {
            let price = json!({"interval": "month", "amount": amount, "currency": "usd"});
            house.plan(json!({"id": id, "name": id, "prices": [price]})).await;
        }
        let one = house.subscribe(house.org(), "pro").await;
        let change = |plan: &str, when| {
            let wished =
                Wished { plan: Some(plan.parse().unwrap()), prorate: true, when, ..Wished::default() };
            house.room.change_subscription(one.subject, one.id, wished, house.entry())
        };
        act(&house, &one, Deed::Pause { until: None }).await.unwrap();
        let refused = change("team", ChangeWhen::Now).await.unwrap_err();
        assert!(matches!(refused, PaymentsError::WrongState(_)), "{refused}");
        assert_eq!(house.only(one.subject).await.amount, 1900);
        assert!(change("team", ChangeWhen::PeriodEnd).await.unwrap().scheduled_change.is_some());
        assert_eq!(change("mini", ChangeWhen::Now).await.unwrap().amount, 900);
        act(&house, &one, Deed::Unpause).await.unwrap();
        assert_eq!(change("team", ChangeWhen::Now).await.unwrap().amount, 4900);
    })
    .await;
}
