//! A recorded year of a customer, its events in any order, repeated and lost: the rows that remain are the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use quoin_db::testing::{cases, on_each_engine, select};
use quoin_kernel::billing::Subject;
use uuid::Uuid;

use super::harness::{House, MODULES};
use crate::adapters::stripe::tests::recorded::{Recording, mark};
use crate::model::{Announcement, ObjectKind, ObjectRef};
use crate::port::Provider;
use crate::service::reconcile::Reach;
use crate::store::checkouts::{self, Checkout};
use crate::store::{customers, prices_global};
use crate::{Payments, PaymentsConfig};

/// How many lives are led on one database, before another one is taken.
const BATCH: u64 = 120;
/// How many of them at once.
const AT_ONCE: usize = 8;
/// What the rows of a life must not differ in: everything but when this server learned of it, and ids of its own.
const STATE: &[&str] = &[
    "select concat_ws('|', 'subscription', remote_id, remote_item, plan_id, plan_version, price_id, status, quantity, amount,
        currency, cast(current_period_start as text), cast(current_period_end as text), cast(trial_end as text),
        coalesce(cast(cancel_at as text), '-'), coalesce(cast(canceled_at as text), '-'),
        coalesce(cast(ended_at as text), '-'), paused, coalesce(discount, '-'), disputed, refunded,
        coalesce(cast(past_due_since as text), '-'), access, coalesce(mismatch, '-'), reminders,
        cast(started_at as text)) from quoin.payments_subscriptions where subject_id = ?1 order by 1",
    "select concat_ws('|', 'invoice', remote_id, subscription, number, status, currency, subtotal, total, amount_paid,
        amount_refunded, amount_remaining, cast(lines as text), hosted_url, pdf_url, cast(issued_at as text),
        coalesce(cast(due_at as text), '-'), coalesce(cast(paid_at as text), '-'),
        coalesce(cast(next_attempt_at as text), '-'), coalesce(mismatch, '-'))
        from quoin.payments_invoices where subject_id = ?1 order by 1",
    "select concat_ws('|', 'refund', refund.remote_id, refund.amount, refund.currency, coalesce(refund.reason, '-'),
        refund.status, cast(refund.created_at as text), invoice.remote_id)
        from quoin.payments_refunds as refund join quoin.payments_invoices as invoice
        on invoice.subject_id = refund.subject_id and invoice.id = refund.invoice_id
        where refund.subject_id = ?1 order by 1",
    "select concat_ws('|', 'dispute', remote_id, subscription, stands)
        from quoin.payments_disputes where subject_id = ?1 order by 1",
    "select concat_ws('|', 'checkout', remote_id, state, coalesce(problem, '-'))
        from quoin.payments_checkouts where subject_id = ?1 order by 1",
    "select concat_ws('|', 'entitlement', name, plan_id, cast(value as text), allowed, mode, used)
        from quoin.payments_entitlements where subject_id = ?1 order by 1",
    "select concat_ws('|', 'standing', plan_id, plan_version, premium, coalesce(cast(premium_until as text), '-'), auto_renew)
        from quoin.payments_standings where subject_id = ?1 order by 1",
];

/// A small generator, so that each seed is a test of its own that can be repeated.
struct Dice(u64);

impl Dice {
    fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

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

/// The room, and the account that answers it.
struct Stage {
    house: House,
    recording: Arc<Recording>,
    port: Arc<dyn Provider>,
}

impl Stage {
    async fn set(db: quoin_db::Db) -> Self {
        let recording = Recording::open();
        let port: Arc<dyn Provider> = Arc::new(recording.stripe());
        let mut house = House::new(db, PaymentsConfig::default());
        let (app, entitled) = (house.test.app.clone(), house.room.entitled().clone());
        house.room = Payments::with_provider(app, PaymentsConfig::default(), Some(port.clone()), entitled);
        let stage = Self { house, recording, port };
        // What is sold is known before anybody buys.
        stage.house.room.reconcile(Reach::Everything).await.unwrap();
        stage
    }

    /// Begins a life: the customer is ours, and has opened the payment page.
    async fn begin(&self, number: u64) -> Subject {
        let (subject, checkout) = (self.house.org(), Uuid::from_u128(u128::from(number) + 1));
        self.recording.begin(number, subject.to_string(), checkout.to_string());
        let (customer, session) = (self.recording.customer(number), self.recording.session(number));
        let (price, now) = (self.recording.price().to_owned(), self.house.now());
        self.house
            .write(move |tx| {
                customers::insert(tx, subject, "stripe", now)?;
                customers::set_remote(tx, subject, "stripe", &customer)?;
                let (plan, price) = prices_global::find_by_remote(tx, &price)?.unwrap();
                let opened = Checkout {
                    id: checkout,
                    plan: (plan, 1),
                    price_id: price.id,
                    quantity: 1,
                    wish_hash: Vec::new(),
                    remote_id: None,
                    url: None,
                    expires_at: now,
                    state: "open".into(),
                    provider: None,
                };
                checkouts::insert(tx, subject, &opened, now)?;
                checkouts::set_remote(tx, subject, checkout, &session, "https://stripe.example/pay")
            })
            .await
            .unwrap();
        subject
    }

