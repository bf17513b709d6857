//! The Stripe adapter passes the suite of providers, over HTTP against the twin.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, header};
use quoin_db::testing::{TestDatabase, fresh_sqlite, on_each_engine};
use quoin_kernel::Secret;
use quoin_kernel::port::BoxFuture;
use quoin_payments::conformance::{World, run};
use quoin_payments::model::Outcome;
use quoin_payments::port::Provider;
use quoin_payments::{Entitled, Payments, PaymentsConfig, StripeConfig};
use quoin_server::modules::MIGRATIONS;
use quoin_stripe_twin::{SECRET_KEY, StripeTwin};
use quoin_web::listen::{Connections, Limits, Listener, Shutdown};
use quoin_web::testing::{TestApp, request, send};
use quoin_web::{Body, Front};
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
