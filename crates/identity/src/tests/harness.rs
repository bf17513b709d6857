//! A whole room on a fresh database: real keys, real tokens, a clock that stands still, and the outbox as mailbox.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quoin_db::testing::on_each_engine;
use quoin_db::{Databases, Db, DbError, Migration, Statement, params};
use quoin_kernel::Problem;
use quoin_kernel::clock::FixedClock;
use quoin_kernel::hash::sha256;
use quoin_kernel::job::JobRun;
use quoin_kernel::port::BoxFuture;
use quoin_kernel::rng::SystemRng;
use quoin_kernel::seal::MasterKey;
use quoin_tenancy::{Records, Tenancy, TenancyConfig};
use quoin_web::testing::{START, TestAnswer, call, request, send};
use quoin_web::{App, AppParts, Body, Front, Method, Mode, Ports, WebConfig};
use serde_json::{Value, json};
use url::Url;

use crate::Identity;
use crate::config::{IdentityConfig, Unverified};
use crate::service::{FirstKeys, PresetKeys};

pub(super) const MIGRATIONS: &[&[Migration]] = &[
    quoin_web::MIGRATIONS,
    quoin_audit::MIGRATIONS,
    quoin_jobs::MIGRATIONS,
    quoin_mail::MIGRATIONS,
    quoin_tenancy::MIGRATIONS,
    crate::MIGRATIONS,
];

/// A password that no list holds.
pub(super) const PASSWORD: &str = "walrus-teapot-lantern";
pub(super) const ANN: &str = "ann@example.com";

static OUTBOX: Statement = Statement::new(
    "OUTBOX",
    "select template, secrets from quoin.mail_outbox where to_address = ?1 order by id desc",
);

/// A room that answers, and what a test needs to look behind it.
#[derive(Clone)]
pub(super) struct House {
    pub(super) identity: Identity,
    pub(super) front: Front,
    pub(super) clock: Arc<FixedClock>,
    pub(super) secret: String,
    pub(super) dns: Arc<Dns>,
    /// The organisation whose people calls are about, where they belong to one each.
    pub(super) shop: Option<Shop>,
}

/// An organisation that the platform's team has founded.
#[derive(Clone)]
pub(super) struct Shop {
    pub(super) org_id: String,
    /// The key that its application sends.
    pub(super) key: String,
    /// The address of its owner.
    pub(super) owner: String,
}

/// DNS as a test writes it.
#[derive(Default)]
pub(super) struct Dns(Mutex<HashMap<String, Vec<String>>>);

impl Dns {
    pub(super) fn write(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.0.lock().unwrap().insert(name.to_owned(), texts);
    }
}

impl Records for Dns {
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, Problem>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().get(name).cloned().unwrap_or_default()) })
    }
}

/// A mail that waits in the outbox.
pub(super) struct Mail {
    pub(super) template: String,
    pub(super) link: Option<Url>,
    pub(super) code: String,
}

/// Tells one story on each engine, with the configuration changed by `change`.
pub(super) async fn story<F>(change: fn(&mut IdentityConfig), body: impl Fn(House) -> F)
where
    F: Future<Output = ()>,
{
    on_each_engine(MIGRATIONS, |db| async {
        quoin_db::testing::force_reruns(&db, true);
        body(House::build(db, change).await).await;
    })
    .await;
}

/// Tells one story with the defaults.
pub(super) async fn plain_story<F>(body: impl Fn(House) -> F)
where
    F: Future<Output = ()>,
{
    story(|_| {}, body).await;
}

pub(super) fn restricted(config: &mut IdentityConfig) {
    config.unverified = Unverified::Restricted;
}

pub(super) fn per_organization(config: &mut IdentityConfig) {
    config.mode = crate::config::IdentityMode::PerOrganization;
}

pub(super) fn autoconfirm(config: &mut IdentityConfig) {
    config.unverified = Unverified::Autoconfirm;
}

impl House {
    pub(super) async fn build(db: Db, change: fn(&mut IdentityConfig)) -> Self {
        let clock = Arc::new(FixedClock::at(START));
        Self::build_at(db, clock, change).await
    }

    /// Starts the room again on the same database, as after a restart.
    pub(super) async fn restarted(&self) -> Self {
        self.restarted_with(|_| {}).await
    }

    /// Starts the room again on the same database with another configuration.
    pub(super) async fn restarted_with(&self, change: fn(&mut IdentityConfig)) -> Self {
        let db = self.identity.db().clone();
        Self::build_at(db, Arc::clone(&self.clock), change).await
    }

    /// Makes every call about one organisation's people.
    pub(super) fn of(&self, shop: &Shop) -> Self {
        Self { shop: Some(shop.clone()), ..self.clone() }
    }

