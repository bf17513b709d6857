//! The room with its provider in memory, and hands to drive both.

use std::sync::Arc;

use quoin_audit::{Actor, Entry};
use quoin_db::testing::on_each_engine;
use quoin_db::{Db, DbError, Migration};
use quoin_kernel::billing::Subject;
use quoin_kernel::rng::SystemRng;
use quoin_kernel::{Id, OrgId, Timestamp, UserId};
use quoin_web::testing::TestApp;
use serde_json::json;

use super::provider::Scripted;
use crate::model::{Announcement, NewPlan, ObjectKind, ObjectRef, Subscription};
use crate::port::Provider;
use crate::service::open_portal::Payer;
use crate::service::start_checkout::Order;
use crate::{Entitled, Payments, PaymentsConfig};

pub(super) const MODULES: &[&[Migration]] = &[
    quoin_web::MIGRATIONS,
    quoin_audit::MIGRATIONS,
    quoin_jobs::MIGRATIONS,
    quoin_mail::MIGRATIONS,
    quoin_tenancy::MIGRATIONS,
    crate::MIGRATIONS,
];

/// The room, its provider and its app.
pub(super) struct House {
    pub(super) room: Payments,
    pub(super) provider: Arc<Scripted>,
    pub(super) test: TestApp,
}

/// Runs a body on each engine.
pub(super) async fn in_house<F: Future<Output = ()>>(body: impl Fn(House) -> F) {
    in_house_with(PaymentsConfig::default(), body).await;
}

/// Runs a body on each engine with a configuration.
pub(super) async fn in_house_with<F: Future<Output = ()>>(config: PaymentsConfig, body: impl Fn(House) -> F) {
    on_each_engine(MODULES, |db| body(House::new(db, config.clone()))).await;
}

impl House {
    pub(super) fn new(db: Db, config: PaymentsConfig) -> Self {
        let test = TestApp::new(db);
        let provider = Arc::new(Scripted::default());
        let entitled = Entitled::new(&test.app, &config);
        test.app.connect_entitlements(Arc::new(entitled.clone()));
        let port: Arc<dyn Provider> = provider.clone();
        let room = Payments::with_provider(test.app.clone(), config, Some(port), entitled);
        Self { room, provider, test }
    }

    pub(super) fn port(&self) -> Arc<dyn Provider> {
        self.provider.clone()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.room.now()
    }

    pub(super) fn entry(&self) -> Entry {
        Entry::new(&SystemRng::default(), self.now(), Actor::System("test"), "test")
    }

    pub(super) fn org(&self) -> Subject {
        Subject::Org(OrgId::new(self.now(), &SystemRng::default()))
    }

    pub(super) fn payer(&self, subject: Subject) -> Payer {
        let contact = UserId::new(self.now(), &SystemRng::default());
        Payer { subject, contact, email: Some("payer@example.com".into()), language: "en".into() }
    }

    /// Makes a plan through the room.
    pub(super) async fn plan(&self, plan: serde_json::Value) {
        let plan: NewPlan = serde_json::from_value(plan).unwrap();
        self.room.create_plan(plan, self.entry()).await.unwrap();
    }

    /// Makes the plan that most tests sell.
    pub(super) async fn pro(&self) {
        self.plan(json!({
            "id": "pro", "name": "Pro",
            "prices": [{"interval": "month", "amount": 1900, "currency": "usd"}],
            "entitlements": {"projects": {"limit": 3}, "export": true},
        }))
        .await;
    }

    pub(super) fn order(plan: &str) -> Order {
        Order {
            plan: plan.parse().unwrap(),
            interval: None,
            currency: None,
            quantity: None,
            coupon: None,
            success_url: "https://app.example.com/done".into(),
            cancel_url: "https://app.example.com/back".into(),
        }
    }

    /// Buys a plan and pays; nothing is heard of it yet.
    pub(super) async fn buy(&self, subject: Subject, plan: &str) -> String {
        let order = Self::order(plan);
        let started = self.room.start_checkout(&self.payer(subject), &order, self.entry()).await.unwrap();
        self.provider.pay(&started.session_id, self.now())
    }

    /// Hears of an object, as an event would tell.
    pub(super) async fn hear(&self, kind: ObjectKind, id: &str) {
        self.hear_as(&format!("evt_{}", Id::<()>::new(self.now(), &SystemRng::default())), kind, id).await;
    }

    pub(super) async fn hear_as(&self, event: &str, kind: ObjectKind, id: &str) {
        let event = Announcement {
            id: event.to_owned(),
            kind: "test".into(),
            announced_at: self.now(),
            objects: vec![ObjectRef::new(kind, id)],
            foreign: None,
        };
        self.room.keep_announcement("stripe", event, self.now()).await.unwrap();
    }

    /// Hears of a subscription and fetches it.
    pub(super) async fn learn(&self, id: &str) {
        self.hear(ObjectKind::Subscription, id).await;
        self.room.fetch_object(&self.port(), &ObjectRef::new(ObjectKind::Subscription, id)).await.unwrap();
    }

    /// Buys, pays and learns of it.
    pub(super) async fn subscribe(&self, subject: Subject, plan: &str) -> Subscription {
        let id = self.buy(subject, plan).await;
        self.learn(&id).await;
        self.only(subject).await
    }

    /// Returns the one subscription of a subject.
    pub(super) async fn only(&self, subject: Subject) -> Subscription {
        let mut all = self.room.list_subscriptions(subject).await.unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Counts rows.
    pub(super) async fn count(&self, sql: &'static str) -> i64 {
        quoin_db::testing::select::<i64>(self.room.db(), sql, []).await.unwrap()[0]
    }

    /// Runs a closure in a transaction.
    pub(super) async fn write<T, E>(
        &self,
        closure: impl FnMut(&mut quoin_db::Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.room.db().write("test.write", closure).await
    }
}
