//! The end of a call: one log line, one entry in the ring, one count.

use std::sync::Arc;

use http::{Method, StatusCode};
use quoin_kernel::{ApiKeyId, Caller, Problem};
use tokio::time::Instant;

use crate::app::App;
use crate::calls::Call;
use crate::request::RequestInfo;

/// The status that the log shows where the client left before the answer; none is sent.
const CLIENT_LEFT: u16 = 499;

/// Writes the log line of a call, also where the client leaves and the call's future is dropped.
pub(super) struct CallLine<'a> {
    app: &'a App,
    info: &'a Arc<RequestInfo>,
    method: Method,
    started: Instant,
    code: Option<String>,
    status: u16,
}

impl<'a> CallLine<'a> {
    pub(super) fn start(app: &'a App, info: &'a Arc<RequestInfo>, method: &Method) -> Self {
        Self { app, info, method: method.clone(), started: Instant::now(), code: None, status: CLIENT_LEFT }
    }

    /// Notes the problem's code; a fault of ours is logged with its causes, here and nowhere else.
    pub(super) fn refused(&mut self, problem: &Problem) {
        if problem.status() >= 500 {
            let request_id = self.info.origin.request_id.as_str();
            let causes = causes(problem);
            if problem.status() == 500 {
                tracing::error!(request_id, code = problem.code(), causes, "a call failed");
            } else {
                tracing::warn!(request_id, code = problem.code(), causes, "a call could not be served");
            }
        }
        self.code = Some(problem.code().to_owned());
    }

    pub(super) fn finish(mut self, status: StatusCode) {
        self.status = status.as_u16();
    }
}

impl Drop for CallLine<'_> {
    fn drop(&mut self) {
        let (info, status, took) = (self.info, self.status, self.started.elapsed());
        let operation = info.operation();
        operation.map_or(&self.app.metrics().unrouted, |operation| &operation.metrics).count(status, took);
        let caller = info.caller();
        let call = Call {
            at: info.origin.now,
            request_id: info.origin.request_id.clone(),
            operation: operation.map_or("", |operation| operation.id),
            status,
            duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            sub: caller.and_then(Caller::user_id),
            org_id: caller.and_then(Caller::org_id),
            key_id: caller.and_then(key_id),
        };
        tracing::info!(
            target: "quoin::call",
            request_id = call.request_id,
            method = self.method.as_str(),
            operation = call.operation,
            status,
            duration_us = call.duration_us,
            code = self.code,
            sub = call.sub.map(tracing::field::display),
            org_id = call.org_id.map(tracing::field::display),
            key_id = call.key_id.map(tracing::field::display),
            trace_id = info.trace_id.as_deref(),
        );
        self.app.calls().push(call);
    }
}

fn key_id(caller: &Caller) -> Option<ApiKeyId> {
    match caller {
        Caller::ApiKey(key) => Some(key.key_id),
        Caller::Anonymous | Caller::User(_) => None,
    }
}

/// Joins the chain of causes, outermost first.
fn causes(problem: &Problem) -> String {
    let mut text = String::new();
    let mut cause = std::error::Error::source(problem);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