    /// Founds an organisation as the platform's team does; its owner has the usual password.
    pub(super) async fn found(&self, name: &str, owner: &str) -> Shop {
        let body = json!({"name": name, "owner_email": owner});
        let founded = self.admin(Method::POST, "/admin/v1/orgs", body).await.json();
        let path = format!("/auth/v1/admin/users/{}", text(&founded["owner"], "id"));
        self.admin(Method::PUT, &path, json!({"password": PASSWORD, "email_confirm": true})).await;
        Shop {
            org_id: text(&founded, "id").to_owned(),
            key: text(&founded, "publishable_key").to_owned(),
            owner: owner.to_owned(),
        }
    }

    /// Sends JSON as the application of the shop does.
    async fn ask(
        &self,
        method: &Method,
        path: &str,
        credential: Option<&str>,
        body: Option<&Value>,
    ) -> TestAnswer {
        let Some(shop) = &self.shop else { return call(&self.front, method, path, credential, body).await };
        let mut builder = request(method, path).header("apikey", &shop.key);
        if let Some(credential) = credential {
            builder = builder.header("authorization", format!("Bearer {credential}"));
        }
        let sent = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let builder = builder.header("content-type", "application/json");
        send(&self.front, builder.body(sent).unwrap()).await
    }

    async fn build_at(db: Db, clock: Arc<FixedClock>, change: fn(&mut IdentityConfig)) -> Self {
        let mut config = WebConfig::at("http://127.0.0.1:8080".parse().unwrap(), Mode::Development);
        config.site_url = "https://app.example.com".parse().unwrap();
        let parts = AppParts {
            db: Databases::shared(db),
            clock: Arc::clone(&clock) as Arc<_>,
            rng: Arc::new(SystemRng::default()),
            config,
            master_key: MasterKey::new([7; 32]),
        };
        let app = App::new(parts);
        app.connect_pages(Arc::new(quoin_web::testing::PlainPages));
        // Cheap hashes and wide limits: what is tried here is not how slow a hash is.
        let mut config = IdentityConfig {
            argon2_memory_kib: 64,
            argon2_passes: 1,
            hash_queue: 1024,
            mails_per_address: 1000,
            mails_per_ip: 1000,
            sign_ups_per_ip: 1000,
            failures_per_account: 1000,
            failures_per_ip: 1000,
            ..IdentityConfig::default()
        };
        change(&mut config);
        let identity = Identity::start(app.clone(), config).await.unwrap();
        super::oauth::connect(&identity);
        super::devices::connect(&identity);
        let authenticator = Arc::new(identity.clone());
        let dns = Arc::new(Dns::default());
        let tenancy = Tenancy::new(app.clone(), TenancyConfig::default());
        tenancy.connect(quoin_tenancy::Ports {
            session_issuer: Arc::new(identity.clone()),
            people: Arc::new(identity.clone()),
            records: Arc::clone(&dns) as Arc<_>,
        });
        let (memberships, issuers) = (Arc::new(tenancy.clone()), Arc::clone(&authenticator) as Arc<_>);
        app.connect(Ports { authenticator, memberships, issuers });
        let secret = "quoin_sec_0123456789abcdef0123456789abcdef".to_owned();
        let preset =
            PresetKeys { secret: Some(quoin_kernel::Secret::new(secret.clone())), ..PresetKeys::default() };
        let _: FirstKeys = identity.ensure_first_keys(&preset).await.unwrap();
        let routes = crate::http::routes(identity.clone()).merge(tenancy.module().routes);
        let front = Front::new(app, routes);
        Self { identity, front, clock, secret, dns, shop: None }
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> TestAnswer {
        self.ask(&Method::POST, path, None, Some(&body)).await
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> TestAnswer {
        self.ask(&Method::GET, path, Some(token), None).await
    }

    pub(super) async fn send(&self, method: Method, path: &str, token: &str, body: Value) -> TestAnswer {
        self.ask(&method, path, Some(token), Some(&body)).await
    }

    pub(super) async fn admin(&self, method: Method, path: &str, body: Value) -> TestAnswer {
        let answer = call(&self.front, &method, path, Some(&self.secret), Some(&body)).await;
        assert!(answer.status.is_success(), "{}", String::from_utf8_lossy(&answer.body));
        answer
    }

    pub(super) async fn sign_up(&self, email: &str) -> TestAnswer {
        self.post("/auth/v1/signup", json!({"email": email, "password": PASSWORD, "data": {"name": "Ann"}}))
            .await
    }

    pub(super) async fn sign_in(&self, email: &str, password: &str) -> TestAnswer {
        self.post("/auth/v1/token?grant_type=password", json!({"email": email, "password": password})).await
    }

    pub(super) async fn refresh(&self, token: &str) -> TestAnswer {
        self.post("/auth/v1/token?grant_type=refresh_token", json!({"refresh_token": token})).await
    }

    /// Refreshes as a program with this name.
    pub(super) async fn refresh_as(&self, token: &str, agent: &str) -> TestAnswer {
        let body = json!({"refresh_token": token}).to_string();
        let request = request(&Method::POST, "/auth/v1/token?grant_type=refresh_token")
            .header("content-type", "application/json")
            .header("user-agent", agent);
        send(&self.front, request.body(Body::from(body)).unwrap()).await
    }

    /// Makes a confirmed account and signs in.
    pub(super) async fn person(&self, email: &str) -> Value {
        let mut body = json!({"email": email, "password": PASSWORD, "email_confirm": true});
        if let Some(shop) = &self.shop {
            body["org_id"] = json!(shop.org_id);
        }
        self.admin(Method::POST, "/auth/v1/admin/users", body).await;
        let answer = self.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Returns the newest mail to an address.
    pub(super) async fn mail_to(&self, email: &str) -> Mail {
        self.mails_to(email).await.into_iter().next().expect("a mail is waiting")
    }

    /// Returns the mails to an address, newest first.
    pub(super) async fn mails_to(&self, email: &str) -> Vec<Mail> {
        let email = email.to_owned();
        let rows = self.identity.db().read::<_, DbError, _>("testing.outbox", move |tx| {
            tx.query(&OUTBOX, &params![&email], |row| {
                Ok((row.get::<String>(0)?, row.get::<Option<Vec<u8>>>(1)?))
            })
        });
        rows.await.unwrap().into_iter().map(|(template, secrets)| self.open(template, secrets)).collect()
    }

    fn open(&self, template: String, secrets: Option<Vec<u8>>) -> Mail {
        let opened =
            secrets.map(|sealed| self.identity.app().master_key().open("mail.outbox", &sealed).unwrap());
        let secrets: Value =
            opened.map_or(Value::Null, |opened| serde_json::from_slice(opened.expose()).unwrap());
        Mail {
            template,
            link: secrets["link"].as_str().map(|link| link.parse().unwrap()),
            code: secrets["code"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// Opens a link's page.
    pub(super) async fn open_page(&self, link: &Url) -> TestAnswer {
        let path = format!("{}?{}", link.path(), link.query().unwrap_or_default());
        send(&self.front, request(&Method::GET, &path).body(Body::empty()).unwrap()).await
    }

    /// Presses the button of a page, as a browser does.
    pub(super) async fn press(&self, page: &TestAnswer) -> TestAnswer {
        let html = String::from_utf8_lossy(&page.body).into_owned();
        let cookie = page.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        let form = hidden_fields(&html);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = request(&Method::POST, "/auth/v1/verify")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", "http://127.0.0.1:8080")
            .header("cookie", cookie);
        send(&self.front, request.body(Body::from(body)).unwrap()).await
    }

    /// Opens the page of the newest mail's link and presses its button.
    pub(super) async fn click(&self, email: &str) -> TestAnswer {
        let link = self.mail_to(email).await.link.expect("the mail holds a link");
        let page = self.open_page(&link).await;
        assert_eq!(page.status, 200, "{}", String::from_utf8_lossy(&page.body));
        self.press(&page).await
    }

    /// Runs a job of the room, as the worker does.
    pub(super) async fn run(&self, name: &str, payload: Value) {
        let types = crate::module(&self.identity).jobs;
        let job = types.iter().find(|job| job.name == name).expect("the room has this job");
        let (id, now) = (self.identity.app().id(), quoin_kernel::Clock::now(self.clock.as_ref()));
        let run = JobRun { id, attempt: 1, max_attempts: 1, fence: 1, now };
        (job.run)(run, payload).await.unwrap();
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// Reads the hidden fields of a page's form.
pub(super) fn hidden_fields(html: &str) -> HashMap<String, String> {
    let inputs = html.split("<input type=\"hidden\" name=\"").skip(1);
    inputs
        .map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"").unwrap();
            let value = rest.split_once('"').unwrap().0;
            (name.to_owned(), value.replace("&amp;", "&"))
        })
        .collect()
}

/// Returns the text of a field.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} in {value}"))
}

/// Reads what a landing URL carries in its fragment.
pub(super) fn fragment(answer: &TestAnswer) -> HashMap<String, String> {
    let location: Url = answer.header("location").parse().unwrap();
    let fragment = location.fragment().unwrap_or_default().to_owned();
    url::form_urlencoded::parse(fragment.as_bytes()).into_owned().collect()
}

/// Reads the claims of an access token without checking it.
pub(super) fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

/// Returns verifier and S256 challenge of a PKCE flow.
pub(super) fn pkce() -> (String, String) {
    use base64::Engine as _;
    let verifier = "a-verifier-of-at-least-forty-three-characters-length".to_owned();
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
    (verifier, challenge)
}
