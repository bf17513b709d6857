//! The outbox on both engines, with real workers and an SMTP server that behaves as told.

mod delivery;
mod mailbox;
mod smtp_server;

use std::sync::Arc;
use std::time::Duration;

use quoin_db::{Databases, Db, DbError, Migration};
use quoin_jobs::{JobsConfig, Subscriptions, Worker, WorkerParts};
use quoin_kernel::clock::{FixedClock, SystemClock};
use quoin_kernel::rng::SystemRng;
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{Clock, EmailAddress, Language};
use quoin_web::{App, AppParts, Mode, WebConfig};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::brand::Brand;
use crate::model::{MailId, NewMail};
use crate::port::Transport;
use crate::service::Deliverer;
use crate::templates::Templates;

const MODULES: &[&[Migration]] = &[quoin_audit::MIGRATIONS, quoin_jobs::MIGRATIONS, crate::MIGRATIONS];
const PATIENCE: Duration = Duration::from_secs(30);
const LINK: &str = "https://acme.example/auth/v1/verify?token=sesame";

fn app(db: &Db, clock: Arc<dyn Clock>) -> App {
    App::new(AppParts {
        db: Databases::shared(db.clone()),
        clock,
        rng: Arc::new(SystemRng::default()),
        config: WebConfig::at("http://127.0.0.1:8080".parse().unwrap(), Mode::Development),
        master_key: MasterKey::new([7; 32]),
    })
}

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

/// Asks for a confirmation mail to `to`.
async fn ask(app: &App, to: &str) -> MailId {
    let secrets = json!({"link": LINK, "code": "123456"});
    let mail = NewMail::new(app.rng(), app.now(), address(to), "identity.confirm")
        .params(json!({"minutes": 10}))
        .secrets(app.master_key(), &secrets);
    let id = mail.id();
    let asked = app.db().system().write::<_, DbError, _>("test.ask", move |tx| crate::enqueue(tx, &mail));
    asked.await.unwrap();
    id
}

/// Everything that the outbox's row of a mail holds, as one text.
async fn row(db: &Db, id: MailId) -> String {
    quoin_db::statements! {
        ROW = "select state, to_address, params, secrets from quoin.mail_outbox where id = ?1";
    }
    assert_eq!(ALL.len(), 1);
    let row = db.read::<_, DbError, _>("test.row", move |tx| {
        tx.query_one(&ROW, &quoin_db::params![id], |row| {
            let (state, to): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let (params, secrets): (Option<serde_json::Value>, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
            let secrets = secrets.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            Ok(format!("{state} {to:?} {params:?} {secrets:?}"))
        })
    });
    row.await.unwrap()
}

/// A worker that sends mails; dropping it is a crash.
struct Sending(JoinHandle<()>);

impl Sending {
    fn start(app: &App, clock: Arc<dyn Clock>, transport: Arc<dyn Transport>) -> Self {
        let templates = Templates::load(&Brand::plain("Acme"), Language::En, None).unwrap();
        let from = "Acme <hello@acme.example>".parse().unwrap();
        let module = crate::module(Deliverer {
            app: app.clone(),
            templates,
            from,
            transport,
            keep_ended: Duration::from_hours(168),
        });
        let worker = Worker::new(WorkerParts {
            db: app.db().system().clone(),
            types: module.jobs,
            schedules: Vec::new(),
            subscriptions: Subscriptions::default(),
            config: JobsConfig::default(),
            clock,
            rng: Arc::new(SystemRng::default()),
        });
        let worker = worker.unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test ends the task itself")]
        Self(tokio::spawn(worker.run(std::future::pending())))
    }

    fn on(app: &App, transport: impl Transport + 'static) -> Self {
        Self::start(app, Arc::new(SystemClock), Arc::new(transport))
    }

    async fn kill(self) {
        self.0.abort();
        assert!(self.0.await.unwrap_err().is_cancelled());
    }
}

/// Waits until `condition` holds, looking often.
async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn fixed_clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at("2026-08-01T12:00:00Z".parse().unwrap()))
}

#[tokio::test]
async fn every_statement_can_be_prepared_on_each_engine() {
    quoin_db::testing::on_each_engine(MODULES, |db| async move {
        let refused = quoin_db::testing::refused_statements(&db, crate::STATEMENTS).await.unwrap();
        assert!(refused.is_empty(), "{refused:#?}");
    })
    .await;
}
