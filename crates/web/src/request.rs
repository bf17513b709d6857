//! What the server knows of one request from its arrival to its log line.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use http::Extensions;
use quoin_kernel::port::Origin;
use quoin_kernel::{Caller, Problem};

use crate::config::DEFAULT_BODY_LIMIT_BYTES;
use crate::route::Operation;

/// Travels in the request's extensions; the front keeps a share of it for the log line.
#[derive(Debug)]
pub struct RequestInfo {
    /// Where the request came from.
    pub origin: Origin,
    /// The trace id of `traceparent` (W3C Trace Context), 32 hexadecimal digits.
    pub trace_id: Option<Box<str>>,
    operation: OnceLock<Arc<Operation>>,
    caller: OnceLock<Caller>,
    body_limit_bytes: AtomicUsize,
    memory: Arc<BodyMemory>,
    body_bytes: AtomicUsize,
}

/// Bounds the bytes of bodies that all requests in work hold together.
#[derive(Debug)]
pub struct BodyMemory {
    held_bytes: AtomicUsize,
    max_bytes: usize,
}

impl BodyMemory {
    /// Allows this many bytes.
    pub const fn of(max_bytes: usize) -> Self {
        Self { held_bytes: AtomicUsize::new(0), max_bytes }
    }
}

impl RequestInfo {
    /// Starts the record of a request, whose body counts against `memory`.
    pub fn new(origin: Origin, trace_id: Option<Box<str>>, memory: Arc<BodyMemory>) -> Self {
        Self {
            origin,
            trace_id,
            operation: OnceLock::new(),
            caller: OnceLock::new(),
            body_limit_bytes: AtomicUsize::new(DEFAULT_BODY_LIMIT_BYTES),
            memory,
            body_bytes: AtomicUsize::new(0),
        }
    }

    /// Finds the record of a request that came through the front.
    ///
    /// # Errors
    /// 500 where a router is called without the front, which is a mistake in composition.
    pub fn of(extensions: &Extensions) -> Result<&Arc<Self>, Problem> {
        extensions.get::<Arc<Self>>().ok_or_else(|| Problem::internal("a route was called without the front"))
    }

    /// Returns the operation that serves the request, once routing has found it.
    pub fn operation(&self) -> Option<&Operation> {
        self.operation.get().map(Arc::as_ref)
    }

    /// Returns who calls, once a door has asked.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.get()
    }

    /// Notes the operation and its limit for the body.
    pub(crate) fn enter(&self, operation: &Arc<Operation>) {
        self.body_limit_bytes.store(operation.body_limit_bytes, Ordering::Relaxed);
        // A request is routed once; a second entry would be the same operation.
        self.operation.get_or_init(|| Arc::clone(operation));
    }

    /// Remembers who calls, so that the credential is checked once.
    pub(crate) fn remember(&self, caller: &Caller) {
        self.caller.get_or_init(|| caller.clone());
    }

    /// Returns how many bytes of body are read at most.
    pub(crate) fn body_limit_bytes(&self) -> usize {
        self.body_limit_bytes.load(Ordering::Relaxed)
    }

    /// Counts bytes of body that are held until the request ends.
    ///
    /// # Errors
    /// 503 `overloaded` where all requests together hold too many.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), Problem> {
        self.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        let before = self.memory.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.memory.max_bytes {
            return Err(Problem::unavailable("overloaded", "The server is busy", 1));
        }
        Ok(())
    }
}

impl Drop for RequestInfo {
    fn drop(&mut self) {
        self.memory.held_bytes.fetch_sub(*self.body_bytes.get_mut(), Ordering::Relaxed);
    }
}
