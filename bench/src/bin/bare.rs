//! The baseline without an engine: the least that axum can do with the same requests and the same JSON.
//!
//! Takes an address and a file of samples, `{"insert": {"status": 201, "body": …}, …}`; answers `/insert` with that,
//! serialised anew for each request, after reading the request's JSON where it has some.
#![allow(clippy::disallowed_methods, reason = "a driver reads its arguments")]

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use bench::Outcome;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Sample {
    status: u16,
    body: Value,
}

type Samples = Arc<HashMap<String, Sample>>;

#[tokio::main]
async fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let (address, file) = arguments.next().zip(arguments.next()).ok_or("usage: bare ADDRESS SAMPLES")?;
    let samples: Samples = Arc::new(serde_json::from_slice(&std::fs::read(file)?)?);
    let router = Router::new()
        .route("/readyz", get(|| async { "ready" }))
        .route("/{scenario}", get(read).post(write))
        .with_state(samples);
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, router).await?)
}

async fn read(State(samples): State<Samples>, Path(scenario): Path<String>) -> Response {
    answer(&samples, &scenario)
}

async fn write(
    State(samples): State<Samples>,
    Path(scenario): Path<String>,
    Json(_): Json<Value>,
) -> Response {
    answer(&samples, &scenario)
}

fn answer(samples: &Samples, scenario: &str) -> Response {
    let Some(sample) = samples.get(scenario) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let status = StatusCode::from_u16(sample.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(&sample.body)).into_response()
}
