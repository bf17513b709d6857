//! A year of a customer, its events in any order, repeated and lost: the rows that remain are the same.

use std::sync::Arc;
use std::time::Duration;

use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;
use serde_json::{Value, json};

use super::harness::{House, MODULES};
use crate::PaymentsConfig;
use crate::model::remote::RemoteSubscription;
use crate::model::{ObjectKind, ObjectRef, Status};
use crate::service::apply::describe;

/// How many orders are tried on each engine. Each writes some two hundred transactions.
const SEEDS: u64 = 200;
/// How many of them at once.
const AT_ONCE: usize = 16;

/// A small generator, so that each seed is a test of its own that can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn chance(&mut self, per_cent: usize) -> bool {
        self.below(100) < per_cent
    }
}

type Step = fn(&mut RemoteSubscription, Timestamp);

/// What happens in the year: trial, upgrade, seats, a failed renewal, recovery, a coupon, a pause, cancellation, resumption.
const YEAR: &[Step] = &[
    |one, now| (one.status, one.trial_end) = (Status::Trialing, Some(now + Duration::from_hours(336))),
    |one, _| one.status = Status::Active,
    |one, _| one.items[0].quantity = 5,
    |one, _| one.items[0].quantity = 9,
    |one, _| one.discount = Some("SUMMER".into()),
    |one, now| (one.status, one.unpaid_since) = (Status::PastDue, Some(now)),
    |one, _| one.items[0].quantity = 7,
    |one, _| (one.status, one.unpaid_since) = (Status::Active, None),
    |one, now| one.items[0].period_end = Some(now + Duration::from_hours(720)),
    |one, _| one.paused = true,
    |one, _| one.paused = false,
    |one, _| one.discount = None,
    |one, now| (one.cancel_at, one.canceled_at) = (one.items[0].period_end, Some(now)),
    |one, _| (one.cancel_at, one.canceled_at) = (None, None),
    |one, now| (one.status, one.unpaid_since) = (Status::Unpaid, Some(now)),
    |one, _| (one.status, one.unpaid_since) = (Status::Active, None),
];

async fn fetch(house: &House, id: &str) {
    let object = ObjectRef::new(ObjectKind::Subscription, id);
    // A job would be tried again after a collision, too.
    while let Err(error) = house.room.fetch_object(&house.port(), &object).await {
        assert!(matches!(error, crate::PaymentsError::Db(quoin_db::DbError::Serialization)), "{error}");
    }
}

/// Lives through the year with one customer; what happens to events is up to the dice.
async fn live(house: Arc<House>, seed: u64) -> (Subject, bool) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let subject = house.org();
    let id = house.buy(subject, "pro").await;
    let mut events: Vec<String> = Vec::new();
    let steps = YEAR.len() - dice.below(3);
    for (number, step) in YEAR[..steps].iter().enumerate() {
        let now = house.now() + Duration::from_hours(number as u64);
        house.provider.edit(&id, |one| step(one, now));
        // Two ids for one change, now and then; lost, now and then; repeated, now and then.
        for twin in 0..=dice.below(2) {
            let copies = if dice.chance(20) { 0 } else { 1 + dice.below(4) };
            events.extend(std::iter::repeat_n(format!("evt_{seed}_{number}_{twin}"), copies));
        }
        while !events.is_empty() && dice.chance(60) {
            let event = events.swap_remove(dice.below(events.len()));
            house.hear_as(&event, ObjectKind::Subscription, &id).await;
            if dice.chance(50) {
                fetch(&house, &id).await;
            }
        }
    }
    let everything_lost = dice.chance(30);
    if !everything_lost {
        while !events.is_empty() {
            let event = events.swap_remove(dice.below(events.len()));
            house.hear_as(&event, ObjectKind::Subscription, &id).await;
        }
        fetch(&house, &id).await;
    }
    (subject, everything_lost)
}

#[tokio::test]
async fn the_last_state_is_the_providers_whatever_becomes_of_events() {
    quoin_db::testing::on_each_engine(MODULES, |db| async move {
        let house = Arc::new(House::new(db, PaymentsConfig::default()));
        house.pro().await;
        let mut subjects = Vec::new();
        for seeds in (1..=SEEDS).collect::<Vec<_>>().chunks(AT_ONCE) {
            let mut lives = tokio::task::JoinSet::new();
            for seed in seeds {
                lives.spawn(live(house.clone(), *seed));
            }
            subjects.extend(lives.join_all().await);
        }
        let lossy = subjects.iter().filter(|(_, lossy)| *lossy).count();
        assert!(lossy > 0 && lossy < subjects.len());
        let report = house.room.reconcile().await.unwrap();
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        for (subject, _) in subjects {
            let one = house.only(subject).await;
            let remote = house.provider.with(|books| books.subscriptions[&one.remote_id].clone());
            assert_eq!(comparable(&describe(&one)), expected(&remote));
        }
        // And nothing is left to repair: the room and the provider say the same.
        assert!(house.room.reconcile().await.unwrap().repaired.is_empty());
    })
    .await;
}

fn comparable(row: &Value) -> Value {
    let names = [
        "status",
        "quantity",
        "discount",
        "paused",
        "cancel_at",
        "canceled_at",
        "past_due_since",
        "trial_end",
        "current_period_end",
    ];
    names
        .iter()
        .map(|name| ((*name).to_owned(), row[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn expected(remote: &RemoteSubscription) -> Value {
    let item = &remote.items[0];
    json!({"status": remote.status, "quantity": item.quantity, "discount": remote.discount, "paused": remote.paused,
        "cancel_at": remote.cancel_at, "canceled_at": remote.canceled_at, "past_due_since": remote.unpaid_since,
        "trial_end": remote.trial_end, "current_period_end": item.period_end})
}
