//! SQL on `quoin.identity_links`. A link is a person's, never an organisation's.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{EmailAddress, Timestamp, UserId};

use crate::model::link::MAX_CODE_FAILURES;
use crate::model::{CodeChallenge, Link, LinkEnding, LinkId, Purpose, Realm};
use crate::store::sessions_global::array;
use crate::store::users_global::email;

statements! {
    INSERT = "insert into quoin.identity_links (id, user_id, purpose, email, token_hash, code_mac, code_failures,
        code_challenge, created_at, expires_at) values (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9)";
    FIND_BY_TOKEN = "select id, user_id, purpose, email, token_hash, code_mac, code_failures, code_challenge,
        created_at, expires_at, ended_at, ending from quoin.identity_links where token_hash = ?1";
    LIST_ALIVE = "select id, user_id, purpose, email, token_hash, code_mac, code_failures, code_challenge,
        created_at, expires_at, ended_at, ending from quoin.identity_links
        where user_id = ?1 and ended_at is null and expires_at > ?2 order by id desc";
    LIST_SENT_TO = "select l.id, l.user_id, l.purpose, l.email, l.token_hash, l.code_mac, l.code_failures,
        l.code_challenge, l.created_at, l.expires_at, l.ended_at, l.ending from quoin.identity_links l
        join quoin.identity_users u on u.id = l.user_id
        where l.email = ?1 and l.ended_at is null and l.expires_at > ?2 and u.realm_id = ?3 order by l.id desc";
    WAS_USED_SINCE = "select count(*) from quoin.identity_links
        where user_id = ?1 and purpose = ?2 and ending = 'used' and created_at >= ?3";
    /// The condition lets exactly one of many parallel uses through.
    CONSUME = "update quoin.identity_links set ended_at = ?2, ending = 'used'
        where id = ?1 and ended_at is null and expires_at > ?2 and code_failures < ?3";
    END_OF_PURPOSE = "update quoin.identity_links set ended_at = ?3, ending = ?4
        where user_id = ?1 and purpose = ?2 and ended_at is null";
    END_OF_USER = "update quoin.identity_links set ended_at = ?2, ending = ?3
        where user_id = ?1 and ended_at is null";
    COUNT_FAILURE = "update quoin.identity_links set code_failures = code_failures + 1
        where id = ?1 and ended_at is null";
    PURGE = "delete from quoin.identity_links where expires_at < ?1 or ended_at < ?1";
}

/// Adds a link.
pub(crate) fn insert(tx: &mut Tx<'_>, link: &Link) -> Result<(), DbError> {
    let row = params![
        link.id,
        link.user_id,
        link.purpose.as_str(),
        &link.email,
        &link.token_hash,
        &link.code_mac,
        link.challenge.as_ref().map(CodeChallenge::as_str),
        link.created_at,
        link.expires_at,
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Finds a link, dead or alive.
pub(crate) fn find_by_token(tx: &mut Tx<'_>, token_hash: &[u8; 32]) -> Result<Option<Link>, DbError> {
    tx.query_opt(&FIND_BY_TOKEN, &params![token_hash], read)
}

/// Lists a person's links that still work, newest first.
pub(crate) fn list_alive(tx: &mut Tx<'_>, user_id: UserId, now: Timestamp) -> Result<Vec<Link>, DbError> {
    tx.query(&LIST_ALIVE, &params![user_id, now], read)
}

/// Lists the links of a realm's people to an address that still work, newest first.
pub(crate) fn list_sent_to(
    tx: &mut Tx<'_>,
    (realm, email): (Realm, &EmailAddress),
    now: Timestamp,
) -> Result<Vec<Link>, DbError> {
    tx.query(&LIST_SENT_TO, &params![email, now, realm.key()], read)
}

/// Tells whether a link of this purpose that was made at `since` or later has done its work.
pub(crate) fn was_used_since(
    tx: &mut Tx<'_>,
    user_id: UserId,
    purpose: Purpose,
    since: Timestamp,
) -> Result<bool, DbError> {
    let row = params![user_id, purpose.as_str(), since];
    tx.query_one(&WAS_USED_SINCE, &row, |row| row.get::<i64>(0)).map(|count| count > 0)
}

/// Uses a link up; `false` where another use came first or it no longer works.
pub(crate) fn consume(tx: &mut Tx<'_>, id: LinkId, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&CONSUME, &params![id, now, MAX_CODE_FAILURES])? == 1)
}

/// Ends a person's links of one purpose.
pub(crate) fn end_of_purpose(
    tx: &mut Tx<'_>,
    user_id: UserId,
    purpose: Purpose,
    ending: LinkEnding,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&END_OF_PURPOSE, &params![user_id, purpose.as_str(), now, ending.as_str()]).map(|_| ())
}

/// Ends every link of a person.
pub(crate) fn end_of_user(
    tx: &mut Tx<'_>,
    user_id: UserId,
    ending: LinkEnding,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&END_OF_USER, &params![user_id, now, ending.as_str()]).map(|_| ())
}

/// Counts a wrong code against a link.
pub(crate) fn update_failures(tx: &mut Tx<'_>, id: LinkId) -> Result<(), DbError> {
    tx.execute(&COUNT_FAILURE, &params![id]).map(|_| ())
}

/// Removes links that ended or expired before a moment.
pub(crate) fn delete_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(&PURGE, &params![before])
}

fn read(row: &Row<'_>) -> Result<Link, DbError> {
    let purpose: String = row.get(2)?;
    let ending: Option<String> = row.get(11)?;
    Ok(Link {
        id: row.get(0)?,
        user_id: row.get(1)?,
        purpose: Purpose::parse(&purpose).ok_or(DbError::Column { index: 2, expected: "Purpose" })?,
        email: email(row, 3)?.ok_or(DbError::Column { index: 3, expected: "EmailAddress" })?,
        token_hash: array(row.get(4)?, 4)?,
        code_mac: array(row.get(5)?, 5)?,
        code_failures: row.get(6)?,
        challenge: row.get::<Option<String>>(7)?.map(CodeChallenge::stored),
        created_at: row.get(8)?,
        expires_at: row.get(9)?,
        ended: row.get::<Option<Timestamp>>(10)?.zip(ending.as_deref().and_then(LinkEnding::parse)),
    })
}
