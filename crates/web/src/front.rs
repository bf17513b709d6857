//! The front: everything that happens to every request, in one pass around axum's router.
//!
//! It is one plain async function rather than a stack of layers: each layer would box a future and clone a service per
//! request, and the order of what happens would be hidden in the order of calls to `layer`.

mod arrival;
mod cors;
mod finish;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use quoin_kernel::Problem;
use tower_service::Service;

use crate::app::App;
use crate::config::WebConfig;
use crate::input::{GuardedBody, check_url_text};
use crate::panics::catch_panic;
use crate::refusal::{Refusal, take_problem, write_problem};
use crate::request::RequestInfo;
use crate::route::{Operation, Routes};
use crate::system;

use arrival::Known;
use cors::Cors;
use finish::CallLine;

/// Serves requests: gives each an id, keeps the limits, routes it, and writes the answer's last headers and log line.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

struct Inner {
    app: App,
    router: Router,
    operations: Vec<Arc<Operation>>,
    known: Known,
    cors: Cors,
    hsts: Option<HeaderValue>,
}

/// The policy of an answer that is no page.
const NO_PAGE: &str = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Counts a request as being in work for as long as it lives.
struct InFlight<'a>(&'a AtomicI64);

impl Front {
    /// Puts the front before the rooms' operations and adds those of this room: health, metrics, calls, documents.
    ///
    /// # Panics
    /// At start, where two rooms declare the same method and path.
    pub fn new(app: App, rooms: Routes) -> Self {
        let all = system::with_documents(&app, rooms.merge(system::routes(&app)));
        let router = all.router.fallback(no_such_route).method_not_allowed_fallback(wrong_method);
        let operations = all.operations;
        let config = app.config();
        let (cors, hsts) = (Cors::new(&config.cors_origins), strict_transport(config));
        let known = Known::of(&app);
        Self(Arc::new(Inner { app, router, operations, known, cors, hsts }))
    }

    /// Returns every operation that is served, those of this room included.
    pub fn operations(&self) -> &[Arc<Operation>] {
        &self.0.operations
    }

    /// Returns the app.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Answers one request that came from `peer`. Never fails and never panics.
    pub async fn handle<B>(&self, request: Request<B>, peer: SocketAddr) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let inner = self.0.as_ref();
        let (app, config) = (&inner.app, inner.app.config());
        let in_flight = InFlight::enter(&app.metrics().in_flight);
        let info = Arc::new(arrival::read(&request, peer, &inner.known, app));
        let mut line = CallLine::start(app, &info, request.method());
        let origin = request.headers().get(header::ORIGIN).cloned();
        let in_auth = request.uri().path().starts_with("/auth/v1");
        let asks_first = request.method() == Method::OPTIONS && origin.is_some();

        let mut response = if asks_first && request.headers().contains_key("access-control-request-method") {
            Cors::preflight(request.headers())
        } else if let Err(problem) = admissible(request.uri(), &in_flight, config) {
            Refusal::from(problem).into_response()
        } else {
            self.route(request, &info).await
        };
        if let Some(problem) = take_problem(&mut response) {
            line.refused(&problem);
            if problem.status() == 408 {
                app.metrics().cut_off.body.fetch_add(1, Ordering::Relaxed);
            }
            write_problem(&mut response, &problem, &info.origin.request_id);
        }
        inner.dress(&mut response, &info, in_auth);
        inner.cors.apply(origin.as_ref(), response.headers_mut());
        line.finish(response.status());
        response
    }

    /// Answers a request of which nothing could be used: its head cannot be read, or contradicts itself. The connection
    /// is to be closed then, because nobody knows where the next request would begin.
    pub(crate) fn refuse(&self, problem: &Problem, peer: SocketAddr) -> http::Response<String> {
        let inner = self.0.as_ref();
        inner.app.metrics().unreadable.fetch_add(1, Ordering::Relaxed);
        let info = Arc::new(arrival::read(&Request::new(()), peer, &inner.known, &inner.app));
        let mut line = CallLine::start(&inner.app, &info, &Method::default());
        line.refused(problem);
        let mut response = Response::new(Body::empty());
        write_problem(&mut response, problem, &info.origin.request_id);
        inner.dress(&mut response, &info, false);
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        line.finish(response.status());
        response.map(|_| problem.body(&info.origin.request_id).to_string())
    }

    /// Lets the router answer; a panic in a handler becomes a 500.
    async fn route<B>(&self, mut request: Request<B>, info: &Arc<RequestInfo>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        request.extensions_mut().insert(Arc::clone(info));
        let max_pause = self.0.app.config().body_pause;
        let request = request.map(|body| Body::new(GuardedBody::new(body, Arc::clone(info), max_pause)));
        match catch_panic(self.0.router.clone().call(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(panic) => {
                self.0.app.metrics().panics.fetch_add(1, Ordering::Relaxed);
                Refusal::from(Problem::internal(panic)).into_response()
            }
        }
    }
}

impl Inner {
    /// Adds what every answer carries.
    fn dress(&self, response: &mut Response, info: &RequestInfo, in_auth: bool) {
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&info.origin.request_id) {
            headers.insert("x-request-id", id);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        // A page says what it needs; nothing else is to be shown as one, framed, or named to other sites.
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NO_PAGE));
        headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
        if let Some(hsts) = &self.hsts {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
        if in_auth {
            headers.insert("x-supabase-api-version", HeaderValue::from_static("2024-01-01"));
        }
    }
}

/// What browsers are told about TLS, where people reach this instance over it.
fn strict_transport(config: &WebConfig) -> Option<HeaderValue> {
    let policy = if config.hsts_include_subdomains {
        "max-age=31536000; includeSubDomains"
    } else {
        "max-age=31536000"
    };
    config.is_https().then(|| HeaderValue::from_static(policy))
}

/// Refuses, before routing, what no operation may see: too much at once, and paths that are no text.
fn admissible(uri: &Uri, in_flight: &InFlight<'_>, config: &WebConfig) -> Result<(), Problem> {
    if in_flight.count() > i64::try_from(config.max_in_flight).unwrap_or(i64::MAX) {
        return Err(Problem::unavailable("overloaded", "The server is busy", 1));
    }
    for (what, text) in [("path", Some(uri.path())), ("query", uri.query())] {
        let checked = text.map_or(Ok(()), |text| check_url_text(text.as_bytes()));
        checked.map_err(|why| Problem::invalid(format!("The {what} cannot be read: {why}.")))?;
    }
    Ok(())
}

impl<'a> InFlight<'a> {
    fn enter(counter: &'a AtomicI64) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }

    fn count(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn no_such_route() -> Refusal {
    Problem::new(404, "not_found", "There is no such route")
        .hint("GET /openapi.json lists the routes.")
        .into()
}

async fn wrong_method() -> Refusal {
    Problem::new(405, "method_not_allowed", "This route does not take this method")
        .hint("The header Allow lists the methods that it takes.")
        .into()
}
