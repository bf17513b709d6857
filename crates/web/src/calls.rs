//! The recent calls of this node, in a ring of fixed size.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use quoin_kernel::{ApiKeyId, OrgId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::Serialize;

/// One call, as its log line shows it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Call {
    /// When it arrived.
    pub at: Timestamp,
    /// Its request id.
    pub request_id: String,
    /// The operation, or empty where no route matched.
    pub operation: &'static str,
    /// The HTTP status of the answer.
    pub status: u16,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// The person who called.
    pub sub: Option<UserId>,
    /// The organisation in whose name the call was made.
    pub org_id: Option<OrgId>,
    /// The API key that called.
    pub key_id: Option<ApiKeyId>,
}

/// Remembers the most recent calls.
#[derive(Debug)]
pub struct Calls {
    ring: Mutex<VecDeque<Call>>,
    capacity: usize,
}

impl Calls {
    /// Makes room for `capacity` calls.
    pub fn keeping(capacity: usize) -> Self {
        Self { ring: Mutex::new(VecDeque::with_capacity(capacity)), capacity }
    }

    /// Adds a call and forgets the oldest where the ring is full.
    pub fn push(&self, call: Call) {
        if self.capacity == 0 {
            return;
        }
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == self.capacity {
            ring.pop_front();
        }
        ring.push_back(call);
    }

    /// Returns calls of this person, or of everybody, newest first.
    pub fn recent(&self, sub: Option<UserId>, limit: usize) -> Vec<Call> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = ring.iter().rev().filter(|call| sub.is_none() || call.sub == sub);
        wanted.take(limit).cloned().collect()
    }
}
