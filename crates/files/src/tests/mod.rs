//! The room as callers see it, over HTTP and in process, on both engines with the disk store.

mod buckets;
mod cloud_faults;
mod conformance;
mod crashes;
mod danger;
mod faults;
mod listing;
mod objects;
mod pictures;
mod policies;
mod quota;
mod reading;
mod resumable;
mod scanners;
mod signed;
mod stores;
mod tenants;
mod uploads;

use std::path::PathBuf;
use std::sync::Arc;

use quoin_db::testing::on_each_engine;
use quoin_db::{Db, Migration};
use quoin_kernel::clock::FixedClock;
use quoin_kernel::rng::{SystemRng, token};
use quoin_kernel::{OrgId, Timestamp, UserId};
use quoin_web::testing::{FakePorts, TestAnswer, TestApp, request, send};
use quoin_web::{Body, Front, Method};
use serde_json::{Value, json};

use crate::adapters::Disk;
use crate::port::ObjectStore;
use crate::service::Guests;
use crate::service::sweep::sweep;
use crate::{Files, FilesConfig, Stores};

const MODULES: &[&[Migration]] = &[
    quoin_audit::MIGRATIONS,
    quoin_jobs::MIGRATIONS,
    quoin_web::MIGRATIONS,
    quoin_tenancy::MIGRATIONS,
    crate::MIGRATIONS,
];

/// The platform's key, as the faked authenticator knows it.
const KEY: &str = "key";

/// A room on a database and in a directory of its own.
struct House {
    front: Front,
    files: Files,
    disk: Arc<Disk>,
    clock: Arc<FixedClock>,
    ports: Arc<FakePorts>,
    directory: PathBuf,
}

impl Drop for House {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

impl House {
    fn new(db: Db, config: FilesConfig) -> Self {
        Self::with(db, config, Guests::default())
    }

    fn with(db: Db, config: FilesConfig, guests: Guests) -> Self {
        Self::behind(db, config, guests, |disk| disk)
    }

    /// Opens a room whose store stands behind another one.
    fn behind(
        db: Db,
        config: FilesConfig,
        guests: Guests,
        wrap: impl FnOnce(Arc<Disk>) -> Arc<dyn ObjectStore>,
    ) -> Self {
        let directory = std::env::temp_dir().join(format!("quoin-files-{}", token(&SystemRng::default())));
        let app = TestApp::new(db);
        let disk = Arc::new(Disk::open(&directory).unwrap());
        let files = Files::with(app.app.clone(), config, Stores::new(wrap(disk.clone())), guests);
        let front = app.front(crate::module(&files).routes);
        Self { front, files, disk, clock: app.clock, ports: app.members, directory }
    }

    async fn call(&self, method: Method, path: &str, who: Option<&str>, body: Option<Value>) -> TestAnswer {
        quoin_web::testing::call(&self.front, &method, &format!("/storage/v1{path}"), who, body.as_ref())
            .await
    }

    async fn post(&self, path: &str, who: &str, body: Value) -> TestAnswer {
        self.call(Method::POST, path, Some(who), Some(body)).await
    }

    async fn get(&self, path: &str, who: &str) -> TestAnswer {
        self.call(Method::GET, path, Some(who), None).await
    }

    /// Sends a request with these headers.
    async fn send(
        &self,
        method: Method,
        path: &str,
        who: Option<&str>,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> TestAnswer {
        let mut builder = request(&method, &format!("/storage/v1{path}"));
        if let Some(who) = who {
            builder = builder.header("authorization", format!("Bearer {who}"));
        }
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        send(&self.front, builder.body(body.into()).unwrap()).await
    }

    /// Stores a text.
    async fn upload(&self, path: &str, who: &str, text: &'static str) -> TestAnswer {
        let headers = [("content-type", "text/plain"), ("cache-control", "max-age=3600")];
        self.send(Method::POST, &format!("/object/{path}"), Some(who), &headers, text).await
    }

    async fn make_bucket(&self, name: &str, rules: Value) {
        let mut body = json!({"id": name, "name": name});
        body.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
        self.post("/bucket", KEY, body).await.expect(200);
    }

    /// Runs the jobs that remove bytes, then says how many keys the store holds.
    async fn held_after_sweep(&self) -> usize {
        self.clock.advance(std::time::Duration::from_mins(3));
        sweep(&self.files).await.unwrap();
        self.disk.list(None, 1000).await.unwrap().len()
    }
}

/// Demands a status, and shows the body where another one came.
trait Expect {
    fn expect(self, status: u16) -> Self;
}

impl Expect for TestAnswer {
    #[track_caller]
    fn expect(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        assert!(self.status.as_u16() == status, "expected {status}, got {}: {text}", self.status);
        self
    }
}

/// Runs a story on each engine.
async fn story<F: Future<Output = ()>>(body: impl Fn(House) -> F) {
    story_with(FilesConfig::default(), body).await;
}

/// Runs a story on each engine with what others bring.
async fn story_among<F: Future<Output = ()>>(guests: Guests, body: impl Fn(House) -> F) {
    on_each_engine(MODULES, |db| body(House::with(db, FilesConfig::default(), guests.clone()))).await;
}

/// Runs a story on each engine with a configuration.
async fn story_with<F: Future<Output = ()>>(config: FilesConfig, body: impl Fn(House) -> F) {
    on_each_engine(MODULES, |db| body(House::new(db, config.clone()))).await;
}

fn now() -> Timestamp {
    "2026-08-01T12:00:00Z".parse().unwrap()
}

/// A credential of a new person with a new organisation active.
fn somebody() -> String {
    let rng = SystemRng::default();
    format!("user:{}@{}", UserId::new(now(), &rng), OrgId::new(now(), &rng))
}

/// The organisation of a credential.
fn org_of(who: &str) -> &str {
    who.split_once('@').unwrap().1
}
