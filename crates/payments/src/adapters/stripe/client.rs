//! Sends calls through the one outbound client, with bounded patience.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Problem, Secret};
use quoin_web::outbound::{Outbound, OutboundAnswer, OutboundConfig, OutboundRequest};
use serde_json::Value;
use url::Url;

use super::API_VERSION;
use super::form::Call;
use crate::port::ProviderError;

const ADDRESS: &str = "https://api.stripe.com";
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];
/// The largest answer: a page of a hundred subscriptions.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// What carries calls to an account and brings back its answers.
pub(super) trait Line: Send + Sync {
    /// Sends a call; under a key, its effect happens once.
    fn send<'a>(
        &'a self,
        call: &'a Call,
        key: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Value, ProviderError>>;
}

/// Speaks with one account.
pub(super) struct Client {
    outbound: Outbound,
    base: Url,
    headers: HeaderMap,
}

impl Client {
    /// Prepares to speak with Stripe, or with whoever the operator names.
    ///
    /// # Errors
    /// 400 where key or address cannot be used.
    pub(super) fn new(key: &Secret<String>, api_url: Option<&str>) -> Result<Self, Problem> {
        let base = Url::parse(api_url.unwrap_or(ADDRESS))
            .map_err(|_| Problem::invalid("stripe.api_url cannot be used"))?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
            .map_err(|_| Problem::invalid("stripe.secret_key cannot be used"))?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization);
        headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
        // Another address is named by the operator alone, so it may lie inside.
        let inside = ["0.0.0.0/0", "::/0"].iter().filter(|_| api_url.is_some());
        let outbound = Outbound::new(&OutboundConfig {
            allowed_networks: inside.filter_map(|network| network.parse().ok()).collect(),
            timeout: PATIENCE,
            max_answer_bytes: MAX_ANSWER,
        });
        Ok(Self { outbound, base, headers })
    }

    /// Sends a call, and again where that is safe: reads, and what carries an idempotency key.
    async fn send_patiently(&self, call: &Call, key: Option<&str>) -> Result<Value, ProviderError> {
        let mut pauses = PAUSES.iter();
        loop {
            let outcome = self.send_once(call, key).await;
            let repeatable = call.method == Method::GET || key.is_some();
            match (&outcome, pauses.next()) {
                (Err(ProviderError::Unavailable(_) | ProviderError::Busy), Some(pause)) if repeatable => {
                    tokio::time::sleep(*pause).await;
                }
                _ => return outcome,
            }
        }
    }

    async fn send_once(&self, call: &Call, key: Option<&str>) -> Result<Value, ProviderError> {
        let answer = self.outbound.send(self.request(call, key)?).await;
        read(&answer.map_err(|error| ProviderError::Unavailable(Box::new(error)))?)
    }

    fn request(&self, call: &Call, key: Option<&str>) -> Result<OutboundRequest, ProviderError> {
        let unusable = |what: &str| ProviderError::Garbled(format!("{what} cannot be sent"));
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), call.path));
        let mut request = OutboundRequest::new(call.method.clone(), url);
        request.headers = self.headers.clone();
        if call.method == Method::GET {
            request
                .url
                .set_query(Some(&call.encoded()).filter(|query| !query.is_empty()).map(String::as_str));
        } else {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers.insert(header::CONTENT_TYPE, form);
            request.body = Bytes::from(call.encoded());
        }
        if let Some(key) = key {
            let value = HeaderValue::from_str(key).map_err(|_| unusable("the idempotency key"))?;
            request.headers.insert("idempotency-key", value);
        }
        Ok(request)
    }
}

impl Line for Client {
    fn send<'a>(
        &'a self,
        call: &'a Call,
        key: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Value, ProviderError>> {
        Box::pin(self.send_patiently(call, key))
    }
}

/// Sorts an answer: done, refused for good, or worth another try.
pub(super) fn read(answer: &OutboundAnswer) -> Result<Value, ProviderError> {
    let status = answer.status.as_u16();
    let body: Result<Value, _> = serde_json::from_slice(&answer.body);
    let (code, message) = match &body {
        Ok(value) => describe(&value["error"]),
        Err(_) => (String::new(), String::new()),
    };
    match status {
        200..300 => body.map_err(|error| ProviderError::Garbled(error.to_string())),
        401 | 403 => Err(ProviderError::Unauthorized),
        // The same key in flight, or an object locked by another request; nothing was done.
        409 if code == "idempotency_key_in_use" || code == "idempotency_error" => Err(ProviderError::Busy),
        409 | 429 | 500.. => Err(ProviderError::Unavailable(Box::from(format!("status {status}: {code}")))),
        _ if code.is_empty() => Err(ProviderError::Garbled(format!("status {status} without an error"))),
        402 => Err(ProviderError::Declined { code, message }),
        _ => Err(ProviderError::Refused { code, message }),
    }
}

fn describe(error: &Value) -> (String, String) {
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    let code = text("code").or_else(|| text("type")).unwrap_or_default();
    (code, text("message").unwrap_or_default())
}
