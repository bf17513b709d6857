//! SQL on `quoin.identity_challenges`. A challenge is a person's, or of nobody yet.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;

use crate::model::{Challenge, ChallengeId, ChallengePurpose};

statements! {
    INSERT = "insert into quoin.identity_challenges (id, user_id, factor_id, purpose, sealed_state, created_at,
        expires_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    FIND = "select id, user_id, factor_id, purpose, sealed_state, created_at, expires_at
        from quoin.identity_challenges where id = ?1";
    /// The condition lets exactly one of many parallel answers through.
    CONSUME = "delete from quoin.identity_challenges where id = ?1 and expires_at > ?2";
    PURGE = "delete from quoin.identity_challenges where expires_at < ?1";
}

/// Adds a challenge.
pub(crate) fn insert(tx: &mut Tx<'_>, challenge: &Challenge) -> Result<(), DbError> {
    let row = params![
        challenge.id,
        challenge.user_id,
        challenge.factor_id,
        challenge.purpose.as_str(),
        challenge.sealed_state.as_deref(),
        challenge.created_at,
        challenge.expires_at,
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Finds a challenge, too old or not.
pub(crate) fn find(tx: &mut Tx<'_>, id: ChallengeId) -> Result<Option<Challenge>, DbError> {
    tx.query_opt(&FIND, &params![id], read)
}

/// Uses a challenge up; `false` where another answer came first or it is too late.
pub(crate) fn consume(tx: &mut Tx<'_>, id: ChallengeId, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&CONSUME, &params![id, now])? == 1)
}

/// Removes challenges that nobody has answered in time.
pub(crate) fn delete_expired(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(&PURGE, &params![before])
}

fn read(row: &Row<'_>) -> Result<Challenge, DbError> {
    let purpose: String = row.get(3)?;
    Ok(Challenge {
        id: row.get(0)?,
        user_id: row.get(1)?,
        factor_id: row.get(2)?,
        purpose: ChallengePurpose::parse(&purpose)
            .ok_or(DbError::Column { index: 3, expected: "ChallengePurpose" })?,
        sealed_state: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
    })
}
