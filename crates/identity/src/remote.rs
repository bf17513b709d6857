//! The same answers from another process: how a node that serves only other rooms learns who is calling.
//!
//! A token's signature is checked here with the identity process's public keys, so that rubbish costs no call; whether
//! it still counts is asked there. An answer is believed for two seconds; without one, nobody is let in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use quoin_kernel::hash::sha256;
use quoin_kernel::port::{Authenticator, BoxFuture};
use quoin_kernel::{ApiKeyCaller, Caller, Problem, Secret, Timestamp};
use quoin_web::outbound::{Outbound, OutboundConfig, OutboundRequest};
use quoin_web::{HeaderMap, HeaderValue, Method, header};
use url::Url;

use crate::keyring::{InvalidToken, Keyring};
use crate::model::api_key::KeyKind;
use crate::service::Introspection;

/// How long an answer is believed.
const FRESH: Duration = Duration::from_secs(2);
/// How long one question may take.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Answers remembered at most.
const CAPACITY: usize = 65_536;

/// Asks the identity process.
pub struct RemoteAuthenticator {
    introspect: Url,
    jwks: Url,
    authorization: HeaderValue,
    outbound: Outbound,
    keyring: Keyring,
    keys_asked_at: AtomicI64,
    answers: Mutex<HashMap<[u8; 32], Answer>>,
}

#[derive(Clone)]
struct Answer {
    caller: Caller,
    until: Timestamp,
}

impl RemoteAuthenticator {
    /// Prepares to ask the process at `url`, as the service with this id and secret.
    ///
    /// # Errors
    /// 400 where the URL or the credentials cannot be used.
    pub fn new(url: &Url, id: &str, secret: &Secret<String>) -> Result<Self, Problem> {
        let invalid = |what: &str| Problem::invalid(format!("{what} cannot be used"));
        let base = url.as_str().trim_end_matches('/');
        let at = |path: &str| Url::parse(&format!("{base}{path}")).map_err(|_| invalid("identity_url"));
        let credentials = STANDARD.encode(format!("{id}:{}", secret.expose()));
        let mut authorization = HeaderValue::from_str(&format!("Basic {credentials}"))
            .map_err(|_| invalid("service_id and service_secret"))?;
        authorization.set_sensitive(true);
        // The operator names this address, nobody else can: inside networks are allowed.
        let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok()).collect();
        let outbound = Outbound::new(&OutboundConfig {
            allowed_networks: everywhere,
            timeout: PATIENCE,
            ..OutboundConfig::default()
        });
        Ok(Self {
            introspect: at("/auth/v1/introspect")?,
            jwks: at("/auth/v1/.well-known/jwks.json")?,
            authorization,
            outbound,
            keyring: Keyring::default(),
            keys_asked_at: AtomicI64::new(0),
            answers: Mutex::default(),
        })
    }

    /// Asks for the keys again; how readiness is checked.
    ///
    /// # Errors
    /// 503 where the identity process does not answer.
    pub async fn reload_keys(&self) -> Result<(), Problem> {
        let request = OutboundRequest::new(Method::GET, self.jwks.clone());
        let answer = self.outbound.send(request).await.map_err(|error| unavailable().source(error))?;
        if !answer.status.is_success() {
            return Err(unavailable());
        }
        self.keyring.adopt(&answer.body)
    }

    fn remembered(&self, hash: &[u8; 32], now: Timestamp) -> Option<Caller> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(hash).filter(|answer| now < answer.until).map(|answer| answer.caller.clone())
    }

    fn remember(&self, hash: [u8; 32], caller: &Caller, now: Timestamp) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= CAPACITY {
            answers.clear();
        }
        answers.insert(hash, Answer { caller: caller.clone(), until: now + FRESH });
    }

    /// Refuses a token whose signature or time is wrong, before anybody is asked.
    async fn precheck(&self, token: &str, now: Timestamp) -> Result<Caller, Problem> {
        let mut verified = self.keyring.verify(token, None, now);
        if matches!(verified, Err(InvalidToken::UnknownKey)) && self.may_ask_for_keys(now) {
            self.reload_keys().await?;
            verified = self.keyring.verify(token, None, now);
        }
        let (claims, json) = verified.map_err(crate::authenticator::refuse)?;
        Ok(claims.into_caller(json))
    }

    async fn ask(&self, credential: &str) -> Result<Introspection, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = serde_json::json!({ "token": credential }).to_string();
        let request = OutboundRequest {
            headers,
            body: Bytes::from(body),
            ..OutboundRequest::new(Method::POST, self.introspect.clone())
        };
        let answer = self.outbound.send(request).await.map_err(|error| unavailable().source(error))?;
        if !answer.status.is_success() {
            tracing::error!(status = answer.status.as_u16(), "the identity process refuses this service");
            return Err(unavailable());
        }
        serde_json::from_slice(&answer.body).map_err(|error| unavailable().source(error))
    }

    fn may_ask_for_keys(&self, now: Timestamp) -> bool {
        let last = self.keys_asked_at.load(Ordering::Relaxed);
        let due = now.as_micros() - last >= 1_000_000;
        due && self
            .keys_asked_at
            .compare_exchange(last, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

impl Authenticator for RemoteAuthenticator {
    fn authenticate<'a>(
        &'a self,
        credential: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Caller, Problem>> {
        Box::pin(async move {
            let hash = sha256(credential.as_bytes());
            if let Some(caller) = self.remembered(&hash, now) {
                return Ok(caller);
            }
            let token = match KeyKind::of(credential) {
                Some(_) => None,
                None => Some(self.precheck(credential, now).await?),
            };
            let answer = self.ask(credential).await?;
            let caller = understand(answer, token).ok_or_else(|| {
                Problem::new(401, "bad_jwt", "This token or key is not, or no longer, valid")
            })?;
            self.remember(hash, &caller, now);
            Ok(caller)
        })
    }
}

/// Turns an answer into a caller; a token's own claims were verified before.
fn understand(answer: Introspection, token: Option<Caller>) -> Option<Caller> {
    if !answer.active {
        return None;
    }
    match answer.token_type.as_deref() {
        Some("access_token") => token,
        Some("publishable_key") => Some(Caller::Anonymous),
        Some("api_key") => Some(Caller::ApiKey(Arc::new(ApiKeyCaller {
            key_id: answer.key_id?,
            org_id: answer.org_id,
            scopes: answer.scopes,
        }))),
        _ => None,
    }
}

fn unavailable() -> Problem {
    Problem::unavailable("authentication_unavailable", "It cannot be checked now who is calling", 2)
}
