//! The Stripe adapter passes the suite of providers, over HTTP against the twin.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, header};
use quoin_db::testing::{TestDatabase, fresh_sqlite, on_each_engine};
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Id, Secret, Timestamp};
use quoin_payments::conformance::{World, run, subscribed};
use quoin_payments::model::command::ChangeSubscription;
use quoin_payments::model::remote::{Remote, RemoteSubscription};
use quoin_payments::model::{Command, ObjectKind, ObjectRef, Outcome, Status};
use quoin_payments::port::{IntentKey, Provider, ProviderError};
use quoin_payments::{Entitled, Payments, PaymentsConfig, StripeConfig};
use quoin_server::modules::MIGRATIONS;
use quoin_stripe_twin::{SECRET_KEY, StripeTwin};
use quoin_web::listen::{Connections, Limits, Listener, Shutdown};
use quoin_web::testing::{TestApp, request, send};
use quoin_web::{Body, Front};
use serde_json::Value;
use tokio::task::JoinSet;

const CARD: &str =
    "do=pay&email=ada%40example.com&name=Ada&number=4242424242424242&expiry=12%2F34&cvc=123&country=US";

/// A twin that listens, and a room that sells through it.
struct AtTheTwin {
    room: Payments,
    here: TestApp,
    there: TestApp,
    front: Front,
    shutdown: Shutdown,
    _file: TestDatabase,
    /// The listener and the twin's clock, which end with it.
    _tasks: JoinSet<std::io::Result<()>>,
}

impl AtTheTwin {
    async fn open(db: quoin_db::Db) -> Self {
        let (here, file) = (TestApp::new(db), fresh_sqlite());
        let there = TestApp::new(quoin_db::Db::clone(&file));
        let twin = StripeTwin::on(&there.app, quoin_db::Db::clone(&file)).await.unwrap();
        let front = there.front(twin.module().routes);
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = Shutdown::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(listener.serve(
            front.clone(),
            Limits::default(),
            Connections::default(),
            shutdown.clone(),
        ));
        tasks.spawn(async move {
            twin.run().await;
            Ok(())
        });
        let stripe = StripeConfig {
            secret_key: Some(Secret::new(SECRET_KEY.to_owned())),
            webhook_secret: Some(Secret::new("whsec_conformance".to_owned())),
            api_url: Some(url),
            account: None,
        };
        let config = PaymentsConfig::default();
        let entitled = Entitled::new(&here.app, &config);
        let room = Payments::new(here.app.clone(), config, &stripe, entitled).unwrap();
        Self { room, here, there, front, shutdown, _file: file, _tasks: tasks }
    }
}

