//! An instance in process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use quoin_db::Options;
use quoin_db::testing::{TestDatabase, databases};
use quoin_kernel::clock::{Clock as _, FixedClock, SystemClock};
use quoin_kernel::rng::SystemRng;
use quoin_kernel::{Secret, Timestamp, UserId};
use quoin_server::boot::{Instance, Outside};
use quoin_server::settings::Settings;
use quoin_web::{App, Front};
use serde_json::Value;

use crate::{Answer, Person};

/// The moment at which the clock starts: 2026-08-01T12:00:00Z.
const START: Timestamp = Timestamp::from_micros(1_785_585_600_000_000);
/// The platform's key in every test instance.
const SECRET_KEY: &str = "quoin_sec_0123456789abcdef0123456789abcdef";
/// The publishable key in every test instance.
const PUBLISHABLE_KEY: &str = "quoin_pub_0123456789abcdef0123456789abcdef";
/// How long mails may take to be written.
const PATIENCE: Duration = Duration::from_secs(10);

/// A directory that goes away with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = UserId::new(SystemClock.now(), &SystemRng::default());
        Self(std::env::temp_dir().join(format!("quoin-{name}")))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of a failed test's directory is the system's to clean.
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Changes settings before the start.
pub type Changes = fn(&mut Settings);

/// An instance in process.
pub struct TestServer {
    /// Answers requests.
    pub front: Front,
    /// What its rooms share.
    pub app: App,
    /// Its clock.
    pub clock: Arc<FixedClock>,
    database: TestDatabase,
    directory: Scratch,
    changes: Changes,
}

/// Runs `body` on a fresh instance on each engine that is there.
pub async fn on_each_engine<F: Future<Output = ()>>(body: impl Fn(TestServer) -> F) {
    on_each_engine_with(|_| {}, body).await;
}

/// Runs `body` on a fresh instance with other settings, on each engine that is there.
pub async fn on_each_engine_with<F: Future<Output = ()>>(changes: Changes, body: impl Fn(TestServer) -> F) {
    for database in databases() {
        eprintln!("on {:?}", database.engine());
        body(TestServer::start(database, changes).await).await;
    }
}

impl TestServer {
    async fn start(database: TestDatabase, changes: Changes) -> Self {
        let directory = Scratch::new();
        let clock = Arc::new(FixedClock::at(START));
        // The instance opens the database by itself, as a process would.
        database.close();
        let (app, front) = Self::boot(&database, &directory.0, &clock, changes).await;
        Self { front, app, clock, database, directory, changes }
    }

    async fn boot(
        database: &TestDatabase,
        directory: &Path,
        clock: &Arc<FixedClock>,
        changes: Changes,
    ) -> (App, Front) {
        let mut settings = Settings {
            data_dir: directory.to_owned(),
            migrations_dir: directory.join("migrations"),
            secret_key: Some(Secret::new(SECRET_KEY.into())),
            publishable_key: Some(PUBLISHABLE_KEY.into()),
            redirect_urls: vec!["https://app.example.com".into()],
            ..Settings::default()
        };
        match database.options() {
            Options::Postgres(options) => settings.database_url = Some(options.url.clone()),
            Options::Sqlite(_) => {}
        }
        settings.database_connections = 8;
        settings.identity.argon2_memory_kib = 7168;
        settings.identity.argon2_passes = 1;
        // In process nothing listens. The discard port is nobody's either, so the payments room finds its Stripe down.
        settings.public_url = Some(format!("http://{}", settings.listen));
        settings.listen.set_port(9);
        changes(&mut settings);
        let outside = Outside { clock: clock.clone(), rng: Arc::new(SystemRng::default()) };
        let instance =
            Instance::start(&settings, settings.listen, outside).await.expect("the instance starts");
        let tasks = instance.app.tasks().clone();
        let stop = async move { tasks.stopping().await };
        let Instance { app, front, identity, entitled, stripe_twin, worker, data_dir, .. } = instance;
        quoin_server::boot::start_background(&app, identity, entitled, worker, stop);
        if let Some(twin) = &stripe_twin {
            quoin_server::stripe_twin::start(&app, twin);
        }
        // The lock is held by the directory's handle, which must live as long as the instance.
        std::mem::forget(data_dir);
        (app, front)
    }

    /// Moves the clock.
    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Tells the time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Calls as nobody.
    pub async fn anon(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.call(method, path, None, body).await
    }

    /// Calls with the platform's key.
    pub async fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.call(method, path, Some(SECRET_KEY), body).await
    }

    /// Calls with a credential.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        credential: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(credential) = credential {
            request = request.header(header::AUTHORIZATION, format!("Bearer {credential}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Bytes::from(body.map(Value::to_string).unwrap_or_default());
        self.send(request.body(Full::new(body)).expect("the test's request is well formed")).await
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4711);
        let (parts, body) = self.front.handle(request, peer).await.into_parts();
        let body = body.collect().await.expect("the answer's body can be read").to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Returns the newest mail to an address, waiting until there are `count` of them.
    pub async fn mail(&self, to: &str, count: usize) -> Value {
        let path = format!("/admin/v1/mailbox?to={}", to.replace('+', "%2B"));
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let mails = self.admin(Method::GET, &path, None).await.expect(200).json();
            let there = mails.as_array().map_or(0, Vec::len);
            if there >= count {
                return mails[0].clone();
            }
            assert!(tokio::time::Instant::now() < deadline, "{there} of {count} mails to {to} came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Signs somebody up, confirms the address and signs them in.
    pub async fn person(&self, name: &str) -> Person {
        Person::arrive(self, name).await
    }

    /// Ends the instance and starts another one on the same data, as after a restart.
    pub async fn restart(self) -> Self {
        self.app.tasks().shut_down(Duration::from_secs(5)).await;
        self.app.db().system().close();
        let directory = Scratch::new();
        copy(&self.directory.0, &directory.0);
        let (app, front) = Self::boot(&self.database, &directory.0, &self.clock, self.changes).await;
        Self {
            front,
            app,
            clock: self.clock.clone(),
            database: self.database,
            directory,
            changes: self.changes,
        }
    }
}

/// Copies the files of a data directory, so that the lock of the old one is left alone.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a temporary directory can be made");
    for entry in std::fs::read_dir(from).expect("the data directory can be read") {
        let entry = entry.expect("an entry can be read");
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else if entry.file_name() != "quoin.lock" {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a file can be copied");
        }
    }
}
