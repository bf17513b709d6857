//! Around every call: the door, the chaos knob, idempotency, one transaction, the answer's headers.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use quoin_db::Tx;
use quoin_kernel::hash::sha256;
use quoin_web::{Ctx, Response, State, Unidentified, ValidBytes};
use serde_json::{Map, Value};

use super::operation::{Call, Operation, Resource};
use super::{API_VERSION, door, expand, operation};
use crate::StripeTwin;
use crate::chaos::ApiFault;
use crate::desk::Cause;
use crate::error::StripeError;
use crate::fields::Params;
use crate::store::answers::{self, Stored};

/// How long an idempotency key is remembered.
const KEY_LIFETIME_S: i64 = 24 * 3600;

/// What is answered, before it becomes HTTP.
#[derive(Debug)]
struct Reply {
    status: u16,
    body: String,
    replayed: bool,
}

/// A call that passed the door.
#[derive(Clone)]
struct Arrived {
    resource: &'static Resource,
    operation: &'static Operation,
    ids: Vec<String>,
    path: String,
    params: Params,
    expand: Vec<String>,
    cause: Cause,
    fingerprint: String,
}

/// Serves `/v1/…`.
pub(crate) async fn serve(
    ctx: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    ValidBytes(body): ValidBytes,
) -> Response {
    let request_id = format!("req_{}", ctx.origin.request_id.replace('-', ""));
    let answered = answer(&twin, &request_id, &method, &uri, &headers, &body).await;
    let key = headers.get("idempotency-key").cloned();
    match answered {
        Ok(Some(reply)) => respond(reply, &request_id, key),
        Ok(None) => closed(),
        Err(error) => {
            let reply = Reply { status: error.status(), body: error.body().to_string(), replayed: false };
            respond(reply, &request_id, key)
        }
    }
}

/// Answers one call; nothing where the connection is to be closed instead.
async fn answer(
    twin: &StripeTwin,
    request_id: &str,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Option<Reply>, StripeError> {
    door::check_site(headers, &twin.app().config().public_url)?;
    door::check_key(headers)?;
    door::check_version(headers)?;
    let mut arrived = arrive(method, uri, body)?;
    arrived.cause =
        Cause { request_id: Some(request_id.to_owned()), idempotency_key: idempotency_key(headers)? };
    let fault = twin.api_fault(uri.path()).await?;
    match fault {
        Some(ApiFault::Error) => {
            return Err(StripeError::api("The chaos knob made this call fail; nothing was done."));
        }
        Some(ApiFault::Hang { ms }) => {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
            return Ok(None);
        }
        Some(ApiFault::Close) | None => {}
    }
    let reply = run(twin, arrived).await?;
    Ok(fault.is_none().then_some(reply))
}

/// Finds the call and checks its parameters; those of a GET stand in the query.
fn arrive(method: &Method, uri: &Uri, body: &Bytes) -> Result<Arrived, StripeError> {
    let path = uri.path();
    let unknown = || StripeError::unknown_route(method, path);
    let (resource, operation, ids) = operation::find(method, path).ok_or_else(unknown)?;
    let mut form = crate::form::parse(uri.query().unwrap_or_default().as_bytes())?;
    form.extend(crate::form::parse(body)?);
    let params = operation.check(&form)?;
    let fingerprint = fingerprint(method, path, &form);
    let expand = params.texts("expand");
    let cause = Cause::default();
    Ok(Arrived { resource, operation, ids, path: path.to_owned(), params, expand, cause, fingerprint })
}

/// Says what a key was used for: method, path and parameters, whatever their order.
fn fingerprint(method: &Method, path: &str, form: &Map<String, Value>) -> String {
    let text = format!("{method} {path} {}", Value::Object(form.clone()));
    STANDARD_NO_PAD.encode(sha256(text.as_bytes()))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, StripeError> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let key =
        key.ok_or_else(|| StripeError::invalid("An idempotency key has 1 to 255 characters of ASCII."))?;
    Ok(Some(key.to_owned()))
}

async fn run(twin: &StripeTwin, arrived: Arrived) -> Result<Reply, StripeError> {
    let desk = twin.desk_parts();
    if arrived.operation.only_reads() {
        return twin
            .db()
            .read("stripe_twin.api.read", move |tx| perform(arrived.clone(), desk.clone(), tx))
            .await;
    }
    twin.db().write("stripe_twin.api.write", move |tx| perform_once(arrived.clone(), desk.clone(), tx)).await
}

/// Performs a call, or gives the answer that its key got before.
fn perform_once(arrived: Arrived, desk: crate::DeskParts, tx: &mut Tx<'_>) -> Result<Reply, StripeError> {
    let now = desk.real_now_ms / 1000;
    let Some(key) = arrived.cause.idempotency_key.clone() else { return perform(arrived, desk, tx) };
    answers::delete_before(tx, now - KEY_LIFETIME_S)?;
    let fingerprint = arrived.fingerprint.clone();
    if let Some(stored) = answers::find(tx, &key)? {
        if stored.fingerprint != fingerprint {
            return Err(StripeError::key_reused(&key));
        }
        return Ok(Reply { status: stored.status, body: stored.body, replayed: true });
    }
    let reply = perform(arrived, desk, tx)?;
    let stored = Stored { fingerprint, status: reply.status, body: reply.body.clone() };
    answers::insert(tx, &key, &stored, now)?;
    Ok(reply)
}

/// Performs a call. A refused card is an answer, not a failure: what happened stays.
fn perform(arrived: Arrived, desk: crate::DeskParts, tx: &mut Tx<'_>) -> Result<Reply, StripeError> {
    let Arrived { resource, operation, ids, path, params, expand, cause, .. } = arrived;
    let desk = desk.open(tx, cause);
    let mut call = Call { desk, kind: resource.kind, path, ids, params, filter: resource.filter };
    let (status, document) = match (operation.run)(&mut call) {
        Ok(document) => (200, expand::present(&mut call.desk, &document, &expand)?),
        Err(error) if error.keeps_changes() => {
            let mut body = error.body();
            crate::object::without_private(&mut body);
            (error.status(), body)
        }
        Err(error) => return Err(error),
    };
    Ok(Reply { status, body: document.to_string(), replayed: false })
}

fn respond(reply: Reply, request_id: &str, key: Option<HeaderValue>) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("stripe-version"), HeaderValue::from_static(API_VERSION));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("request-id"), id);
    }
    if let Some(key) = key {
        headers.insert(HeaderName::from_static("idempotency-key"), key);
    }
    if reply.replayed {
        headers.insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
    }
    response
}

/// An answer whose body fails before its first byte, so that the connection is closed without one.
fn closed() -> Response {
    let failure =
        std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "the chaos knob closed this connection");
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(failure)])))
}
