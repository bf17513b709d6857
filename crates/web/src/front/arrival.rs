//! What is read from a request before anything else: its id, its trace, and where it came from.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, Request, header};
use quoin_kernel::port::Origin;
use quoin_kernel::{Id, Language, Rng, Timestamp};

use crate::app::App;
use crate::request::{BodyMemory, RequestInfo};

/// Makes request ids: unique, and cheap because they are no secret.
#[derive(Debug)]
struct RequestIds(AtomicU64);

/// What is the same for every request.
#[derive(Debug)]
pub(super) struct Known {
    request_ids: RequestIds,
    body_memory: Arc<BodyMemory>,
}

impl Known {
    pub(super) fn of(app: &App) -> Self {
        let body_memory = Arc::new(BodyMemory::of(app.config().max_body_memory_bytes));
        Self { request_ids: RequestIds::seeded(app.rng()), body_memory }
    }
}

/// A fast mixer (`SplitMix64`), whose steps never repeat within 2^64.
impl Rng for RequestIds {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^= x >> 31;
            chunk.copy_from_slice(&x.to_le_bytes()[..chunk.len()]);
        }
    }
}

impl RequestIds {
    /// Starts at a random point, so that nodes do not repeat each other.
    fn seeded(rng: &dyn Rng) -> Self {
        let mut seed = [0_u8; 8];
        rng.fill(&mut seed);
        Self(AtomicU64::new(u64::from_le_bytes(seed)))
    }

    fn next(&self, now: Timestamp) -> String {
        Id::<()>::new(now, self).to_string()
    }
}

/// Reads where a request came from.
pub(super) fn read<B>(request: &Request<B>, peer: SocketAddr, known: &Known, app: &App) -> RequestInfo {
    let (headers, now) = (request.headers(), app.now());
    let origin = Origin {
        request_id: sent_id(headers).map_or_else(|| known.request_ids.next(now), str::to_owned),
        ip: app.config().client_ip(peer, headers),
        user_agent: user_agent(headers),
        language: language(headers),
        now,
        realm: None,
    };
    RequestInfo::new(origin, trace_id(headers), Arc::clone(&known.body_memory))
}

/// Accepts the client's own request id where it is short and plain, so that it can stand in a log line.
fn sent_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    ((8..=64).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

/// Reads the trace id of `traceparent` (W3C Trace Context, version 00 and later).
fn trace_id(headers: &HeaderMap) -> Option<Box<str>> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'a'..=b'f'))
    };
    let well_formed = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    let named = version != "ff" && trace.bytes().any(|c| c != b'0') && parent.bytes().any(|c| c != b'0');
    (well_formed && named).then(|| trace.into())
}

fn language(headers: &HeaderMap) -> Option<Language> {
    Language::accepted(headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?)
}

fn user_agent(headers: &HeaderMap) -> String {
    let Some(value) = headers.get(header::USER_AGENT) else {
        return String::new();
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let mut end = text.len().min(256);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].chars().filter(|c| !c.is_control()).collect()
}
