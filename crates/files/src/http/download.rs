//! Downloads over HTTP (RFC 9110): ranges, conditions, and what caches may keep.

use std::fmt::Write as _;

use quoin_kernel::{OrgId, Problem, Timestamp, UserId};
use quoin_web::{
    Anyone, Body, Ctx, HeaderMap, HeaderName, HeaderValue, IntoResponse, Method, Refusal, Response, State,
    StatusCode, Unidentified, ValidPath, ValidQuery, header,
};
use serde::Deserialize;

use super::buckets::named;
use crate::error::FilesError;
use crate::model::conditions::{Conditions, http_date};
use crate::model::danger::is_active;
use crate::model::requester::READ;
use crate::model::{BucketName, Object, ObjectName, OwnerIn};
use crate::service::Files;
use crate::service::read_object::{Reader, Reading, read_object};
use crate::service::sign::admit_read;

/// What stored content may do in a browser: be shown.
const SANDBOX: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'; sandbox";

/// How to answer a read.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct ReadIn {
    /// With a platform key: the organisation whose object is meant.
    org: Option<OrgId>,
    /// With a platform key: the person whose object is meant.
    user: Option<UserId>,
    /// Has browsers save the object, under this name where there is one.
    download: Option<String>,
}

/// How to answer a read for everybody.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct PublicIn {
    /// Has browsers save the object, under this name where there is one.
    download: Option<String>,
}

/// How to answer a signed URL.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct SignedIn {
    /// What the signed URL carries.
    token: String,
    /// Has browsers save the object, under this name where there is one.
    download: Option<String>,
}

/// Who may keep a copy.
#[derive(Debug, Clone, Copy)]
pub(super) enum Copies {
    /// Everybody on the way.
    Everybody,
    /// The reader alone.
    Reader,
    /// The reader, until this moment at most.
    ReaderUntil(Timestamp),
}

impl Copies {
    /// Returns what `Cache-Control` says, from what the uploader said.
    pub(super) fn directives(self, said: &str, now: Timestamp) -> String {
        match self {
            Self::Everybody => said.to_owned(),
            Self::Reader => private(said),
            // A copy must not outlive the URL.
            Self::ReaderUntil(end) => {
                let left_s = end.since(now).as_secs();
                let age_s = max_age(said).unwrap_or(0).min(left_s);
                format!("private, max-age={age_s}")
            }
        }
    }
}

pub(super) async fn read(
    ctx: Ctx<Anyone>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(input): ValidQuery<ReadIn>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let owner = OwnerIn { org: input.org, user: input.user };
    let requester = files.admit(&ctx.who.caller, owner, READ).await?;
    let reader = Reader::Owner(requester.owner, requester.policies);
    let answer = Answer { download: input.download, copies: Copies::Reader, now: ctx.now() };
    Ok(answer.give(&files, place(&bucket, &path)?, reader, (&method, &headers)).await?)
}

pub(super) async fn read_public(
    ctx: Ctx<Unidentified>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(input): ValidQuery<PublicIn>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let answer = Answer { download: input.download, copies: Copies::Everybody, now: ctx.now() };
    Ok(answer.give(&files, place(&bucket, &path)?, Reader::Public, (&method, &headers)).await?)
}

pub(super) async fn read_signed(
    ctx: Ctx<Unidentified>,
    State(files): State<Files>,
    ValidPath((bucket, path)): ValidPath<(String, String)>,
    ValidQuery(input): ValidQuery<SignedIn>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (bucket, name) = place(&bucket, &path)?;
    let ticket = admit_read(&files, &input.token, (&bucket, &name)).await?;
    let copies = Copies::ReaderUntil(ticket.expires_at);
    let answer = Answer { download: input.download, copies, now: ctx.now() };
    Ok(answer.give(&files, (bucket, name), Reader::Ticket(ticket.owner), (&method, &headers)).await?)
}

/// A name that cannot be one names nothing.
pub(super) fn place(bucket: &str, path: &str) -> Result<(BucketName, ObjectName), FilesError> {
    Ok((named(bucket)?, ObjectName::new(path).map_err(|_| FilesError::NoSuchObject)?))
}

