//! Seats follow the members, both ways, and a change that waits goes along.

use quoin_db::{Statement, params};
use quoin_kernel::UserId;
use quoin_kernel::billing::Subject;
use quoin_kernel::rng::SystemRng;
use serde_json::json;

use super::harness::{House, in_house};
use crate::service::change_subscription::{ChangeWhen, Wished};

static ORGANIZATION: Statement = Statement::new(
    "ORGANIZATION",
    "insert into quoin.tenancy_organizations (id, name, created_at, updated_at) values (?1, 'Team', ?2, ?2)",
);
static JOIN: Statement = Statement::new(
    "JOIN",
    "insert into quoin.tenancy_memberships (org_id, user_id, role, version, created_at)
        values (?1, ?2, 'member', 1, ?3)",
);
static LEAVE: Statement =
    Statement::new("LEAVE", "delete from quoin.tenancy_memberships where org_id = ?1 and user_id = ?2");

/// Lets somebody join.
async fn join(house: &House, subject: Subject) -> UserId {
    let (org, now, user) = (subject.uuid(), house.now(), UserId::new(house.now(), &SystemRng::default()));
    house.write(move |tx| tx.execute(&JOIN, &params![org, user, now])).await.unwrap();
    user
}

#[tokio::test]
async fn seats_follow_members_both_ways_and_what_waits_goes_along() {
    in_house(|house| async move {
        for (id, amount) in [("team", 1000), ("basic", 400)] {
            let price = json!({"interval": "month", "amount": amount, "currency": "usd", "per_seat": true});
            let rules = json!({"seats": "follow", "downgrade": "allow"});
            house.plan(json!({"id": id, "name": id, "rules": rules, "prices": [price]})).await;
        }
        let (subject, now) = (house.org(), house.now());
        let org = subject.uuid();
        house.write(move |tx| tx.execute(&ORGANIZATION, &params![org, now])).await.unwrap();
        join(&house, subject).await;
        let second = join(&house, subject).await;
        let one = house.subscribe(subject, "team").await;
        assert_eq!(one.quantity, 2, "a checkout begins with the members there are");
        let later =
            Wished { plan: Some("basic".parse().unwrap()), when: ChangeWhen::PeriodEnd, ..Wished::default() };
        house.room.change_subscription(subject, one.id, later, house.entry()).await.unwrap();
        join(&house, subject).await;
        house.room.follow_seats(subject).await.unwrap();
        let more = house.only(subject).await;
        let waits = more.scheduled_change.unwrap();
        assert_eq!((more.quantity, waits.quantity, waits.plan.unwrap().as_str()), (3, 3, "basic"));
        let gone = second;
        house.write(move |tx| tx.execute(&LEAVE, &params![org, gone])).await.unwrap();
        house.room.follow_seats(subject).await.unwrap();
        let fewer = house.only(subject).await;
        assert_eq!((fewer.quantity, fewer.scheduled_change.unwrap().quantity), (2, 2));
        house.room.follow_seats(subject).await.unwrap();
        assert_eq!(house.only(subject).await.quantity, 2);
    })
    .await;
}
