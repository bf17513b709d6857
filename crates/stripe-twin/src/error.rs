//! Refusals in Stripe's own shape and with its codes.

use std::fmt;

use quoin_db::DbError;
use serde_json::{Map, Value, json};

/// What kind of refusal it is; decides the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 400, or 404 for a missing object.
    InvalidRequest,
    /// 401.
    Authentication,
    /// 402: the card was refused. What happened stays: attempts and events are committed.
    Card,
    /// 400: an idempotency key was used for something else.
    Idempotency,
    /// 500.
    Api,
}

/// A refusal in Stripe's shape.
#[derive(Debug, Clone)]
pub(crate) struct StripeError {
    kind: Kind,
    status: u16,
    message: String,
    code: Option<&'static str>,
    fields: Map<String, Value>,
    undoes: bool,
}

impl StripeError {
    fn new(kind: Kind, status: u16, message: impl Into<String>) -> Self {
        Self { kind, status, message: message.into(), code: None, fields: Map::new(), undoes: false }
    }

    /// Refuses a request that is wrong in itself or in the present state.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidRequest, 400, message)
    }

    /// Refuses an id that names nothing.
    pub(crate) fn missing(kind: &str, id: &str) -> Self {
        let noun = kind.rsplit('.').next().unwrap_or(kind).replace('_', " ");
        let error = Self::new(Kind::InvalidRequest, 404, format!("No such {noun}: '{id}'"));
        error.code("resource_missing").param("id")
    }

    /// Refuses a route that is not there.
    pub(crate) fn unknown_route(method: &http::Method, path: &str) -> Self {
        let message = format!(
            "Unrecognized request URL ({method}: {path}). This twin of Stripe serves the calls listed in docs/stripe-twin.md."
        );
        Self::new(Kind::InvalidRequest, 404, message)
    }

    /// Refuses a caller without a test key.
    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(Kind::Authentication, 401, message)
    }

    /// Refuses a page of another site, or a name that is not this machine's.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidRequest, 403, message)
    }

    /// Refuses a second use of an idempotency key for something else.
    pub(crate) fn key_reused(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. \
             Try using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(Kind::Idempotency, 400, message)
    }

    /// Says that a card was refused.
    pub(crate) fn card(message: &str, code: &'static str, decline_code: Option<&str>) -> Self {
        let mut error = Self::new(Kind::Card, 402, message).code(code);
        if let Some(decline_code) = decline_code {
            error.fields.insert("decline_code".into(), decline_code.into());
        }
        error
    }

    /// Says that the twin failed, or was told to.
    pub(crate) fn api(message: impl Into<String>) -> Self {
        Self::new(Kind::Api, 500, message)
    }

    /// Adds Stripe's code.
    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Names the parameter.
    pub(crate) fn param(self, param: &str) -> Self {
        self.with("param", param)
    }

    /// Makes it 400: the thing was named by a parameter, not by the path.
    pub(crate) fn bad_request(mut self) -> Self {
        self.status = 400;
        self
    }

    /// Adds a field, for example the payment intent that was refused.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// Returns the HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Tells whether what was done before the refusal stays.
    pub(crate) fn keeps_changes(&self) -> bool {
        self.kind == Kind::Card && !self.undoes
    }

    /// Makes it undo what was done before, although it is about a card.
    pub(crate) fn undoing(mut self) -> Self {
        self.undoes = true;
        self
    }

    /// Tells whether the request was refused, rather than the twin broken.
    pub(crate) fn is_refusal(&self) -> bool {
        self.kind != Kind::Api
    }

    /// Tells whether it carries this code.
    pub(crate) fn code_is(&self, code: &str) -> bool {
        self.code == Some(code)
    }

    /// Returns the sentence for people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Writes the body.
    pub(crate) fn body(&self) -> Value {
        let kind = match self.kind {
            Kind::InvalidRequest | Kind::Authentication => "invalid_request_error",
            Kind::Card => "card_error",
            Kind::Idempotency => "idempotency_error",
            Kind::Api => "api_error",
        };
        let mut error = self.fields.clone();
        error.insert("type".into(), kind.into());
        error.insert("message".into(), self.message.clone().into());
        if let Some(code) = self.code {
            error.insert("code".into(), code.into());
            error.insert(
                "doc_url".into(),
                format!("https://docs.stripe.com/error-codes/{}", code.replace('_', "-")).into(),
            );
        }
        json!({"error": error})
    }
}

impl fmt::Display for StripeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StripeError {}

impl From<DbError> for StripeError {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "the twin's database failed");
        Self::api("The twin's database failed; its log says more.")
    }
}