    async fn hear(&self, event: &Announcement) {
        self.house.room.keep_announcement("stripe", event.clone(), self.house.now()).await.unwrap();
    }

    async fn fetch(&self, object: &ObjectRef) {
        // A job would be tried again after a collision, too.
        while let Err(error) = self.house.room.fetch_object(&self.port, object).await {
            assert!(matches!(error, crate::PaymentsError::Db(quoin_db::DbError::Serialization)), "{error}");
        }
    }

    /// What is written down of a life, in words that every life would write.
    async fn state(&self, number: u64, subject: Subject) -> Vec<String> {
        let mut rows = Vec::new();
        for sql in STATE {
            rows.extend(select::<String>(self.house.room.db(), sql, [subject.uuid().into()]).await.unwrap());
        }
        rows.iter().map(|row| row.replace(&mark(number), "")).collect()
    }
}

/// The year as it was: every event comes once, when it happens, and is followed at once.
async fn live_in_order(stage: &Stage) -> Vec<String> {
    let subject = stage.begin(0).await;
    for moment in 0..stage.recording.moments() {
        for event in stage.recording.arrive(0, moment) {
            stage.hear(&event).await;
            for object in &event.objects {
                stage.fetch(object).await;
            }
        }
    }
    stage.state(0, subject).await
}

/// The year as the dice have it: events are lost, repeated, and come in any order; some are followed at once, some later.
async fn live(stage: Arc<Stage>, seed: u64) -> (u64, Subject) {
    let mut dice = Dice::of(seed);
    let subject = stage.begin(seed).await;
    let (mut waiting, mut behind) = (Vec::<Announcement>::new(), BTreeSet::<(&'static str, String)>::new());
    let (losses, haste) = (dice.below(60), 20 + dice.below(70));
    let objects = |event: &Announcement| -> Vec<(&'static str, String)> {
        event.objects.iter().map(|object| (object.kind.as_str(), object.id.clone())).collect()
    };
    for moment in 0..stage.recording.moments() {
        for event in stage.recording.arrive(seed, moment) {
            // What is news of nothing here is kept all the same; a tenth of it will do.
            let lost = dice.chance(losses) || event.objects.is_empty() && dice.chance(90);
            let copies = if lost { 0 } else { 1 + dice.below(3) };
            waiting.extend(std::iter::repeat_n(event, copies));
        }
        while !waiting.is_empty() && dice.chance(haste) {
            let event = waiting.swap_remove(dice.below(waiting.len()));
            stage.hear(&event).await;
            behind.extend(objects(&event));
            if dice.chance(30) {
                follow(&stage, &mut behind).await;
            }
        }
    }
    let the_rest_is_lost = dice.chance(30);
    while !the_rest_is_lost && !waiting.is_empty() {
        let event = waiting.swap_remove(dice.below(waiting.len()));
        stage.hear(&event).await;
        behind.extend(objects(&event));
    }
    follow(&stage, &mut behind).await;
    (seed, subject)
}

async fn follow(stage: &Stage, behind: &mut BTreeSet<(&'static str, String)>) {
    for (kind, id) in std::mem::take(behind) {
        stage.fetch(&ObjectRef::new(ObjectKind::parse(kind).unwrap(), id)).await;
    }
}

/// Leads lives on one database, compares with the provider once, and then each with the life in order.
async fn batch(db: quoin_db::Db, seeds: std::ops::Range<u64>) {
    let stage = Arc::new(Stage::set(db).await);
    let expected = live_in_order(&stage).await;
    assert!(expected.len() > 15, "{expected:#?}");
    let mut lives = Vec::new();
    for seeds in seeds.collect::<Vec<_>>().chunks(AT_ONCE) {
        let mut at_once = tokio::task::JoinSet::new();
        for seed in seeds {
            at_once.spawn(live(stage.clone(), *seed));
        }
        lives.extend(at_once.join_all().await);
    }
    let report = stage.house.room.reconcile(Reach::Everything).await.unwrap();
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    assert!(!report.repaired.is_empty(), "something was lost, so something is repaired");
    for (seed, subject) in lives {
        let found = stage.state(seed, subject).await;
        assert_eq!(found, expected, "seed {seed}");
    }
    let again = stage.house.room.reconcile(Reach::Everything).await.unwrap();
    assert!(again.repaired.is_empty() && again.failed.is_empty(), "{again:?}");
    stage.recording.forget();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_year_ends_in_the_same_rows_whatever_becomes_of_its_events() {
    let seeds = cases(120, 3000);
    for first in (1..=seeds).step_by(usize::try_from(BATCH).unwrap()) {
        on_each_engine(MODULES, |db| batch(db, first..first + BATCH)).await;
    }
    println!("{seeds} orders of events on each engine");
}
