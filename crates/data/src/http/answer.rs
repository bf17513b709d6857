//! Media types in, responses out.

use quoin_kernel::Problem;
use quoin_web::{Body, HeaderValue, Response, StatusCode, header};

use crate::error::DataError;
use crate::render::Format;
use crate::service::{Answer, BodyFormat};

/// Reads the header `Accept`: the first media type that is offered here, and whether NULLs are left out.
///
/// # Errors
/// `PGRST107` where none is offered.
pub(super) fn format(accept: Option<&str>) -> Result<(Format, bool), DataError> {
    let accept = accept.unwrap_or("*/*");
    for media_type in accept.split(',') {
        let mut parts = media_type.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let strip_nulls = parts.any(|part| part == "nulls=stripped");
        match name.as_str() {
            "application/vnd.pgrst.object+json" | "application/vnd.pgrst.object" => {
                return Ok((Format::Object, strip_nulls));
            }
            "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" => {
                return Ok((Format::Json, strip_nulls));
            }
            "application/json" | "*/*" | "application/*" | "" => return Ok((Format::Json, strip_nulls)),
            "text/csv" => return Ok((Format::Csv, false)),
            _ => {}
        }
    }
    Err(DataError::NotAcceptable(accept.to_owned()))
}

/// Reads the header `Content-Type`.
///
/// # Errors
/// `PGRST102` for a body of another kind.
pub(super) fn body_format(content_type: Option<&str>) -> Result<BodyFormat, DataError> {
    let name = content_type.unwrap_or("application/json").split(';').next().unwrap_or_default().trim();
    match name.to_ascii_lowercase().as_str() {
        "application/json"
        | "application/vnd.pgrst.object+json"
        | "application/vnd.pgrst.array+json"
        | "text/plain"
        | "application/octet-stream" => Ok(BodyFormat::Json),
        "text/csv" => Ok(BodyFormat::Csv),
        other => Err(DataError::BadBody(format!("Content-Type not acceptable: {other}"))),
    }
}

/// Refuses every schema but `public`.
///
/// # Errors
/// `PGRST106`.
pub(super) fn check_profile(profile: Option<&str>) -> Result<(), DataError> {
    match profile {
        None | Some("public") => Ok(()),
        Some(other) => Err(DataError::UnknownSchema(other.to_owned())),
    }
}

/// Writes an answer.
///
/// # Errors
/// Where a header cannot hold its value, which no accepted name brings about.
pub(super) fn into_response(answer: Answer) -> Result<Response, Problem> {
    let mut response = Response::new(answer.body.map_or_else(Body::empty, Body::from));
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(Problem::internal)?;
    let content_type = match (answer.format, answer.strip_nulls) {
        (Format::Json, false) => "application/json; charset=utf-8",
        (Format::Json, true) => "application/vnd.pgrst.array+json; nulls=stripped; charset=utf-8",
        (Format::Object, false) => "application/vnd.pgrst.object+json; charset=utf-8",
        (Format::Object, true) => "application/vnd.pgrst.object+json; nulls=stripped; charset=utf-8",
        (Format::Csv, _) => "text/csv; charset=utf-8",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("content-profile", HeaderValue::from_static("public"));
    let named = [
        (header::CONTENT_RANGE.as_str(), answer.content_range),
        (header::LOCATION.as_str(), answer.location),
        ("preference-applied", answer.preference_applied),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            headers.insert(name, HeaderValue::from_str(&value).map_err(Problem::internal)?);
        }
    }
    Ok(response)
}
