//! This room's own operations: is the server alive, is it ready, what has it counted, who called, what is there.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
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
use crate::refusal::Refusal;
use crate::route::{Operation, Routes};

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
pub(crate) fn with_documents(app: &App, routes: Routes) -> (Router, Vec<Arc<Operation>>) {
    let _ = app;
    (routes.router, routes.operations)
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

async fn calls(ctx: Ctx<PlatformKey>, ValidQuery(query): ValidQuery<CallsIn>) -> Result<Json<CallsOut>, Refusal> {
    ctx.who.demand("calls.read")?;
    let limit = query.limit.unwrap_or(50);
    if !(1..=1000).contains(&limit) {
        return Err(Problem::invalid("limit must be between 1 and 1000").field("limit", "out of range").into());
    }
    Ok(Json(CallsOut { data: ctx.app.calls().recent(query.sub, limit as usize) }))
}
