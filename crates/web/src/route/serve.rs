//! What happens around every handler: the operation is noted, and its limits are kept.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use quoin_kernel::Problem;

use super::Operation;
use crate::app::App;
use crate::context::Guarded;
use crate::idempotency;
use crate::refusal::Refusal;
use crate::request::RequestInfo;

/// A handler together with its operation.
#[derive(Clone)]
pub(super) struct Served<H> {
    operation: Arc<Operation>,
    app: App,
    handler: H,
}

impl<H> Served<H> {
    pub(super) fn new(operation: &Arc<Operation>, app: &App, handler: H) -> Self {
        Self { operation: Arc::clone(operation), app: app.clone(), handler }
    }
}

impl<H, T, S> Handler<T, S> for Served<H>
where
    H: Handler<T, S>,
    T: Guarded,
    S: Clone + Send + Sync + 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, state: S) -> Self::Future {
        Box::pin(async move {
            match self.serve(request, state).await {
                Ok(response) => response,
                Err(problem) => Refusal::from(problem).into_response(),
            }
        })
    }
}

impl<H> Served<H> {
    async fn serve<T, S>(self, request: Request, state: S) -> Result<Response, Problem>
    where
        H: Handler<T, S>,
        T: Guarded,
        S: Clone + Send + Sync + 'static,
    {
        let Self { operation, app, handler } = self;
        let info = RequestInfo::of(request.extensions())?;
        info.enter(&operation);
        if let Some(limit) = &operation.ip_limit {
            limit.check(info.origin.ip)?;
        }
        let timeout = operation.timeout;
        let serve = move |request| async move {
            tokio::time::timeout(timeout, handler.call(request, state)).await.map_err(|_| too_slow())
        };
        if !(operation.idempotent && idempotency::has_key(request.headers())) {
            return serve(request).await;
        }
        let (mut parts, body) = request.into_parts();
        // A replay skips the handler and with it the handler's own doorkeeper, so the door is asked here.
        T::admit(&mut parts, &app).await?;
        idempotency::run(&app, parts, body, serve).await
    }
}

fn too_slow() -> Problem {
    Problem::unavailable("request_timeout", "The server took longer than this operation allows", 1)
}
