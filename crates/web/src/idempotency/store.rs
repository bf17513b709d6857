//! SQL of idempotency keys.

use quoin_db::{Db, DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

statements! {
    /// Takes a key that is new, or whose answer has expired.
    CLAIM = "insert into quoin.web_idempotency as k (caller, key, request, claimed_at, expires_at)
             values (?1, ?2, ?3, ?4, ?5)
             on conflict (caller, key) do update set
               request = excluded.request, claimed_at = excluded.claimed_at, expires_at = excluded.expires_at,
               answer = null
             where k.expires_at <= ?4";
    FIND = "select request, claimed_at, answer from quoin.web_idempotency where caller = ?1 and key = ?2";
    ANSWER = "update quoin.web_idempotency set answer = ?4 where caller = ?1 and key = ?2 and claimed_at = ?3";
    RELEASE = "delete from quoin.web_idempotency
               where caller = ?1 and key = ?2 and claimed_at = ?3 and answer is null";
    PURGE = "delete from quoin.web_idempotency where expires_at <= ?1";
}

/// One call's claim on a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) caller: [u8; 32],
    pub(super) key: [u8; 32],
    pub(super) request: [u8; 32],
    pub(super) now: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// What a claim met.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing: the key is this call's.
    Mine,
    /// The key came with another request.
    OtherRequest,
    /// The first call has not answered.
    Running { since: Timestamp },
    /// The first call's answer, sealed.
    Answered(Vec<u8>),
}

impl Claim {
    /// Takes the key, or finds who has it.
    pub(super) async fn make(self, db: &Db) -> Result<Found, DbError> {
        db.write("web.idempotency.claim", move |tx| self.take(tx)).await
    }

    fn take(&self, tx: &mut Tx<'_>) -> Result<Found, DbError> {
        let row = params![&self.caller, &self.key, &self.request, self.now, self.expires_at];
        if tx.execute(&CLAIM, &row)? == 1 {
            return Ok(Found::Mine);
        }
        tx.query_one(&FIND, &params![&self.caller, &self.key], |row| {
            let (request, since) = (row.get::<Vec<u8>>(0)?, row.get(1)?);
            if request != self.request {
                return Ok(Found::OtherRequest);
            }
            Ok(row.get::<Option<Vec<u8>>>(2)?.map_or(Found::Running { since }, Found::Answered))
        })
    }

    /// Stores the answer.
    pub(super) async fn answer(self, db: &Db, sealed: Vec<u8>) -> Result<(), DbError> {
        db.write("web.idempotency.answer", move |tx| {
            let row = params![&self.caller, &self.key, self.now, sealed.as_slice()];
            tx.execute(&ANSWER, &row).map(drop)
        })
        .await
    }

    /// Gives the key back.
    pub(super) async fn release(self, db: &Db) -> Result<(), DbError> {
        db.write("web.idempotency.release", move |tx| {
            tx.execute(&RELEASE, &params![&self.caller, &self.key, self.now]).map(drop)
        })
        .await
    }
}

/// Deletes keys that have expired.
pub(crate) fn purge(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&PURGE, &params![now])
}
