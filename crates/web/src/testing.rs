//! A front called in process, with faked ports: callers are named by their credential.
//!
//! | credential | who |
//! |---|---|
//! | `user:UUID` | that person, level 2 |
//! | `user:UUID@UUID` | the same with an organisation active |
//! | `aal1:UUID` | that person, who still owes a second factor |
//! | `key` | a platform key with every scope |
//! | `key@UUID` | a key of that organisation |
//! | `down` | the authenticator fails with 503 |

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use quoin_db::{Databases, Db};
use quoin_kernel::clock::FixedClock;
use quoin_kernel::port::{Authenticator, BoxFuture, Issuers, Memberships, Origin};
use quoin_kernel::rng::SeededRng;
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{
    Aal, ApiKeyCaller, Caller, Id, Issuer, OrgId, Problem, Role, Standing, Timestamp, UserCaller, UserId,
};

use crate::app::{App, AppParts, Ports};
use crate::config::{Mode, WebConfig};
use crate::csrf;
use crate::front::Front;
use crate::page::Html;
use crate::route::Routes;
use crate::view::{self, Pages, Permits, View};

/// The moment at which test clocks start: 2026-08-01T12:00:00Z.
pub const START: Timestamp = Timestamp::from_micros(1_785_585_600_000_000);

/// An app with faked ports, a fixed clock and repeatable randomness.
pub struct TestApp {
    /// The app.
    pub app: App,
    /// Its clock.
    pub clock: Arc<FixedClock>,
    /// Who belongs to which organisation.
    pub members: Arc<FakePorts>,
}

/// Answers for identity and tenancy.
#[derive(Debug, Default)]
pub struct FakePorts {
    members: Mutex<Vec<(UserId, OrgId, Standing)>>,
    ended: Mutex<Vec<Issuer>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct TestAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl TestApp {
    /// Builds an app on a database; its tables are not made.
    pub fn new(db: Db) -> Self {
        let public_url = "http://127.0.0.1:8080".parse().expect("a URL");
        Self::with_config(db, WebConfig::at(public_url, Mode::Development))
    }

    /// Builds an app with this configuration.
    pub fn with_config(db: Db, config: WebConfig) -> Self {
        let clock = Arc::new(FixedClock::at(START));
        let app = App::new(AppParts {
            db: Databases::shared(db),
            clock: Arc::clone(&clock) as Arc<_>,
            rng: Arc::new(SeededRng::new(7)),
            config,
            master_key: MasterKey::new([7; 32]),
        });
        let members = Arc::new(FakePorts::default());
        let authenticator = Arc::clone(&members) as Arc<_>;
        let issuers = Arc::clone(&members) as Arc<_>;
        app.connect(Ports { authenticator, memberships: Arc::clone(&members) as Arc<_>, issuers });
        app.connect_pages(Arc::new(PlainPages));
        Self { app, clock, members }
    }

    /// Puts a front before these routes.
    pub fn front(&self, routes: Routes) -> Front {
        Front::new(self.app.clone(), routes)
    }
}

/// Shows pages as rooms mean them, without any look: the template's name, what fills it, and the form.
pub struct PlainPages;

impl Pages for PlainPages {
    fn show(&self, view: View) -> Result<Response, Problem> {
        let mut html = Html::new().raw("<h1>").text(view.template).raw("</h1>");
        if let Some(problem) = &view.problem {
            html = html.raw("<p>").text(problem.title()).raw(" ").text(problem.message()).raw("</p>");
        }
        html = html.raw("<pre>").text(&view.values.to_string()).raw("</pre>");
        let mut response = view::answer(
            String::new(),
            view.status(),
            &Permits { form_targets: &view.form_targets, script: false },
        )?;
        if let Some(form) = view.form {
            html = html.raw("<form method=\"post\" action=\"").text(&form.action).raw("\">");
            for (name, value) in form.fields.iter().chain(&view.carried) {
                html = html.hidden(name, value);
            }
            html = html.hidden(csrf::FIELD, &form.token.field).raw("<button>Go on</button></form>");
            response.headers_mut().append(header::SET_COOKIE, form.token.set_cookie);
        }
        *response.body_mut() = html.as_str().to_owned().into();
        Ok(response)
    }
}

impl FakePorts {
    /// Makes a person a member.
    pub fn join(&self, user_id: UserId, org_id: OrgId, role: Role) {
        self.join_as(user_id, org_id, Standing::of(role));
    }

    /// Makes a person a member with any standing.
    pub fn join_as(&self, user_id: UserId, org_id: OrgId, standing: Standing) {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).push((user_id, org_id, standing));
    }
}

