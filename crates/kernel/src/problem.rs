//! How a refusal looks: one shape for every API, readable as RFC 9457 and by the clients of the contract.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::Serialize;

/// Tells a caller what happened, to what, and what to do next. The cause stays on the server.
pub struct Problem(Box<Inner>);

struct Inner {
    status: u16,
    code: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<String>,
    hint: Option<String>,
    details: Option<String>,
    errors: Vec<FieldError>,
    weak_password: Vec<&'static str>,
    retry_after_s: Option<u32>,
    error_word: Option<&'static str>,
    members: Vec<(&'static str, serde_json::Value)>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Names one field of the input that was refused, and why.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct FieldError {
    /// The field, as a dotted path.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Problem {
    /// Starts a problem: an HTTP status, a stable code and one sentence.
    pub fn new(status: u16, code: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            status,
            code: code.into(),
            title: title.into(),
            detail: None,
            hint: None,
            details: None,
            errors: Vec::new(),
            weak_password: Vec::new(),
            retry_after_s: None,
            error_word: None,
            members: Vec::new(),
            source: None,
        }))
    }

    /// 400 `validation_failed`: the input has the wrong shape.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(400, "validation_failed", "The request is not valid").detail(detail)
    }

    /// 401 `no_authorization`: the call needs a credential.
    pub fn unauthenticated() -> Self {
        Self::new(401, "no_authorization", "This call needs a signed-in user or an API key")
            .hint("Send Authorization: Bearer with an access token or a secret key.")
    }

    /// 403 `forbidden`: the caller is known and may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", "You may not do this").detail(detail)
    }

    /// 404 `not_found`: the thing does not exist, or is another tenant's.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(404, "not_found", "There is no such thing here").detail(format!("No such {what}."))
    }

    /// 503 with `Retry-After`: the server cannot answer this now.
    pub fn unavailable(code: &'static str, title: &'static str, retry_after_s: u32) -> Self {
        Self::new(503, code, title).retry_after_s(retry_after_s)
    }

    /// 500 `unexpected_failure`: a fault of ours; `source` is logged and never sent.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(500, "unexpected_failure", "Something went wrong on our side")
            .hint("The request id names this failure in the server's log.")
            .source(source)
    }

    /// Adds what happened in this very case.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the `details` text that Database API clients show.
    #[must_use]
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.0.details = Some(details.into());
        self
    }

    /// Names a refused field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.0.errors.push(FieldError { field: field.into(), message: message.into() });
        self
    }

    /// Says why a password is too weak: `length`, `pwned`.
    #[must_use]
    pub fn weak_password(mut self, reasons: Vec<&'static str>) -> Self {
        self.0.weak_password = reasons;
        self
    }

    /// Says after how many seconds another try makes sense.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Puts another word than the code into the field `error`, where a contract has one.
    #[must_use]
    pub fn error_word(mut self, word: &'static str) -> Self {
        self.0.error_word = Some(word);
        self
    }

    /// Adds a member of its own to the body (RFC 9457, section 3.2), such as a limit and its use.
    #[must_use]
    pub fn member(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.0.members.push((name, value));
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Returns the stable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// Returns the sentence that names the kind of problem.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// Returns the seconds of `Retry-After`.
    pub fn retry_after(&self) -> Option<u32> {
        self.0.retry_after_s
    }

    /// Returns the one sentence a person reads: the detail where there is one, else the title.
    pub fn message(&self) -> &str {
        self.0.detail.as_deref().unwrap_or(&self.0.title)
    }

    /// Writes the body of the answer. `instance` is the request's id.
    pub fn body(&self, instance: &str) -> serde_json::Value {
        let inner = &self.0;
        let message = self.message();
        let mut body = serde_json::json!({
            "type": format!("urn:quoin:problem:{}", inner.code),
            "title": inner.title,
            "status": inner.status,
            "detail": message,
            "instance": format!("urn:quoin:request:{instance}"),
            "code": inner.code,
            "error_code": inner.code,
            "message": message,
            "msg": message,
            "hint": inner.hint,
            "details": inner.details,
            "errors": inner.errors,
            "error": inner.error_word.unwrap_or(&inner.code),
            "error_description": message,
            "statusCode": inner.status.to_string(),
        });
        for (name, value) in &inner.members {
            body[*name] = value.clone();
        }
        if !inner.weak_password.is_empty() {
            body["weak_password"] = serde_json::json!({"reasons": inner.weak_password, "message": message});
        }
        body
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.status, self.0.code, self.message())
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match &self.0.source {
            Some(source) => write!(f, " (cause: {source})"),
            None => Ok(()),
        }
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
