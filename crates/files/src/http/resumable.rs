//! Resumable uploads over HTTP: tus 1.0.0 with creation, creation-with-upload, checksum, expiration and termination.

use quoin_kernel::Problem;
use quoin_web::{
    Anyone, Body, Ctx, HeaderMap, HeaderName, HeaderValue, IntoResponse, Refusal, Request, Response, State,
    StatusCode, Unidentified, ValidPath, ValidQuery, header,
};

use super::buckets::named;
use super::upload::{content_type_or_default, metadata, pieces, wants_upsert};
use crate::error::FilesError;
use crate::model::conditions::http_date;
use crate::model::requester::WRITE;
use crate::model::resumable::{Announcement, Resumable, ResumableError, ResumableId, TUS_VERSION};
use crate::model::{Description, ObjectName, OwnerIn, Requester};
use crate::service::Files;
use crate::service::resumable::{self, Appended, LIFETIME};

/// Where uploads are announced.
pub(super) const PATH: &str = "/storage/v1/upload/resumable";
const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";
const ALGORITHMS: &str = "sha1,sha256,sha512";
const BODY_TYPE: &str = "application/offset+octet-stream";
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

pub(super) async fn options(
    _ctx: Ctx<Unidentified>,
    State(files): State<Files>,
) -> Result<Response, Refused> {
    let mut response = spoken(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert("tus-version", HeaderValue::from_static(TUS_VERSION));
    headers.insert("tus-extension", HeaderValue::from_static(EXTENSIONS));
    headers.insert("tus-checksum-algorithm", HeaderValue::from_static(ALGORITHMS));
    headers.insert("tus-max-size", HeaderValue::from(files.config().max_object_bytes));
    Ok(response)
}

pub(super) async fn announce(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let requester = meet(&files, &ctx, owner, &parts.headers).await?;
    let upload = announced(&files, &requester, &parts.headers)?;
    let path = format!("{PATH}/{}{}", upload.id, chosen(owner));
    let location = files.app().config().link(&path).to_string();
    let mut upload = resumable::announce(&files, &requester, upload).await?;
    let brings_bytes = parts.headers.get(header::CONTENT_TYPE).is_some_and(|value| value == BODY_TYPE);
    if brings_bytes && !upload.completed {
        let appended = Appended { offset_bytes: 0, bytes: pieces(body), checksum: checksum(&parts.headers) };
        upload = resumable::append(&files, &requester, upload.id, appended).await?;
    }
    let mut response = progress(StatusCode::CREATED, &upload);
    let value = HeaderValue::from_str(&location).map_err(Problem::internal)?;
    response.headers_mut().insert(header::LOCATION, value);
    Ok(response)
}

/// A platform key that has chosen an owner chooses the same one with each request.
fn chosen(owner: OwnerIn) -> String {
    match (owner.org, owner.user) {
        (Some(org_id), _) => format!("?org={org_id}"),
        (None, Some(user_id)) => format!("?user={user_id}"),
        (None, None) => String::new(),
    }
}

fn announced(files: &Files, requester: &Requester, headers: &HeaderMap) -> Result<Resumable, FilesError> {
    let length_bytes = number(headers, &LENGTH).ok_or(ResumableError::Length)?;
    let said = headers.get("upload-metadata").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let said = Announcement::read(said)?;
    let unusable =
        |text: &String| text.len() > 255 || !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if said.cache_control.as_ref().is_some_and(unusable) {
        return Err(FilesError::InvalidDescription("cacheControl cannot be sent as a header."));
    }
    // Clients send a bare number of seconds here.
    let cache_control = match said.cache_control {
        Some(seconds) if seconds.bytes().all(|b| b.is_ascii_digit()) => format!("max-age={seconds}"),
        Some(directives) => directives,
        None => "no-cache".to_owned(),
    };
    let now = files.now();
    Ok(Resumable {
        id: ResumableId::new(now, files.app().rng()),
        owner: requester.owner,
        person: requester.person,
        bucket: named(&said.bucket)?,
        name: ObjectName::new(&said.name)?,
        replaces: wants_upsert(headers),
        description: Description {
            content_type: content_type_or_default(said.content_type)?,
            content_encoding: None,
            cache_control,
            user_metadata: metadata(said.metadata.as_deref().unwrap_or("{}").as_bytes())?,
        },
        length_bytes,
        offset_bytes: 0,
        created_at: now,
        expires_at: now + LIFETIME,
        completed: false,
    })
}

pub(super) async fn head(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath(id): ValidPath<ResumableId>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let requester = meet(&files, &ctx, owner, &headers).await?;
    let upload = resumable::progress(&files, &requester, id).await?;
    Ok(progress(StatusCode::OK, &upload))
}

pub(super) async fn append(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath(id): ValidPath<ResumableId>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let requester = meet(&files, &ctx, owner, &headers).await?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|value| value != BODY_TYPE) {
        return Err(FilesError::from(ResumableError::ContentType).into());
    }
    let offset_bytes = number(&headers, &OFFSET).ok_or(FilesError::from(ResumableError::Offset))?;
    let appended = Appended { offset_bytes, bytes: pieces(body), checksum: checksum(&headers) };
    let upload = resumable::append(&files, &requester, id, appended).await?;
    Ok(progress(StatusCode::NO_CONTENT, &upload))
}

pub(super) async fn end(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath(id): ValidPath<ResumableId>,
    ValidQuery(owner): ValidQuery<OwnerIn>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let requester = meet(&files, &ctx, owner, &headers).await?;
    resumable::end(&files, &requester, id).await?;
    Ok(spoken(StatusCode::NO_CONTENT))
}

/// Lets in whoever speaks the protocol's version; so begins everything but the question how it is spoken.
async fn meet(
    files: &Files,
    ctx: &Ctx<Anyone>,
    owner: OwnerIn,
    headers: &HeaderMap,
) -> Result<Requester, FilesError> {
    let requester = files.admit(&ctx.who.caller, owner, WRITE).await?;
    match headers.get(RESUMABLE) {
        Some(version) if version == TUS_VERSION => Ok(requester),
        _ => Err(ResumableError::Version.into()),
    }
}

/// A refusal that says which version would have been understood.
pub(super) struct Refused(Refusal);

impl<E: Into<Problem>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(Refusal::from(error))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.headers_mut().insert("tus-version", HeaderValue::from_static(TUS_VERSION));
        response
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let text = headers.get(name)?.to_str().ok()?;
    let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())??;
    i64::try_from(number).is_ok().then_some(number)
}

fn checksum(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("upload-checksum")?;
    // What is no text is no checksum either, and is refused as one.
    Some(value.to_str().unwrap_or_default().to_owned())
}

fn spoken(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(RESUMABLE, HeaderValue::from_static(TUS_VERSION));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn progress(status: StatusCode, upload: &Resumable) -> Response {
    let mut response = spoken(status);
    let headers = response.headers_mut();
    headers.insert(OFFSET, HeaderValue::from(upload.offset_bytes));
    headers.insert(LENGTH, HeaderValue::from(upload.length_bytes));
    if let Ok(expires) = HeaderValue::from_str(&http_date(upload.expires_at)) {
        headers.insert(EXPIRES, expires);
    }
    response
}
