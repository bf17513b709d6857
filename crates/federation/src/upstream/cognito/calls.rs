//! How a call of the user pools API looks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Method, header};
use openidconnect::HttpRequest;
use quoin_identity::model::Provider;
use quoin_kernel::hash::hmac_sha256;
use serde_json::Value;
use url::Url;

use crate::upstream::way;

/// The header that names the call.
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// Builds a call.
pub(super) fn call(endpoint: &Url, action: &str, body: &Value) -> HttpRequest {
    let request = way::json(Method::POST, endpoint, Some(body));
    let kind = HeaderValue::from_static("application/x-amz-json-1.1");
    let request = way::with_header(request, header::CONTENT_TYPE, kind);
    let target = HeaderValue::from_str(&format!("AWSCognitoIdentityProviderService.{action}"));
    // Names of calls are ours, and plain letters.
    way::with_header(request, TARGET, target.unwrap_or_else(|_| HeaderValue::from_static("")))
}

/// Returns the proof that a client knows its secret, for calls about `name`: Base64 of an HMAC with SHA-256.
pub(super) fn secret_hash(provider: &Provider, name: &str) -> Option<String> {
    let secret = provider.client_secret.as_ref()?;
    let message = format!("{name}{}", provider.client_id);
    Some(STANDARD.encode(hmac_sha256(secret.expose().as_bytes(), message.as_bytes())))
}