impl AtTheTwin {
    /// Calls the twin as its owner would.
    async fn call(&self, path: &str, form: &str) -> Value {
        let asked = request(&Method::POST, path)
            .header(header::AUTHORIZATION, "Bearer sk_test_x")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = send(&self.front, asked.body(Body::from(form.to_owned())).unwrap()).await;
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Makes a subscription pay by this card.
    async fn pay_by(&self, one: &RemoteSubscription, card: &str) {
        let path = format!("/v1/payment_methods/{card}/attach");
        let method = self.call(&path, &format!("customer={}", one.customer)).await;
        let form = format!("default_payment_method={}", method["id"].as_str().unwrap());
        self.call(&format!("/v1/subscriptions/{}", one.id), &form).await;
    }

    async fn seen(&self, id: &str) -> RemoteSubscription {
        let object = ObjectRef::new(ObjectKind::Subscription, id);
        match self.provider().fetch(&object).await.unwrap() {
            Some(Remote::Subscription(one)) => one,
            other => panic!("{other:?}"),
        }
    }

    /// Pauses, or goes on, and says how it stands then.
    async fn pause(
        &self,
        id: &str,
        paused: bool,
        until: Option<Timestamp>,
    ) -> Result<RemoteSubscription, ProviderError> {
        let resumes_at_s = until.map(Timestamp::as_seconds);
        let command = Command::PauseSubscription { subscription: id.to_owned(), paused, resumes_at_s };
        let intent = Id::<()>::new(self.room.app().now(), self.room.app().rng()).uuid();
        let key = IntentKey { intent, key: format!("quoin-{intent}") };
        for _ in 0..2 {
            self.provider().perform(&command, &key).await?;
        }
        Ok(self.seen(id).await)
    }

    /// Changes a subscription, twice under one key.
    async fn change(&self, change: ChangeSubscription) -> Result<RemoteSubscription, ProviderError> {
        let (id, command) = (change.subscription.clone(), Command::ChangeSubscription(change));
        let intent = Id::<()>::new(self.room.app().now(), self.room.app().rng()).uuid();
        let key = IntentKey { intent, key: format!("quoin-{intent}") };
        for _ in 0..2 {
            self.provider().perform(&command, &key).await?;
        }
        Ok(self.seen(&id).await)
    }

    /// Lets the period end, and waits until its invoice is given up.
    async fn outlast(&self, one: &RemoteSubscription) -> RemoteSubscription {
        for pause in [Duration::from_hours(24 * 32), Duration::from_hours(2)] {
            self.advance(pause).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let now = self.seen(&one.id).await;
            let given_up = now.latest_invoice.as_ref().is_some_and(|latest| latest.status == "void");
            if given_up && now.latest_invoice != one.latest_invoice {
                return now;
            }
            assert!(tokio::time::Instant::now() < deadline, "the period does not end: {now:?}");
            self.advance(Duration::from_hours(1)).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Describes a change of seats.
fn seats(one: &RemoteSubscription, quantity: i64) -> ChangeSubscription {
    ChangeSubscription {
        subscription: one.id.clone(),
        item: one.items[0].id.clone(),
        customer: one.customer.clone(),
        price: one.items[0].price.clone(),
        metered_prices: None,
        quantity,
        plan_id: "large".into(),
        plan_version: 1,
        prorate: true,
        paid_first: false,
        ends_trial: false,
    }
}

impl World for AtTheTwin {
    fn room(&self) -> &Payments {
        &self.room
    }

    fn provider(&self) -> Arc<dyn Provider> {
        self.room.selling_provider().unwrap()
    }

    fn pay<'a>(&'a self, page: &'a Outcome) -> BoxFuture<'a, String> {
        Box::pin(async move {
            let session = page.id().unwrap();
            let path = format!("/_twin/checkout/{session}");
            let form = request(&Method::POST, &path)
                .header(header::HOST, "127.0.0.1:8080")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let answer = send(&self.front, form.body(Body::from(CARD)).unwrap()).await;
            assert_eq!(answer.status, 303, "{}", String::from_utf8_lossy(&answer.body));
            let path = format!("/v1/checkout/sessions/{session}");
            let asked = request(&Method::GET, &path).header(header::AUTHORIZATION, "Bearer sk_test_x");
            let paid = send(&self.front, asked.body(Body::empty()).unwrap()).await.json();
            paid["subscription"].as_str().unwrap().to_owned()
        })
    }

    fn bills_use(&self) -> bool {
        true
    }

    fn advance(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.here.clock.advance(time);
        self.there.clock.advance(time);
        Box::pin(async {})
    }
}

#[tokio::test]
async fn stripes_adapter_does_what_the_port_says() {
    on_each_engine(MIGRATIONS, |db| async move {
        let world = AtTheTwin::open(db).await;
        run(&world).await;
        world.shutdown.begin();
    })
    .await;
}

#[tokio::test]
async fn a_period_that_began_during_a_pause_is_paid_or_it_goes_on_being_paused() {
    on_each_engine(MIGRATIONS, |db| async move {
        let world = AtTheTwin::open(db).await;
        let one = subscribed(&world).await;
        world.pause(&one.id, true, None).await.unwrap();
        let same = world.pause(&one.id, false, None).await.unwrap();
        assert_eq!((&same.items, &same.latest_invoice), (&one.items, &one.latest_invoice), "it was paid for");
        let until = Timestamp::from_micros((world.room.app().now().as_seconds() + 90 * 86_400) * 1_000_000);
        let paused = world.pause(&one.id, true, Some(until)).await.unwrap();
        assert_eq!(paused.resumes_at, Some(until));
        let lapsed = world.outlast(&one).await;
        for card in ["pm_card_chargeCustomerFail", "pm_card_authenticationRequired"] {
            world.pay_by(&one, card).await;
            let refused = world.pause(&one.id, false, None).await.unwrap_err();
            assert!(matches!(refused, ProviderError::Declined { .. }), "{card}: {refused}");
            let still = world.seen(&one.id).await;
            assert_eq!((still.paused, &still.items), (true, &lapsed.items), "{card}");
        }
        world.pay_by(&one, "pm_card_visa").await;
        let goes_on = world.pause(&one.id, false, None).await.unwrap();
        assert_eq!((goes_on.paused, goes_on.resumes_at), (false, None));
        assert!(goes_on.items[0].period_start > lapsed.items[0].period_start);
        let latest = goes_on.latest_invoice.unwrap();
        let invoice = world.provider().fetch(&ObjectRef::new(ObjectKind::Invoice, &latest.id)).await.unwrap();
        let Some(Remote::Invoice(invoice)) = invoice else { panic!("{invoice:?}") };
        assert_eq!((invoice.status.as_str(), invoice.amount_paid), ("paid", 3800));
        world.shutdown.begin();
    })
    .await;
}

#[tokio::test]
async fn a_change_in_a_period_that_nobody_paid_credits_nothing_and_pays_for_nothing() {
    on_each_engine(MIGRATIONS, |db| async move {
        let world = AtTheTwin::open(db).await;
        let one = subscribed(&world).await;
        let change = |quantity, paid_first| ChangeSubscription { paid_first, ..seats(&one, quantity) };
        let perform = async |change| world.change(change).await;
        let credited = async || {
            let upcoming = world.provider().upcoming(&one.customer, &one.id).await.unwrap().unwrap();
            upcoming.lines.iter().filter(|line| line.amount < 0).count()
        };
        perform(change(1, false)).await.unwrap();
        assert_eq!(credited().await, 1, "what is paid is evened out");
        perform(change(2, false)).await.unwrap();
        world.pause(&one.id, true, None).await.unwrap();
        let lapsed = world.outlast(&one).await;
        assert_ne!(lapsed.items[0].period_start, one.items[0].period_start);
        let before = credited().await;
        let shown = world.provider().preview(&change(1, false)).await.unwrap();
        assert!(shown.lines.iter().all(|line| line.amount >= 0), "{shown:?}");
        perform(change(1, false)).await.unwrap();
        assert_eq!((world.seen(&one.id).await.items[0].quantity, credited().await), (1, before));
        let refused = perform(change(9, true)).await.unwrap_err();
        assert!(
            matches!(&refused, ProviderError::Refused { code, .. } if code == "period_not_paid"),
            "{refused}"
        );
        assert_eq!(world.seen(&one.id).await.items[0].quantity, 1);
        world.shutdown.begin();
    })
    .await;
}

#[tokio::test]
async fn a_change_that_ends_a_trial_is_paid_in_full_or_the_trial_goes_on() {
    on_each_engine(MIGRATIONS, |db| async move {
        let world = AtTheTwin::open(db).await;
        let one = subscribed(&world).await;
        let until = world.room.app().now().as_seconds() + 14 * 86_400;
        world.call(&format!("/v1/subscriptions/{}", one.id), &format!("trial_end={until}")).await;
        let tried = world.seen(&one.id).await;
        assert_eq!(tried.status, Status::Trialing);
        let more = ChangeSubscription { paid_first: true, ends_trial: true, ..seats(&one, 9) };
        let shown = world.provider().preview(&more).await.unwrap();
        assert_eq!(shown.amount_due, 9 * 1900, "{shown:?}");
        world.pay_by(&one, "pm_card_chargeCustomerFail").await;
        let refused = world.change(more.clone()).await.unwrap_err();
        assert!(matches!(refused, ProviderError::Declined { .. }), "{refused}");
        let still = world.seen(&one.id).await;
        assert_eq!(
            (still.status, &still.items, still.trial_end),
            (tried.status, &tried.items, tried.trial_end)
        );
        world.pay_by(&one, "pm_card_visa").await;
        let paid = world.change(more).await.unwrap();
        assert_eq!((paid.status, paid.items[0].quantity), (Status::Active, 9));
        let latest = paid.latest_invoice.unwrap();
        let invoice = world.provider().fetch(&ObjectRef::new(ObjectKind::Invoice, &latest.id)).await.unwrap();
        let Some(Remote::Invoice(invoice)) = invoice else { panic!("{invoice:?}") };
        assert_eq!((invoice.status.as_str(), invoice.amount_paid), ("paid", 9 * 1900));
        world.shutdown.begin();
    })
    .await;
}
