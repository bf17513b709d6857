//! API keys by their hash, and when each was last used.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use quoin_db::{Db, DbError, Tx};
use quoin_kernel::{ApiKeyCaller, ApiKeyId, Caller, OrgId, Timestamp};
use uuid::Uuid;

use crate::model::api_key::{ApiKey, KeyKind};
use crate::store::api_keys_global as store;

/// Remembers live keys; revoked ones are caught by the revocation list.
#[derive(Default)]
pub(crate) struct ApiKeys(RwLock<HashMap<[u8; 32], Arc<Known>>>);

struct Known {
    id: ApiKeyId,
    kind: KeyKind,
    expires_at: Option<Timestamp>,
    org_id: Option<OrgId>,
    caller: Caller,
    /// The state of the revocation list when the row was read.
    epoch: u64,
    used_at: AtomicI64,
    written_at: AtomicI64,
}

impl ApiKeys {
    /// Finds the live key of this kind with this hash and the organisation that it is confined to, and notes its use.
    pub(super) async fn find(
        &self,
        db: &Db,
        kind: KeyKind,
        hash: &[u8; 32],
        (now, epoch): (Timestamp, u64),
    ) -> Result<Option<(Caller, Option<OrgId>)>, DbError> {
        let known = match self.known(hash) {
            Some(known) if known.is_current(epoch) => Some(known),
            _ => self.load(db, *hash, (now, epoch)).await?,
        };
        let live = known.filter(|key| key.kind == kind && key.expires_at.is_none_or(|end| now < end));
        Ok(live.map(|key| {
            key.used_at.fetch_max(now.as_micros(), Ordering::Relaxed);
            (key.caller.clone(), key.org_id)
        }))
    }

    /// Knows a key that no row holds: the nil id, the whole platform, every scope.
    pub(super) fn adopt(&self, hash: [u8; 32]) {
        let id = ApiKeyId::from_uuid(Uuid::nil());
        let caller = ApiKeyCaller { key_id: id, org_id: None, scopes: vec!["*".into()] };
        let known = Known {
            id,
            kind: KeyKind::Secret,
            expires_at: None,
            org_id: None,
            caller: Caller::ApiKey(Arc::new(caller)),
            epoch: 0,
            used_at: AtomicI64::new(0),
            written_at: AtomicI64::new(0),
        };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(hash, Arc::new(known));
    }

    /// Writes the times of last use that have changed.
    pub(super) async fn flush(&self, db: &Db) -> Result<(), DbError> {
        let changed: Vec<(ApiKeyId, i64)> = {
            let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
            keys.values().filter_map(|key| key.take_change()).collect()
        };
        if changed.is_empty() {
            return Ok(());
        }
        db.write("identity.api_keys.touch", move |tx| {
            changed.iter().try_for_each(|(id, at)| store::touch(tx, *id, Timestamp::from_micros(*at)))
        })
        .await
    }

    fn known(&self, hash: &[u8; 32]) -> Option<Arc<Known>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    async fn load(
        &self,
        db: &Db,
        hash: [u8; 32],
        (now, epoch): (Timestamp, u64),
    ) -> Result<Option<Arc<Known>>, DbError> {
        let found = db.read("identity.api_key.find", move |tx| find(tx, &hash)).await?;
        let Some(key) = found.filter(|key| key.is_live(now)) else {
            self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&hash);
            return Ok(None);
        };
        let known = Arc::new(Known { epoch, ..Known::from(key) });
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(hash, known.clone());
        Ok(Some(known))
    }
}

/// Finds a key by its hash; one whose organisation is gone or closed does not work.
fn find(tx: &mut Tx<'_>, hash: &[u8; 32]) -> Result<Option<ApiKey>, DbError> {
    let Some(key) = store::find_by_hash(tx, hash)? else { return Ok(None) };
    let is_owned = key.org_id.map_or(Ok(true), |org_id| quoin_tenancy::is_usable(tx, org_id))?;
    Ok(is_owned.then_some(key))
}

impl Known {
    /// Tells whether what is known still holds. An organisation may have been closed since: that ends tokens, so the
    /// revocation list has changed, and the row of its key is read again.
    fn is_current(&self, epoch: u64) -> bool {
        self.org_id.is_none() || self.epoch == epoch
    }

    /// Returns the time of last use, if it has moved since it was last written.
    fn take_change(&self) -> Option<(ApiKeyId, i64)> {
        let used = self.used_at.load(Ordering::Relaxed);
        (self.written_at.swap(used, Ordering::Relaxed) != used).then_some((self.id, used))
    }
}

impl From<ApiKey> for Known {
    fn from(key: ApiKey) -> Self {
        let caller = match key.kind {
            KeyKind::Publishable => Caller::Anonymous,
            KeyKind::Secret => Caller::ApiKey(Arc::new(ApiKeyCaller {
                key_id: key.id,
                org_id: key.org_id,
                scopes: key.scopes,
            })),
        };
        let used = key.last_used_at.map_or(0, Timestamp::as_micros);
        Self {
            id: key.id,
            kind: key.kind,
            expires_at: key.expires_at,
            org_id: key.org_id,
            caller,
            epoch: 0,
            used_at: AtomicI64::new(used),
            written_at: AtomicI64::new(used),
        }
    }
}
