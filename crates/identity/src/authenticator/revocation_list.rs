//! The revocation list in memory, and how it is kept as fresh as promised.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use quoin_db::{Db, DbError, Engine, Topic};
use quoin_kernel::{ApiKeyCaller, ApiKeyId, Issuer, OrgId, Problem, SessionId, Timestamp, UserId};
use quoin_tenancy::revocations::{self, Cursor, Entry, Revoked};
use tokio::sync::Mutex;

use super::issuers::Known;
use super::token_cache::Cached;

/// Without a successful reading for this long, other nodes' revocations may be missing: callers are refused.
const MAX_AGE: Duration = Duration::from_secs(4);

/// Entries that are kept without looking whether they still matter.
const LEAST_ROOM: usize = 4096;

/// What tokens and keys may no longer say.
pub(crate) struct RevocationList {
    entries: RwLock<Entries>,
    /// Grows with every entry, so that a token that was compared needs no comparison until then.
    epoch: AtomicU64,
    topic: OnceLock<Arc<Topic>>,
    /// The commits of this process that have been read.
    version: AtomicU64,
    /// How far the list was read; whoever holds it reads on.
    reading: Mutex<Cursor>,
    started: Instant,
    last_reading_ms: AtomicU64,
}

#[derive(Default)]
struct Entries {
    sessions: HashMap<SessionId, Timestamp>,
    organizations: HashSet<OrgId>,
    api_keys: HashSet<ApiKeyId>,
    memberships: HashMap<(UserId, OrgId), (i64, Timestamp)>,
    /// How many entries there may be before those are forgotten whose tokens have all expired.
    room: usize,
}

impl Default for RevocationList {
    fn default() -> Self {
        Self {
            entries: RwLock::default(),
            epoch: AtomicU64::new(0),
            topic: OnceLock::new(),
            version: AtomicU64::new(u64::MAX),
            reading: Mutex::default(),
            started: Instant::now(),
            last_reading_ms: AtomicU64::new(0),
        }
    }
}

impl RevocationList {
    /// Reads what this process has committed since the last reading, and on PostgreSQL, where other nodes write too,
    /// whatever there is if the last reading is too old.
    ///
    /// # Errors
    /// 503 where it cannot be read: nobody is let in on old news.
    pub(crate) async fn catch_up(&self, db: &Db, now: Timestamp) -> Result<(), Problem> {
        let topic = self.topic.get_or_init(|| db.subscribe(revocations::TOPIC));
        let current = topic.version() == self.version.load(Ordering::Acquire);
        if current && (db.engine() == Engine::Sqlite || self.age() < MAX_AGE) {
            return Ok(());
        }
        let read = tokio::time::timeout(MAX_AGE, self.poll(db, now)).await;
        match read {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(unavailable().source(error)),
            Err(_) => Err(unavailable()),
        }
    }

    /// Reads the newest entries.
    pub(crate) async fn poll(&self, db: &Db, now: Timestamp) -> Result<(), DbError> {
        let mut cursor = self.reading.lock().await;
        let topic = self.topic.get_or_init(|| db.subscribe(revocations::TOPIC));
        // Taken before reading: a commit in between is read again, never missed.
        let version = topic.version();
        let from = *cursor;
        let (entries, horizon) =
            db.read("tenancy.revocations.since", move |tx| revocations::since(tx, from, now)).await?;
        self.add(entries, now);
        *cursor = horizon;
        self.version.store(version, Ordering::Release);
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_reading_ms.store(elapsed, Ordering::Release);
        Ok(())
    }

    /// Returns a number that grows with every change of the list.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Refuses a token whose session, membership or organisation has ended.
    pub(super) fn check(&self, token: &Cached) -> Result<(), Problem> {
        let epoch = self.epoch.load(Ordering::Acquire);
        if token.checked.load(Ordering::Relaxed) == epoch {
            return Ok(());
        }
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        if entries.sessions.contains_key(&token.session_id) {
            return Err(
                Problem::new(403, "session_not_found", "This session has ended").hint("Sign in again.")
            );
        }
        if let Some((user_id, org_id, version)) = token.membership {
            let below = entries.memberships.get(&(user_id, org_id)).map_or(i64::MIN, |(below, _)| *below);
            if version < below || entries.organizations.contains(&org_id) {
                return Err(Problem::new(401, "bad_jwt", "Your place in this organisation has changed")
                    .hint("Refresh the session."));
            }
        }
        token.checked.store(epoch, Ordering::Relaxed);
        Ok(())
    }

    /// Tells whether an API key was revoked, or its organisation deleted.
    pub(super) fn has_key(&self, key: &ApiKeyCaller) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.api_keys.contains(&key.key_id)
            || key.org_id.is_some_and(|org_id| entries.organizations.contains(&org_id))
    }

    /// Tells whether an issuer's session, membership, key or organisation is on the list. A membership whose role has
    /// changed is, too: then the rows say more.
    pub(super) fn has_issuer(&self, issuer: &Issuer, known: &Known) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let has_itself = match *issuer {
            Issuer::Key { key_id } => entries.api_keys.contains(&key_id),
            Issuer::Session { user_id, session_id, .. } => {
                let below = known.org_id.and_then(|org_id| entries.memberships.get(&(user_id, org_id)));
                entries.sessions.contains_key(&session_id)
                    || below.is_some_and(|(below, _)| known.version < *below)
            }
        };
        has_itself || known.org_id.is_some_and(|org_id| entries.organizations.contains(&org_id))
    }

    fn add(&self, rows: Vec<Entry>, now: Timestamp) {
        if rows.is_empty() {
            return;
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = false;
        for (revoked, at) in rows {
            changed |= entries.add(revoked, at);
        }
        entries.forget_expired(now);
        if changed {
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn age(&self) -> Duration {
        self.started
            .elapsed()
            .saturating_sub(Duration::from_millis(self.last_reading_ms.load(Ordering::Acquire)))
    }
}

impl Entries {
    /// Adds an entry; false where it was known.
    fn add(&mut self, revoked: Revoked, at: Timestamp) -> bool {
        match revoked {
            Revoked::Session(id) => self.sessions.insert(id, at).is_none(),
            Revoked::Organization(id) => self.organizations.insert(id),
            Revoked::ApiKey(id) => self.api_keys.insert(id),
            Revoked::Membership { user_id, org_id, below_version } => {
                let known = self.memberships.entry((user_id, org_id)).or_insert((i64::MIN, at));
                let grows = below_version > known.0;
                *known = (below_version.max(known.0), at.max(known.1));
                grows
            }
        }
    }

    /// Forgets what concerns expired tokens alone, or every sign-out would be remembered for as long as the process
    /// lives. Keys and organisations stay: keys do not expire.
    fn forget_expired(&mut self, now: Timestamp) {
        if self.sessions.len() + self.memberships.len() <= self.room {
            return;
        }
        self.sessions.retain(|_, at| now < *at + revocations::KEPT);
        self.memberships.retain(|_, (_, at)| now < *at + revocations::KEPT);
        self.room = (2 * (self.sessions.len() + self.memberships.len())).max(LEAST_ROOM);
    }
}

fn unavailable() -> Problem {
    Problem::unavailable("authentication_unavailable", "It cannot be checked now who is calling", 2)
}
