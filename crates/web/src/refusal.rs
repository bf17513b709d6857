//! How a refusal leaves a handler: as a problem that the front writes out, once, with the request's id.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use quoin_kernel::Problem;

/// Carries a problem out of a handler; anything that becomes a [`Problem`] becomes one with `?`.
#[derive(Debug)]
pub struct Refusal(Problem);

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl Refusal {
    /// Returns the problem.
    pub fn into_problem(self) -> Problem {
        self.0
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status_of(&self.0);
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// Takes the problem out of a response that a refusal has made.
pub(crate) fn take_problem(response: &mut Response) -> Option<Arc<Problem>> {
    response.extensions_mut().remove::<Arc<Problem>>()
}

/// Fills a response with the one error body.
pub(crate) fn write_problem(response: &mut Response, problem: &Problem, request_id: &str) {
    *response.status_mut() = status_of(problem);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = problem.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status() == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    *response.body_mut() = Body::from(problem.body(request_id).to_string());
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
