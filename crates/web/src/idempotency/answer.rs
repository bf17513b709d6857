//! An answer as it is kept: status, headers and body, sealed because it may carry secrets.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use quoin_kernel::Problem;
use serde::{Deserialize, Serialize};

use crate::app::App;

const PURPOSE: &str = "web.idempotency";

/// A handler's answer, complete.
#[derive(Debug, Clone)]
pub(super) struct StoredAnswer {
    head: Head,
    body: Bytes,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

impl StoredAnswer {
    /// Reads a response to its end and returns it twice: to keep, and to send.
    pub(super) async fn take(response: Response) -> Result<(Self, Response), Problem> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(Problem::internal)?.to_bytes();
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.to_string(), value.to_str().ok()?.to_owned()))
        };
        let head =
            Head { status: parts.status.as_u16(), headers: parts.headers.iter().filter_map(text).collect() };
        let answer = Self { head, body: body.clone() };
        Ok((answer, Response::from_parts(parts, Body::from(body))))
    }

    /// Encrypts it: the head as one line of JSON, then the body.
    pub(super) fn seal(&self, app: &App) -> Vec<u8> {
        let mut plain = serde_json::json!(self.head).to_string().into_bytes();
        plain.push(b'\n');
        plain.extend_from_slice(&self.body);
        app.master_key().seal(PURPOSE, &plain)
    }

    /// Decrypts it.
    pub(super) fn open(app: &App, sealed: &[u8]) -> Result<Self, Problem> {
        let plain = app.master_key().open(PURPOSE, sealed).map_err(Problem::internal)?;
        let plain = plain.expose();
        let end = plain.iter().position(|byte| *byte == b'\n').unwrap_or(plain.len());
        let (head, body) = plain.split_at(end);
        let head = serde_json::from_slice(head).map_err(Problem::internal)?;
        Ok(Self { head, body: Bytes::copy_from_slice(body.get(1..).unwrap_or_default()) })
    }

    /// Turns it into a response that says it is a repetition.
    pub(super) fn replay(self) -> Result<Response, Problem> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.head.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(Problem::internal)?;
            headers.append(name, HeaderValue::from_str(value).map_err(Problem::internal)?);
        }
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.head.status).map_err(Problem::internal)?;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
