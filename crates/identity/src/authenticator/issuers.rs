//! Says who could still sign what they have signed (port [`Issuers`]).
//!
//! Signed URLs outlive tokens, so the rows say whether their session or key is there still. What they have said is
//! remembered for a minute, and compared with the revocation list on every use: then a signed URL costs a look-up.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quoin_db::{Db, DbError, Tx};
use quoin_kernel::port::{BoxFuture, Issuers};
use quoin_kernel::{ApiKeyId, Issuer, OrgId, Problem, SessionId, Timestamp, UserId};
use quoin_tenancy::TenancyError;
use quoin_web::App;

use super::RevocationList;
use crate::Identity;
use crate::store::{api_keys_global, sessions_global};

/// How long rows are believed: far less than revocations are kept.
const FRESH: Duration = Duration::from_mins(1);
/// Locks, so that threads seldom meet.
const SHARDS: usize = 16;
/// Issuers per shard.
const CAPACITY: usize = 4096;

/// Knows who could still sign, in whatever process: it needs the database alone.
pub struct LiveIssuers {
    app: App,
    revocations: Arc<RevocationList>,
    known: [Mutex<HashMap<Issuer, Arc<Known>>>; SHARDS],
}

/// What the rows said of an issuer who is there.
pub(super) struct Known {
    /// The organisation that the session acted for, or to which the key is confined.
    pub(super) org_id: Option<OrgId>,
    /// The version of the membership.
    pub(super) version: i64,
    until: Timestamp,
    /// The state of the revocation list with which this was last compared.
    checked: AtomicU64,
}

impl LiveIssuers {
    /// Begins to know, in a process that does not serve people.
    pub fn new(app: App) -> Self {
        Self::beside(app, Arc::default())
    }

    /// Shares the revocation list of the process.
    pub(crate) fn beside(app: App, revocations: Arc<RevocationList>) -> Self {
        Self { app, revocations, known: std::array::from_fn(|_| Mutex::default()) }
    }

    async fn find(&self, issuer: &Issuer, now: Timestamp) -> Result<bool, Problem> {
        self.revocations.catch_up(self.db(), now).await?;
        // Taken before the rows are read: what is taken back in between changes it.
        let epoch = self.revocations.epoch();
        if let Some(known) = self.remembered(issuer, now) {
            if known.checked.load(Ordering::Relaxed) == epoch {
                return Ok(true);
            }
            if !self.revocations.has_issuer(issuer, &known) {
                known.checked.store(epoch, Ordering::Relaxed);
                return Ok(true);
            }
        }
        let wanted = *issuer;
        let found = self.db().read("identity.issuer.find", move |tx| find(tx, &wanted, now)).await?;
        let Some(known) = found else { return Ok(false) };
        known.checked.store(epoch, Ordering::Relaxed);
        self.remember(*issuer, known);
        Ok(true)
    }

    fn remembered(&self, issuer: &Issuer, now: Timestamp) -> Option<Arc<Known>> {
        let shard = self.shard(issuer).lock().unwrap_or_else(PoisonError::into_inner);
        shard.get(issuer).filter(|known| now < known.until).cloned()
    }

    fn remember(&self, issuer: Issuer, known: Known) {
        let mut shard = self.shard(&issuer).lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= CAPACITY {
            // A full shard starts again: reading two rows twice costs less than keeping an order of use.
            shard.clear();
        }
        shard.insert(issuer, Arc::new(known));
    }

    fn shard(&self, issuer: &Issuer) -> &Mutex<HashMap<Issuer, Arc<Known>>> {
        let mut hasher = DefaultHasher::new();
        issuer.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0);
        &self.known[index]
    }

    fn db(&self) -> &Db {
        self.app.db().system()
    }
}

impl Issuers for LiveIssuers {
    fn is_live<'a>(&'a self, issuer: &'a Issuer, now: Timestamp) -> BoxFuture<'a, Result<bool, Problem>> {
        Box::pin(self.find(issuer, now))
    }
}

impl Issuers for Identity {
    fn is_live<'a>(&'a self, issuer: &'a Issuer, now: Timestamp) -> BoxFuture<'a, Result<bool, Problem>> {
        self.0.issuers.is_live(issuer, now)
    }
}

fn find(tx: &mut Tx<'_>, issuer: &Issuer, now: Timestamp) -> Result<Option<Known>, DbError> {
    match *issuer {
        Issuer::Session { user_id, session_id, org_id } => {
            find_session(tx, (user_id, session_id), org_id, now)
        }
        Issuer::Key { key_id } => find_key(tx, key_id, now),
    }
}

/// Finds a session that has not ended, whose person is let in and still acts for the organisation.
fn find_session(
    tx: &mut Tx<'_>,
    (user_id, session_id): (UserId, SessionId),
    org_id: Option<OrgId>,
    now: Timestamp,
) -> Result<Option<Known>, DbError> {
    let Some((user, session)) = sessions_global::find_with_user(tx, session_id)? else { return Ok(None) };
    if user.id != user_id || user.is_banned(now) {
        return Ok(None);
    }
    let version = match org_id {
        None => 0,
        Some(org_id) => match quoin_tenancy::membership_of(tx, user_id, org_id, &session.facts(now)) {
            Ok(membership) => membership.version,
            Err(TenancyError::Db(error)) => return Err(error),
            Err(_) => return Ok(None),
        },
    };
    Ok(Some(Known { org_id, version, until: now + FRESH, checked: AtomicU64::new(u64::MAX) }))
}

/// Finds a key that works.
fn find_key(tx: &mut Tx<'_>, key_id: ApiKeyId, now: Timestamp) -> Result<Option<Known>, DbError> {
    let Some(key) = api_keys_global::get(tx, key_id)?.filter(|key| key.is_live(now)) else { return Ok(None) };
    if !key.org_id.map_or(Ok(true), |org_id| quoin_tenancy::is_usable(tx, org_id))? {
        return Ok(None);
    }
    let until = key.expires_at.map_or(now + FRESH, |end| end.min(now + FRESH));
    Ok(Some(Known { org_id: key.org_id, version: 0, until, checked: AtomicU64::new(u64::MAX) }))
}
