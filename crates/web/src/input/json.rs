//! Bodies as values: JSON, or a form where the operation takes one.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use quoin_kernel::Problem;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::body::read;
use super::text::{check_json_text, check_url_text};
use crate::refusal::Refusal;

/// Takes a JSON body that has the shape of `T`; an empty body counts as `{}`.
#[derive(Debug, Clone, Copy)]
pub struct ValidJson<T>(pub T);

/// Takes a JSON body or a form (`application/x-www-form-urlencoded`) that has the shape of `T`.
#[derive(Debug, Clone, Copy)]
pub struct ValidBody<T>(pub T);

#[derive(PartialEq)]
enum Kind {
    Json,
    Form,
    None,
}

impl<S: Send + Sync, T: DeserializeOwned + JsonSchema> FromRequest<S> for ValidJson<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        match kind_of(request.headers()) {
            Some(Kind::Json) => Ok(Self(from_json(&read(request).await?)?)),
            Some(Kind::None) => Ok(Self(from_json(&only_empty(read(request).await?)?)?)),
            _ => Err(wrong_type("application/json").into()),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + JsonSchema> FromRequest<S> for ValidBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        match kind_of(request.headers()) {
            Some(Kind::Json) => Ok(Self(from_json(&read(request).await?)?)),
            Some(Kind::Form) => Ok(Self(from_form(&read(request).await?)?)),
            Some(Kind::None) => Ok(Self(from_json(&only_empty(read(request).await?)?)?)),
            None => Err(wrong_type("application/json or application/x-www-form-urlencoded").into()),
        }
    }
}

fn kind_of(headers: &HeaderMap) -> Option<Kind> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Some(Kind::None);
    };
    let media_type = value.to_str().ok()?.split(';').next()?.trim();
    let is = |expected: &str| media_type.eq_ignore_ascii_case(expected);
    if is("application/json") || media_type.to_ascii_lowercase().ends_with("+json") {
        return Some(Kind::Json);
    }
    is("application/x-www-form-urlencoded").then_some(Kind::Form)
}

/// Accepts a body without a type only where there is none: a page elsewhere can send untyped text without a preflight.
fn only_empty(body: Bytes) -> Result<Bytes, Problem> {
    if body.is_empty() { Ok(body) } else { Err(wrong_type("application/json")) }
}

fn wrong_type(expected: &str) -> Problem {
    Problem::new(415, "unsupported_media_type", "The body has the wrong type")
        .detail(format!("Send Content-Type: {expected}."))
}

/// Reads JSON that has the shape of `T`.
///
/// # Errors
/// 400 with the path of the field that does not fit.
pub(crate) fn from_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let text = if text.iter().all(u8::is_ascii_whitespace) { b"{}" } else { text };
    let text = std::str::from_utf8(text).map_err(|_| not_usable("it is not valid UTF-8"))?;
    check_json_text(text.as_bytes()).map_err(not_usable)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        if error.inner().is_data() {
            misfit(&error.path().to_string(), &error.inner().to_string())
        } else {
            not_usable("it is not valid JSON")
                .detail(format!("The body is not valid JSON: {}.", error.inner()))
        }
    })?;
    deserializer
        .end()
        .map_err(|error| Problem::new(400, "bad_json", format!("The body is not valid JSON: {error}")))?;
    Ok(value)
}

/// Reads a form that has the shape of `T`.
fn from_form<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    check_url_text(text).map_err(not_usable)?;
    std::str::from_utf8(text).map_err(|_| not_usable("it is not valid UTF-8"))?;
    let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text));
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| misfit(&error.path().to_string(), &error.inner().to_string()))
}

fn not_usable(why: &str) -> Problem {
    Problem::new(400, "bad_json", "The body cannot be read")
        .detail(format!("The body cannot be read: {why}."))
}

/// Names the field that does not fit; the root has the path `.`.
pub(super) fn misfit(path: &str, message: &str) -> Problem {
    // Serde names line and column of the text, which says nothing to somebody who built it with a library.
    let message = message.split(" at line ").next().unwrap_or(message);
    let field = if path == "." { "" } else { path };
    let detail = if field.is_empty() { message.to_owned() } else { format!("{field}: {message}") };
    Problem::invalid(detail).field(field, message)
}
