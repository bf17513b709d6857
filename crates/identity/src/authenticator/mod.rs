//! Says who holds a credential, on every call of every API (port [`Authenticator`]).
//!
//! A token is verified once and remembered by its hash until it expires; after that a call costs a hash, a look-up and
//! a comparison with the revocation list, which is re-read before anything else whenever a commit has changed it.

mod api_keys;
mod issuers;
mod revocation_list;
mod token_cache;

use std::sync::Arc;
use std::time::Duration;

use quoin_kernel::hash::sha256;
use quoin_kernel::port::{Authenticator, BoxFuture};
use quoin_kernel::{Caller, OrgId, Problem, Timestamp};

pub(crate) use api_keys::ApiKeys;
pub use issuers::LiveIssuers;
pub(crate) use revocation_list::RevocationList;
pub(crate) use token_cache::TokenCache;

use crate::Identity;
use crate::keyring::InvalidToken;
use crate::model::api_key::KeyKind;
use token_cache::Cached;

/// How often other nodes' revocations are read.
const POLL: Duration = Duration::from_secs(1);
/// How often the times of last use of API keys are written.
const FLUSH: Duration = Duration::from_mins(1);

impl Authenticator for Identity {
    fn authenticate<'a>(
        &'a self,
        credential: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Caller, Problem>> {
        Box::pin(async move {
            self.0.revocations.catch_up(self.db(), now).await?;
            match KeyKind::of(credential) {
                Some(kind) => self.authenticate_key(kind, credential, now).await,
                None => self.authenticate_token(credential, now).await,
            }
        })
    }
}

impl Identity {
    async fn authenticate_key(&self, kind: KeyKind, key: &str, now: Timestamp) -> Result<Caller, Problem> {
        self.find_key(kind, key, now).await.map(|(caller, _)| caller)
    }

    /// Finds the organisation that a key is confined to; `None` for one of the whole platform.
    ///
    /// # Errors
    /// 401 for anything that is no live key; 503 where that cannot be found out.
    pub(crate) async fn organization_of_key(
        &self,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<OrgId>, Problem> {
        self.0.revocations.catch_up(self.db(), now).await?;
        let kind = KeyKind::of(key).ok_or_else(unknown_key)?;
        self.find_key(kind, key, now).await.map(|(_, org_id)| org_id)
    }

    async fn find_key(
        &self,
        kind: KeyKind,
        key: &str,
        now: Timestamp,
    ) -> Result<(Caller, Option<OrgId>), Problem> {
        let moment = (now, self.0.revocations.epoch());
        let found = self.0.api_keys.find(self.db(), kind, &sha256(key.as_bytes()), moment).await?;
        let found = found.filter(|(caller, _)| match caller {
            Caller::ApiKey(key) => !self.0.revocations.has_key(key),
            Caller::Anonymous | Caller::User(_) => true,
        });
        found.ok_or_else(unknown_key)
    }

    async fn authenticate_token(&self, token: &str, now: Timestamp) -> Result<Caller, Problem> {
        let hash = sha256(token.as_bytes());
        let cached = match self.0.tokens.get(&hash, now) {
            Some(cached) => cached,
            None => self.verify_token(token, hash, now).await?,
        };
        self.0.revocations.check(&cached)?;
        Ok(cached.caller.clone())
    }

    async fn verify_token(
        &self,
        token: &str,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Arc<Cached>, Problem> {
        let verified = self.0.keyring.verify(token, Some(self.issuer()), now);
        let verified = match verified {
            Err(InvalidToken::UnknownKey) if self.0.may_reload_keys(now) => {
                self.0.keyring.reload(self.db(), self.0.app.master_key(), now).await?;
                self.0.keyring.verify(token, Some(self.issuer()), now)
            }
            other => other,
        };
        let (claims, json) = verified.map_err(refuse)?;
        Ok(self.0.tokens.insert(hash, Cached::new(claims, json)))
    }

    /// Accepts `key` as a platform key with every scope for as long as this process lives. No database knows it.
    pub fn adopt_control_key(&self, key: &str) {
        self.0.api_keys.adopt(sha256(key.as_bytes()));
    }

    /// Reads what other nodes have revoked, and writes what this one has seen, until the future is dropped.
    pub async fn watch(&self) {
        let mut poll = tokio::time::interval(POLL);
        let mut flush = tokio::time::interval(FLUSH);
        loop {
            tokio::select! {
                _ = poll.tick() => self.poll().await,
                _ = flush.tick() => self.flush().await,
            }
        }
    }

    async fn poll(&self) {
        let now = self.0.app.now();
        if let Err(error) = self.0.revocations.poll(self.db(), now).await {
            tracing::warn!(%error, "revocations could not be read; callers are refused if this lasts");
        }
    }

    async fn flush(&self) {
        let now = self.0.app.now();
        let flushed = self.0.api_keys.flush(self.db()).await.map_err(Problem::from);
        let reloaded = self.0.keyring.reload(self.db(), self.0.app.master_key(), now).await;
        for error in [flushed.err(), reloaded.err()].into_iter().flatten() {
            tracing::warn!(%error, "keys could not be brought up to date");
        }
    }
}

fn unknown_key() -> Problem {
    Problem::new(401, "invalid_api_key", "This API key is not known, has expired or was revoked")
}

/// Every way in which a token can be wrong looks alike, but for its age, which clients act on.
pub(crate) fn refuse(error: InvalidToken) -> Problem {
    let title = match error {
        InvalidToken::Expired => "The access token has expired",
        InvalidToken::UnknownKey | InvalidToken::Invalid(_) => "The access token is not valid",
    };
    Problem::new(401, "bad_jwt", title).hint("Refresh the session or sign in again.").source(error)
}
