//! This room's own operations: is the server alive, is it ready, what has it counted, who called, what is there.

use std::sync::{Arc, OnceLock};

use axum::Json;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use quoin_kernel::{Problem, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::calls::Call;
use crate::context::Ctx;
use crate::doorkeeper::{PlatformKey, Unidentified, Who};
use crate::input::ValidQuery;
use crate::metrics::MetricsText;
use crate::page::{Html, Page};
use crate::refusal::Refusal;
use crate::route::{Operation, Routes};
use crate::{docs, openapi};

/// Whether the server is ready.
#[derive(Debug, Serialize, JsonSchema)]
struct ReadyOut {
    /// True where nothing is missing.
    ready: bool,
    /// The names of the dependencies that do not answer.
    missing: Vec<&'static str>,
}

/// Which recent calls are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CallsIn {
    /// Only calls of this person.
    sub: Option<UserId>,
    /// How many at most, 1 to 1000; 50 by default.
    limit: Option<u32>,
}

/// Recent calls of this node.
#[derive(Debug, Serialize, JsonSchema)]
struct CallsOut {
    /// The calls, newest first.
    data: Vec<Call>,
}

/// Returns this room's operations but those that describe all others.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::new(app.clone())
        .add(
            Operation::get("/healthz", "web.health.alive")
                .summary("Says that the server is alive.")
                .caller(Who::Unidentified)
                .gives_nothing(200),
            alive,
        )
        .add(
            Operation::get("/readyz", "web.health.ready")
                .summary("Says whether the server is ready, and names what is missing.")
                .caller(Who::Unidentified)
                .gives::<ReadyOut>(200)
                .gives::<ReadyOut>(503),
            ready,
        )
        .add(
            Operation::get("/admin/v1/calls", "web.calls.list")
                .summary("Lists recent calls of this node, newest first.")
                .caller(Who::PlatformKey)
                .query::<CallsIn>()
                .gives::<CallsOut>(200),
            calls,
        )
        .done()
}

/// Adds the operations that describe all the others: metrics and documents.
pub(crate) fn with_documents(app: &App, rooms: Routes) -> Routes {
    let described = Described { app: app.clone(), all: Arc::default() };
    let routes = rooms.merge(
        Routes::new(described.clone())
            .add(
                Operation::get("/metrics", "web.metrics.read")
                    .summary("Gives the counters of this node in the text format of Prometheus.")
                    .caller(Who::PlatformKey)
                    .gives_nothing(200),
                metrics,
            )
            .add(
                Operation::get("/openapi.json", "web.openapi.read")
                    .summary("Gives this document.")
                    .caller(Who::Unidentified)
                    .gives_nothing(200),
                openapi_document,
            )
            .add(Operation::get("/docs", "web.docs.read").caller(Who::Unidentified).undocumented(), docs_page)
            .done(),
    );
    let document = openapi::document(app.config(), &routes.operations);
    let all = All {
        json: Bytes::from(document.to_string()),
        page: docs::page(&document),
        operations: routes.operations.clone(),
    };
    // Nobody else has the handle yet, so it is empty.
    described.all.get_or_init(|| all);
    routes
}

/// The state of the operations that describe all the others; filled once all are known.
#[derive(Clone)]
struct Described {
    app: App,
    all: Arc<OnceLock<All>>,
}

struct All {
    json: Bytes,
    page: Html,
    operations: Vec<Arc<Operation>>,
}

impl FromRef<Described> for App {
    fn from_ref(described: &Described) -> Self {
        described.app.clone()
    }
}

impl Described {
    fn all(&self) -> Result<&All, Problem> {
        self.all.get().ok_or_else(|| Problem::internal("a document was asked for before it was written"))
    }
}

async fn metrics(
    ctx: Ctx<PlatformKey>,
    State(described): State<Described>,
) -> Result<impl IntoResponse, Refusal> {
    ctx.who.demand("metrics")?;
    let mut text = MetricsText::default();
    let unrouted = &ctx.app.metrics().unrouted;
    let operations = described.all()?.operations.iter().map(|operation| (operation.id, &operation.metrics));
    text.operations(operations.chain(std::iter::once(("unrouted", unrouted))));
    ctx.app.metrics().write(&mut text);
    database(&ctx.app, &mut text);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text.into_text()))
}

fn database(app: &App, text: &mut MetricsText) {
    let stats = app.db().system().stats();
    text.counter("quoin_db_commits_total", "Durable commits.", &[], stats.commits);
    text.counter("quoin_db_writes_total", "Writing closures committed.", &[], stats.writes);
    text.counter("quoin_db_reads_total", "Reading closures run.", &[], stats.reads);
    text.counter("quoin_db_reruns_total", "Closures run again after a collision.", &[], stats.reruns);
    text.counter(
        "quoin_db_overloads_total",
        "Closures refused because the queue was full.",
        &[],
        stats.overloads,
    );
}

async fn openapi_document(
    _: Ctx<Unidentified>,
    State(described): State<Described>,
) -> Result<impl IntoResponse, Refusal> {
    let json = described.all()?.json.clone();
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], json))
}

async fn docs_page(_: Ctx<Unidentified>, State(described): State<Described>) -> Result<Page, Refusal> {
    Ok(Page::new("Quoin's operations", described.all()?.page.clone()).style(docs::STYLE))
}

async fn alive(_: Ctx<Unidentified>) -> &'static str {
    "ok"
}

async fn ready(ctx: Ctx<Unidentified>) -> Response {
    let missing = ctx.app.health().missing().await;
    let ready = missing.is_empty();
    let status = if ready { http::StatusCode::OK } else { http::StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ReadyOut { ready, missing })).into_response()
}

async fn calls(
    ctx: Ctx<PlatformKey>,
    ValidQuery(query): ValidQuery<CallsIn>,
) -> Result<Json<CallsOut>, Refusal> {
    ctx.who.demand("calls")?;
    let limit = query.limit.unwrap_or(50);
    if !(1..=1000).contains(&limit) {
        return Err(Problem::invalid("limit must be between 1 and 1000")
            .field("limit", "out of range")
            .into());
    }
    Ok(Json(CallsOut { data: ctx.app.calls().recent(query.sub, limit as usize) }))
}