/// How an answer is dressed.
struct Answer {
    download: Option<String>,
    copies: Copies,
    now: Timestamp,
}

impl Answer {
    async fn give(
        &self,
        files: &Files,
        (bucket, name): (BucketName, ObjectName),
        reader: Reader,
        (method, headers): (&Method, &HeaderMap),
    ) -> Result<Response, FilesError> {
        let conditions = conditions(headers);
        let wants_bytes = method != Method::HEAD;
        let reading = read_object(files, (&bucket, &name), reader, conditions, wants_bytes).await;
        let response = match reading {
            Err(FilesError::InvalidRange { size_bytes }) => return Ok(unsatisfiable(size_bytes)),
            Err(error) => return Err(error),
            Ok(Reading::NotModified(object)) => {
                let mut response = StatusCode::NOT_MODIFIED.into_response();
                self.dress(response.headers_mut(), &object);
                response
            }
            Ok(Reading::Bytes { object, part, bytes }) => {
                let body = bytes.map_or_else(Body::empty, Body::from_stream);
                let mut response = Response::new(body);
                let size = object.version.size_bytes;
                let length = part.as_ref().map_or(size, |part| part.end - part.start);
                let headers = response.headers_mut();
                self.dress(headers, &object);
                describe(headers, &object, self.download.as_deref());
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
                if let Some(part) = part {
                    let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
                    insert(headers, header::CONTENT_RANGE, &range);
                    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                }
                response
            }
        };
        Ok(response)
    }

    /// Adds what caches go by.
    fn dress(&self, headers: &mut HeaderMap, object: &Object) {
        insert(headers, header::ETAG, &object.version.etag());
        insert(headers, header::LAST_MODIFIED, &http_date(object.updated_at));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let said = &object.version.description.cache_control;
        insert(headers, header::CACHE_CONTROL, &self.copies.directives(said, self.now));
    }
}

/// Adds what the body is.
fn describe(headers: &mut HeaderMap, object: &Object, download: Option<&str>) {
    let description = &object.version.description;
    insert(headers, header::CONTENT_TYPE, &description.content_type);
    if let Some(coding) = &description.content_encoding {
        insert(headers, header::CONTENT_ENCODING, coding);
    }
    match download {
        Some(name) => insert(headers, header::CONTENT_DISPOSITION, &attachment(name)),
        // What a browser would run is saved instead of shown.
        None if is_active(&description.content_type) => {
            insert(headers, header::CONTENT_DISPOSITION, &attachment(object.name.leaf()));
        }
        None => {}
    }
    // Whatever it is, it runs nothing, fetches nothing and has no origin.
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("none"));
}

/// Names the file that a browser saves (RFC 6266, RFC 8187).
fn attachment(name: &str) -> String {
    if name.is_empty() {
        return "attachment".into();
    }
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    format!("attachment; filename={encoded}; filename*=UTF-8''{encoded}")
}

fn private(said: &str) -> String {
    if said.contains("no-store") || said.contains("private") {
        return said.to_owned();
    }
    let kept =
        said.split(',').map(str::trim).filter(|part| *part != "public" && !part.starts_with("s-maxage"));
    let kept: Vec<&str> = std::iter::once("private").chain(kept.filter(|part| !part.is_empty())).collect();
    kept.join(", ")
}

fn max_age(said: &str) -> Option<u64> {
    said.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok())
}

/// Tells the size to whoever asked for what is behind it (RFC 9110, section 15.5.17).
fn unsatisfiable(size_bytes: u64) -> Response {
    let problem: Problem = FilesError::InvalidRange { size_bytes }.into();
    let mut response = Refusal::from(problem).into_response();
    insert(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size_bytes}"));
    response
}

fn conditions(headers: &HeaderMap) -> Conditions<'_> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    Conditions {
        if_match: text(header::IF_MATCH),
        if_none_match: text(header::IF_NONE_MATCH),
        if_modified_since: text(header::IF_MODIFIED_SINCE),
        if_unmodified_since: text(header::IF_UNMODIFIED_SINCE),
        if_range: text(header::IF_RANGE),
        range: text(header::RANGE),
    }
}

/// Adds a header whose value was checked when it was stored.
pub(super) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
