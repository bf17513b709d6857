//! Cross-origin calls (Fetch standard): by default from every page, never with cookies.

use std::collections::HashSet;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The headers that pages may send; the contract's clients need all of these.
const ALLOWED_HEADERS: &str = "accept, accept-profile, apikey, authorization, content-profile, content-range, \
                               content-type, idempotency-key, if-match, if-none-match, prefer, range, range-unit, \
                               traceparent, tracestate, tus-resumable, upload-length, upload-metadata, upload-offset, \
                               x-client-info, x-region, x-request-id, x-retry-count, x-supabase-api-version, x-upsert";
/// The headers that pages may read.
const EXPOSED_HEADERS: &str = "content-encoding, content-location, content-profile, content-range, etag, link, \
                               location, preference-applied, range-unit, retry-after, tus-checksum-algorithm, tus-extension, tus-max-size, tus-resumable, tus-version, \
                               upload-expires, upload-length, upload-offset, x-request-id, x-supabase-api-version";
const ALLOWED_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Knows whose pages may call.
#[derive(Debug)]
pub(super) struct Cors {
    any: bool,
    origins: HashSet<HeaderValue>,
}

impl Cors {
    /// Reads the configured origins; none, or `*`, means every one.
    pub(super) fn new(origins: &[String]) -> Self {
        let any = origins.is_empty() || origins.iter().any(|origin| origin == "*");
        let plain = |origin: &String| HeaderValue::from_str(origin.trim_end_matches('/')).ok();
        Self { any, origins: origins.iter().filter_map(plain).collect() }
    }

    /// Answers a preflight. Headers that are not on the list are echoed back, since clients add their own.
    pub(super) fn preflight(request: &HeaderMap) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(ALLOWED_METHODS));
        let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).filter(|asked| !asked.is_empty());
        let allowed = asked.cloned().unwrap_or(HeaderValue::from_static(ALLOWED_HEADERS));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
        headers.insert(header::VARY, HeaderValue::from_static("access-control-request-headers"));
        response
    }

    /// Adds what lets a page of this origin read the answer.
    pub(super) fn apply(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if !self.any {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        let Some(origin) = origin else { return };
        let allowed = if self.any {
            HeaderValue::from_static("*")
        } else if self.origins.contains(origin) {
            origin.clone()
        } else {
            return;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    }
}