impl FakePorts {
    /// Takes back whatever this credential has signed.
    ///
    /// # Panics
    /// For a credential that signs nothing.
    pub fn end(&self, credential: &str) {
        let caller = caller(credential, START).expect("a credential of the table");
        let issuer = Issuer::of(&caller).expect("somebody");
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(issuer);
    }
}

impl Issuers for FakePorts {
    fn is_live<'a>(&'a self, issuer: &'a Issuer, _: Timestamp) -> BoxFuture<'a, Result<bool, Problem>> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).contains(issuer);
        Box::pin(async move { Ok(!ended) })
    }
}

impl Authenticator for FakePorts {
    fn authenticate<'a>(
        &'a self,
        credential: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Caller, Problem>> {
        Box::pin(async move { caller(credential, now).ok_or_else(|| refusal(credential)) })
    }
}

impl Memberships for FakePorts {
    fn standing_of<'a>(
        &'a self,
        user: &'a UserCaller,
        org_id: OrgId,
    ) -> BoxFuture<'a, Result<Option<Standing>, Problem>> {
        Box::pin(async move {
            let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
            let found = members.iter().find(|(member, org, _)| *member == user.user_id && *org == org_id);
            Ok(found.map(|(.., standing)| standing.clone()))
        })
    }
}

fn caller(credential: &str, now: Timestamp) -> Option<Caller> {
    let (name, org_id) = match credential.split_once('@') {
        Some((name, org_id)) => (name, Some(org_id.parse().ok()?)),
        None => (credential, None),
    };
    let (kind, user_id) = name.split_once(':').unwrap_or((name, "*"));
    if kind == "key" {
        let (key_id, scopes) = (Id::new(now, &SeededRng::new(1)), vec![user_id.to_owned()]);
        return Some(Caller::ApiKey(Arc::new(ApiKeyCaller { key_id, org_id, scopes })));
    }
    let needs_second_factor = match kind {
        "user" | "sso" => false,
        "aal1" => true,
        _ => return None,
    };
    let mut claims = serde_json::json!({"sub": user_id, "role": "authenticated"});
    if let Some(org_id) = org_id {
        claims["org_id"] = serde_json::json!(org_id);
        claims["org_role"] = serde_json::json!("member");
    }
    Some(Caller::User(Arc::new(UserCaller {
        user_id: user_id.parse().ok()?,
        session_id: Id::new(now, &SeededRng::new(2)),
        org: org_id.map(|org_id| (org_id, Role::Member)),
        org_role: org_id.map(|_| Role::Member.as_str().into()),
        sso_org_id: org_id.filter(|_| kind == "sso"),
        aal: if needs_second_factor { Aal::Aal1 } else { Aal::Aal2 },
        needs_second_factor,
        issued_at: now,
        expires_at: now + std::time::Duration::from_hours(1),
        claims: claims.to_string().into(),
    })))
}

fn refusal(credential: &str) -> Problem {
    if credential == "down" {
        return Problem::unavailable("identity_unavailable", "The server cannot check who is calling now", 5);
    }
    Problem::new(401, "bad_jwt", "The credential is not valid")
}

/// Returns where in-process calls seem to come from.
pub fn origin() -> Origin {
    Origin {
        request_id: "test-request".to_owned(),
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user_agent: "test".to_owned(),
        language: None,
        now: START,
        realm: None,
    }
}

/// Starts a request.
pub fn request(method: &Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

/// Sends a request through a front, in process.
pub async fn send(front: &Front, request: Request<Body>) -> TestAnswer {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000));
    let (parts, body) = front.handle(request, peer).await.into_parts();
    let body = body.collect().await.expect("answers in process are whole").to_bytes();
    TestAnswer { status: parts.status, headers: parts.headers, body }
}

/// Sends JSON through a front, as `credential` or as nobody.
pub async fn call(
    front: &Front,
    method: &Method,
    path: &str,
    credential: Option<&str>,
    json: Option<&serde_json::Value>,
) -> TestAnswer {
    let mut builder = request(method, path);
    if let Some(credential) = credential {
        builder = builder.header("authorization", format!("Bearer {credential}"));
    }
    let body = json.map_or_else(Body::empty, |json| Body::from(json.to_string()));
    if json.is_some() {
        builder = builder.header("content-type", "application/json");
    }
    send(front, builder.body(body).expect("a valid request")).await
}

impl TestAnswer {
    /// Reads the body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    pub fn json(&self) -> serde_json::Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// Returns a header as text, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the problem's code, or nothing.
    pub fn code(&self) -> String {
        serde_json::from_slice(&self.body)
            .ok()
            .and_then(|body: serde_json::Value| body["code"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}
