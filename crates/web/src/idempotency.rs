//! `Idempotency-Key`: the same call sent twice happens once, and both get the first answer.
//!
//! The key is claimed in a transaction of its own before the handler runs, and the answer is stored, sealed, after it.
//! A claim whose outcome is unknown (the node died, the handler ran out of time) is never run again: its caller is told
//! to look, since doing it twice is worse.

mod answer;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use quoin_kernel::hash::sha256;
use quoin_kernel::{Caller, Problem};

use crate::app::App;
use crate::input::read_body;
use crate::panics::catch_panic;
use crate::request::RequestInfo;

use answer::StoredAnswer;
pub(crate) use store::{ALL, purge};
use store::{Claim, Found};

/// How long an answer can be replayed.
const LIFETIME: Duration = Duration::from_hours(24);
/// After this time a claim without an answer belongs to a call that will never answer.
const ABANDONED_AFTER: Duration = Duration::from_mins(2);

/// Tells whether a request carries a key.
pub(crate) fn has_key(headers: &HeaderMap) -> bool {
    headers.contains_key("idempotency-key")
}

/// Claims the key, then either replays the first answer or lets `serve` make it.
///
/// # Errors
/// 400 for an unusable key, 409 while the first call is running, 422 where the key came with another request.
pub(crate) async fn run<F, Fut>(
    app: &App,
    parts: Parts,
    body: axum::body::Body,
    serve: F,
) -> Result<Response, Problem>
where
    F: FnOnce(Request) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    let info = RequestInfo::of(&parts.extensions)?;
    let key = read_key(&parts.headers)?;
    let now = info.origin.now;
    let body = read_body(info, body).await?;
    let claim = Claim {
        caller: caller_hash(info),
        key: sha256(key.as_bytes()),
        request: request_hash(&parts, info, &body),
        now,
        expires_at: now + LIFETIME,
    };
    match claim.make(app.db().system()).await? {
        Found::Mine => {}
        Found::OtherRequest => return Err(other_request()),
        Found::Running { since } => return Err(still_running(now.since(since))),
        Found::Answered(sealed) => return StoredAnswer::open(app, &sealed)?.replay(),
    }
    let request = Request::from_parts(parts, axum::body::Body::from(body));
    // A client that leaves must not stop what the key promises to happen once; hence a task of its own.
    let (app, keeper) = (app.clone(), app.tasks().clone());
    let running = keeper.spawn("web.idempotency.run", async move {
        let served = catch_panic(serve(request)).await;
        let served = served.unwrap_or_else(|panic| Err(Problem::internal(panic)));
        settle(&app, &claim, served).await
    });
    running.await.map_err(Problem::internal)?
}

/// Stores a success, gives the key back after a refusal that wrote nothing, and leaves it claimed otherwise.
async fn settle(app: &App, claim: &Claim, served: Result<Response, Problem>) -> Result<Response, Problem> {
    let response = match served {
        Ok(response) => response,
        Err(problem) => {
            if wrote_nothing(problem.status(), problem.code()) {
                claim.release(app.db().system()).await?;
            }
            return Err(problem);
        }
    };
    let status = response.status().as_u16();
    if status < 400 {
        let (answer, response) = StoredAnswer::take(response).await?;
        claim.answer(app.db().system(), answer.seal(app)).await?;
        return Ok(response);
    }
    let code = response.extensions().get::<std::sync::Arc<Problem>>().map(|problem| problem.code());
    if wrote_nothing(status, code.unwrap_or_default()) {
        claim.release(app.db().system()).await?;
    }
    Ok(response)
}

/// Tells whether a refusal is certain to have undone everything.
fn wrote_nothing(status: u16, code: &str) -> bool {
    status < 500 || status == 507 || code == "overloaded"
}

fn read_key(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let key = values.next().and_then(|value| value.to_str().ok()).map(str::trim);
    match (key, values.next()) {
        (Some(key), None) if (1..=255).contains(&key.len()) => Ok(key),
        _ => {
            Err(Problem::invalid("Idempotency-Key must be one header of 1 to 255 visible ASCII characters."))
        }
    }
}

/// Keys belong to whoever sent them: two callers may use the same one.
fn caller_hash(info: &RequestInfo) -> [u8; 32] {
    let name = match info.caller() {
        Some(Caller::User(user)) => format!("user {}", user.user_id),
        Some(Caller::ApiKey(key)) => format!("key {}", key.key_id),
        Some(Caller::Anonymous) | None => format!("address {}", info.origin.ip),
    };
    sha256(name.as_bytes())
}

fn request_hash(parts: &Parts, info: &RequestInfo, body: &[u8]) -> [u8; 32] {
    let org_id = info.caller().and_then(Caller::org_id);
    let content_type = parts.headers.get(http::header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let mut text = format!("{} {} {org_id:?}\n", parts.method, parts.uri).into_bytes();
    text.extend_from_slice(content_type);
    text.push(b'\n');
    text.extend_from_slice(body);
    sha256(&text)
}

fn other_request() -> Problem {
    Problem::new(422, "idempotency_key_reused", "This Idempotency-Key came with another request before")
        .hint("Use a new key for a new request, and the same key only to repeat the very same one.")
}

fn still_running(since: Duration) -> Problem {
    if since < ABANDONED_AFTER {
        return Problem::new(
            409,
            "idempotency_in_progress",
            "The first call with this Idempotency-Key is still running",
        )
        .retry_after_s(1);
    }
    Problem::new(
        409,
        "idempotency_outcome_unknown",
        "The first call with this Idempotency-Key did not finish",
    )
    .hint("Look whether it took effect; if not, send it again with a new key.")
}
