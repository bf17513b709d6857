//! Providers that keep people, on the shapes that they document: what is asked, and what each answer means.

mod auth0;
mod cognito;
mod keycloak;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use http::{HeaderValue, StatusCode, header};
use openidconnect::{HttpRequest, HttpResponse};
use quoin_identity::config::{UpstreamConfig, UpstreamKind};
use quoin_identity::port::{Credentials, FirstFactor, NewPerson, StoreError};
use quoin_kernel::Secret;
use quoin_kernel::port::BoxFuture;
use serde_json::{Value, json};

use super::played::{now, rsa_key, signed};
use crate::{CannotFetch, Fetch};

const SUBJECT: &str = "7d2c7b6e-0000-4000-8000-000000000001";

/// A way out that answers what was recorded, in order, and remembers what it was asked.
#[derive(Clone, Default)]
struct Recorded(Arc<Mutex<Tape>>);

#[derive(Default)]
struct Tape {
    answers: VecDeque<(u16, Value, Option<String>)>,
    asked: Vec<Asked>,
}

/// What was asked: `METHOD URL`, the call that a header names, the token, and the body.
#[derive(Debug, Clone)]
struct Asked {
    line: String,
    target: String,
    authorization: String,
    body: Value,
}

impl Recorded {
    fn answering(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let recorded = Self::default();
        let answers = answers.into_iter().map(|(status, body)| (status, body, None));
        recorded.0.lock().unwrap().answers.extend(answers);
        recorded
    }

    fn then(self, status: u16, body: Value) -> Self {
        self.0.lock().unwrap().answers.push_back((status, body, None));
        self
    }

    fn then_at(self, location: &str) -> Self {
        self.0.lock().unwrap().answers.push_back((201, Value::Null, Some(location.to_owned())));
        self
    }

    /// Returns what was asked, and insists that every answer was wanted.
    fn asked(&self) -> Vec<Asked> {
        let tape = self.0.lock().unwrap();
        assert!(tape.answers.is_empty(), "not asked for: {:?}", tape.answers);
        tape.asked.clone()
    }
}

impl Fetch for Recorded {
    fn fetch(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, CannotFetch>> {
        Box::pin(async move {
            let text = |name: &str| {
                request
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or_default()
                    .to_owned()
            };
            let form = || {
                let pairs = url::form_urlencoded::parse(request.body());
                pairs.map(|(name, value)| (name.into_owned(), json!(value))).collect()
            };
            let is_form = text("content-type").contains("urlencoded");
            let body = if is_form {
                Value::Object(form())
            } else {
                serde_json::from_slice(request.body()).unwrap_or_default()
            };
            let mut tape = self.0.lock().unwrap();
            tape.asked.push(Asked {
                line: format!("{} {}", request.method(), request.uri()),
                target: text("x-amz-target"),
                authorization: text("authorization"),
                body,
            });
            let (status, body, location) =
                tape.answers.pop_front().ok_or(CannotFetch("no answer".to_owned()))?;
            let mut response = HttpResponse::new(body.to_string().into_bytes());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some(location) = location {
                response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(&location).unwrap());
            }
            Ok(response)
        })
    }
}

fn keys() -> (u16, Value) {
    (200, json!({"keys": [rsa_key("one")]}))
}

/// The claims of an ID token, with these in place of others.
fn id_token(issuer: &str, more: &Value) -> String {
    let seconds = now().as_seconds();
    let mut claims = json!({
        "iss": issuer, "sub": SUBJECT, "aud": "quoin", "exp": seconds + 300, "iat": seconds,
        "email": "jane@example.com", "email_verified": true,
    });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    signed(&claims)
}

fn jane() -> Credentials {
    Credentials { name: "jane@example.com".to_owned(), password: Secret::new("walrus-teapot".to_owned()) }
}

fn person() -> NewPerson {
    NewPerson {
        email: "jane@example.com".parse().unwrap(),
        username: None,
        password: Some(Secret::new("walrus-teapot".to_owned())),
        email_verified: false,
    }
}

fn config(kind: UpstreamKind) -> UpstreamConfig {
    UpstreamConfig {
        provider: Some(kind),
        client_id: "quoin".to_owned(),
        client_secret: Some(Secret::new("quoin-secret".to_owned())),
        ..UpstreamConfig::default()
    }
}

/// Names what a refusal was taken for.
fn named<T: std::fmt::Debug>(refused: Result<T, StoreError>) -> &'static str {
    match refused.expect_err("it should be refused") {
        StoreError::InvalidCredentials => "InvalidCredentials",
        StoreError::Unconfirmed => "Unconfirmed",
        StoreError::ActionRequired(_) => "ActionRequired",
        StoreError::Ended(_) => "Ended",
        StoreError::Exists => "Exists",
        StoreError::NoSuchPerson => "NoSuchPerson",
        StoreError::WeakPassword(_) => "WeakPassword",
        StoreError::CodeRefused => "CodeRefused",
        StoreError::CodeExpired => "CodeExpired",
        StoreError::NotOffered(_) => "NotOffered",
        StoreError::Busy => "Busy",
        StoreError::Refused(_) => "Refused",
        StoreError::Unreachable(_) => "Unreachable",
    }
}

fn owed(factor: FirstFactor) -> quoin_identity::port::OwedFactor {
    match factor {
        FirstFactor::Owes(owed) => *owed,
        FirstFactor::Attested(_) => panic!("a factor should be owed"),
    }
}

fn attested(factor: FirstFactor) -> quoin_identity::port::Attestation {
    match factor {
        FirstFactor::Attested(attestation) => *attestation,
        FirstFactor::Owes(_) => panic!("nothing should be owed"),
    }
}
