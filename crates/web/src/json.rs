//! Answers in JSON.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use quoin_kernel::Problem;
use serde::Serialize;

use crate::Refusal;

/// Most answers fit, so that their text is written without moving it.
const CAPACITY: usize = 1024;

/// Answers with a value in JSON.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut text = Vec::with_capacity(CAPACITY);
        match serde_json::to_writer(&mut text, &self.0) {
            Ok(()) => {
                let json = HeaderValue::from_static("application/json");
                ([(header::CONTENT_TYPE, json)], text).into_response()
            }
            Err(error) => Refusal::from(Problem::internal(error)).into_response(),
        }
    }
}
