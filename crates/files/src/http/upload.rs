//! Uploads over HTTP: headers and bodies in, one call of the service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use quoin_web::{
    Anyone, Body, Ctx, HeaderMap, Json, Refusal, Request, State, Unidentified, ValidPath, ValidQuery, header,
    problem_of_body,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::buckets::named;
use super::form;
use super::out::StoredOut;
use crate::error::FilesError;
use crate::model::bucket::is_content_type;
use crate::model::requester::WRITE;
use crate::model::{Description, ObjectName, OwnerIn};
use crate::port::{ByteStream, StoreError};
use crate::service::Files;
use crate::service::sign::admit_upload;
use crate::service::store_object::{NewObject, store_object};

/// The most bytes of an uploader's own metadata.
const MAX_METADATA_BYTES: usize = 16 * 1024;
/// The longest header value that is kept.
const MAX_VALUE_BYTES: usize = 255;

/// The ticket of a signed URL.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct TokenIn {
    /// What the signed URL carries.
    pub(super) token: String,
}

/// An object on its way in.
pub(super) struct Incoming {
    pub(super) description: Description,
    pub(super) bytes: ByteStream,
    pub(super) size_bytes: Option<u64>,
}

pub(super) async fn create(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    request: Request,
) -> Result<Json<StoredOut>, Refusal> {
    let replaces = wants_upsert(request.headers());
    store(&files, &ctx, owner, (&bucket, &path), replaces, request).await
}

pub(super) async fn put(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    request: Request,
) -> Result<Json<StoredOut>, Refusal> {
    store(&files, &ctx, owner, (&bucket, &path), true, request).await
}

async fn store(
    files: &Files,
    ctx: &Ctx<Anyone>,
    owner: OwnerIn,
    (bucket, path): (&str, &str),
    replaces: bool,
    request: Request,
) -> Result<Json<StoredOut>, Refusal> {
    let requester = files.admit(&ctx.who.caller, owner, WRITE).await?;
    let (bucket, name) = (named(bucket)?, ObjectName::new(path)?);
    let incoming = incoming(request).await?;
    let mut new = NewObject::by(&requester, bucket, name, incoming.description);
    new.replaces = replaces;
    new.size_bytes = incoming.size_bytes;
    let bucket = new.bucket.clone();
    let stored = store_object(files, new, incoming.bytes).await?;
    Ok(Json(StoredOut::new(&bucket, &stored)))
}

pub(super) async fn put_signed(
    _ctx: Ctx<Unidentified>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(input): ValidQuery<TokenIn>,
    request: Request,
) -> Result<Json<StoredOut>, Refusal> {
    let place = (named(&bucket)?, ObjectName::new(&path)?);
    let incoming = incoming(request).await?;
    let mut new = admit_upload(&files, &input.token, place, incoming.description).await?;
    new.size_bytes = incoming.size_bytes;
    let bucket = new.bucket.clone();
    let stored = store_object(&files, new, incoming.bytes).await?;
    Ok(Json(StoredOut::new(&bucket, &stored)))
}

/// Reads what the headers say, and opens the body: as it is, or the file part of a form.
pub(super) async fn incoming(request: Request) -> Result<Incoming, FilesError> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let content_type = text(&headers, header::CONTENT_TYPE.as_str())?;
    if let Some(boundary) = content_type.as_deref().and_then(form::boundary) {
        return form::read(boundary, pieces(body)).await;
    }
    let description = Description {
        content_type: content_type_or_default(content_type)?,
        content_encoding: text(&headers, header::CONTENT_ENCODING.as_str())?
            .filter(|coding| coding != "identity"),
        cache_control: text(&headers, header::CACHE_CONTROL.as_str())?.unwrap_or_else(|| "no-cache".into()),
        user_metadata: metadata_of(&headers)?,
    };
    let length = text(&headers, header::CONTENT_LENGTH.as_str())?;
    let size_bytes = length.and_then(|length| length.parse().ok());
    Ok(Incoming { description, bytes: pieces(body), size_bytes })
}

/// Turns a body into the bytes that a store takes. What stops it keeps its reason.
pub(super) fn pieces(body: Body) -> ByteStream {
    let pieces = body.into_data_stream();
    Box::pin(pieces.map(|piece| piece.map_err(|error| StoreError::Source(problem_of_body(&error)))))
}

pub(super) fn wants_upsert(headers: &HeaderMap) -> bool {
    headers.get("x-upsert").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// Returns a type that a header can carry again.
pub(super) fn content_type_or_default(given: Option<String>) -> Result<String, FilesError> {
    match given.filter(|given| !given.trim().is_empty()) {
        None => Ok("application/octet-stream".into()),
        Some(given) if is_content_type(&given) => Ok(given.trim().to_owned()),
        Some(given) => {
            Err(FilesError::InvalidType(given.chars().filter(char::is_ascii_graphic).take(100).collect()))
        }
    }
}

/// Returns a header's text, which can be sent back as it is.
fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, FilesError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let unusable =
        FilesError::InvalidDescription("A header is too long, or holds characters that cannot be sent back.");
    match value.to_str() {
        Ok(text) if text.len() <= MAX_VALUE_BYTES => Ok(Some(text.to_owned())),
        _ => Err(unusable),
    }
}

/// Reads `x-metadata`: a JSON object in Base64.
pub(super) fn metadata_of(headers: &HeaderMap) -> Result<Value, FilesError> {
    let Some(value) = headers.get("x-metadata") else { return Ok(json!({})) };
    let decoded = STANDARD.decode(value.as_bytes());
    metadata(&decoded.map_err(|_| FilesError::InvalidDescription("x-metadata is not Base64."))?)
}

/// Reads metadata of the uploader's own.
pub(super) fn metadata(json: &[u8]) -> Result<Value, FilesError> {
    if json.len() > MAX_METADATA_BYTES {
        return Err(FilesError::InvalidDescription("The metadata has more than 16 KiB."));
    }
    match serde_json::from_slice(json) {
        // PostgreSQL cannot keep NUL in a text, so it is refused on both engines.
        Ok(Value::Object(object)) if !json.windows(6).any(|text| text == b"\\u0000") => {
            Ok(Value::Object(object))
        }
        _ => Err(FilesError::InvalidDescription("The metadata is not a JSON object of texts without NUL.")),
    }
}
