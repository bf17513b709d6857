//! What came back.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// Reads the body as JSON; anything else reads as null.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Reads the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the problem's code.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Demands a status.
    ///
    /// # Panics
    /// Where another one came; shows the body.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "often the status is all that matters")]
    pub fn expect(self, status: u16) -> Self {
        assert!(self.status.as_u16() == status, "expected {status}, got {}: {}", self.status, self.text());
        self
    }

    /// Returns the body without what is new in every answer: the request's id.
    pub fn without_request_id(&self) -> Value {
        let mut body = self.json();
        if let Some(fields) = body.as_object_mut() {
            fields.remove("instance");
        }
        body
    }
}
