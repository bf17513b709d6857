//! Verified tokens by their hash.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use quoin_kernel::{Caller, OrgId, SessionId, Timestamp, UserId};

use crate::model::access_claims::AccessClaims;

/// Locks, so that threads seldom meet.
const SHARDS: usize = 16;
/// Tokens per shard.
const CAPACITY: usize = 4096;

/// A verified token, and what may be revoked of it.
pub(crate) struct Cached {
    pub(crate) caller: Caller,
    pub(super) session_id: SessionId,
    pub(super) membership: Option<(UserId, OrgId, i64)>,
    pub(super) expires_at: Timestamp,
    /// The state of the revocation list that this token was last compared with.
    pub(super) checked: AtomicU64,
}

/// Remembers verified tokens until they expire.
pub(crate) struct TokenCache([Mutex<HashMap<[u8; 32], Arc<Cached>>>; SHARDS]);

impl Cached {
    pub(crate) fn new(claims: AccessClaims, json: Arc<str>) -> Self {
        let membership = claims.org_id.map(|org_id| (claims.sub, org_id, claims.org_version.unwrap_or(0)));
        Self {
            session_id: claims.session_id,
            membership,
            expires_at: Timestamp::from_micros(claims.exp.saturating_mul(1_000_000)),
            checked: AtomicU64::new(u64::MAX),
            caller: claims.into_caller(json),
        }
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl TokenCache {
    pub(crate) fn get(&self, hash: &[u8; 32], now: Timestamp) -> Option<Arc<Cached>> {
        let shard = self.shard(hash).lock().unwrap_or_else(PoisonError::into_inner);
        shard.get(hash).filter(|cached| now < cached.expires_at).cloned()
    }

    pub(crate) fn insert(&self, hash: [u8; 32], cached: Cached) -> Arc<Cached> {
        let cached = Arc::new(cached);
        let mut shard = self.shard(&hash).lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= CAPACITY {
            // A full shard starts again: verifying a token twice costs less than keeping an order of use.
            shard.clear();
        }
        shard.insert(hash, cached.clone());
        cached
    }

    fn shard(&self, hash: &[u8; 32]) -> &Mutex<HashMap<[u8; 32], Arc<Cached>>> {
        &self.0[usize::from(hash[0]) % SHARDS]
    }
}
