//! One request and its bounded answer, as the three providers want them: forms and JSON.

use http::{HeaderName, HeaderValue, Method, header};
use openidconnect::HttpRequest;
use quoin_identity::port::StoreError;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::fetch::Client;

/// The longest word of a provider that goes into the log, in characters.
const MAX_WORDS: usize = 200;

/// An answer that came: what it says is up to the provider.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: u16,
    /// Its body; null where that is no JSON.
    pub(super) body: Value,
    /// Where what was made is, where the answer says so.
    pub(super) location: Option<String>,
}

/// Sends a request.
///
/// # Errors
/// [`StoreError::Unreachable`] where no answer comes or the provider has failed, [`StoreError::Busy`].
pub(super) async fn send(client: &Client, request: HttpRequest) -> Result<Answer, StoreError> {
    let answer = client.0.fetch(request).await.map_err(|error| StoreError::Unreachable(error.to_string()))?;
    let status = answer.status().as_u16();
    match status {
        429 => return Err(StoreError::Busy),
        500.. => return Err(StoreError::Unreachable(format!("it answers {status}"))),
        _ => {}
    }
    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    Ok(Answer {
        status,
        location: location.map(str::to_owned),
        body: serde_json::from_slice(answer.body()).unwrap_or_default(),
    })
}

/// Builds a form of OAuth.
pub(super) fn form(url: &Url, fields: &[(&str, &str)]) -> HttpRequest {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    with_body(Method::POST, url, (kind, body.into_bytes()))
}

/// Builds a call with a JSON body, or without one.
pub(super) fn json(method: Method, url: &Url, body: Option<&Value>) -> HttpRequest {
    let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    with_body(method, url, (HeaderValue::from_static("application/json"), bytes))
}

/// Shows an access token with a call.
pub(super) fn bearing(mut request: HttpRequest, token: &str) -> Result<HttpRequest, StoreError> {
    let value = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut value = value.map_err(|_| StoreError::Refused("the access token is no header".to_owned()))?;
    value.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(request)
}

/// Adds a header.
pub(super) fn with_header(mut request: HttpRequest, name: HeaderName, value: HeaderValue) -> HttpRequest {
    request.headers_mut().insert(name, value);
    request
}

fn with_body(method: Method, url: &Url, (kind, body): (HeaderValue, Vec<u8>)) -> HttpRequest {
    let mut request = HttpRequest::new(body);
    *request.method_mut() = method;
    // A URL that was parsed is a URI.
    *request.uri_mut() = url.as_str().parse().unwrap_or_default();
    request.headers_mut().insert(header::CONTENT_TYPE, kind);
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request
}

/// Appends segments to a URL; each is escaped, so that what a provider calls a person cannot lead elsewhere.
pub(super) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    // A URL of HTTP can always be appended to.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    // Browsers leave this one as it is; RFC 3986 does not.
    let escaped = url.path().replace('|', "%7C");
    url.set_path(&escaped);
    url
}

impl Answer {
    /// Tells whether the call has succeeded.
    pub(super) const fn is_ok(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Reads a text of the body.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body[name].as_str()
    }

    /// Reads a text that the body must have.
    ///
    /// # Errors
    /// [`StoreError::Refused`].
    pub(super) fn needed(&self, name: &str) -> Result<&str, StoreError> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| lacks(name))
    }

    /// Says for the log what the provider says: its code and its words, never the body.
    pub(super) fn words(&self, code: &str, words: &str) -> String {
        let code = self.text(code).unwrap_or("no code");
        let all = format!("{} {code}: {}", self.status, self.text(words).unwrap_or("no words"));
        all.chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect()
    }
}

/// Refuses an answer without a part that it must have.
pub(super) fn lacks(name: &str) -> StoreError {
    StoreError::Refused(format!("it has no {name}"))
}
