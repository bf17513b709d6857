//! What providers are asked to do: written before the call, settled after it.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;
use uuid::Uuid;

use super::{document, json};
use crate::model::{Command, Outcome};
use crate::port::Refusal;

statements! {
    /// Gives every lease back.
    RELEASE_ALL = "update quoin.payments_intents set lease_until = null where state = 'pending' and lease_until is not null";

    /// Adds an intent; the index refuses a second pending one of the same target.
    INSERT = "insert into quoin.payments_intents (id, provider, target, command, command_hash, idempotency_key, keyed_at,
        state, fence, attempts, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', 0, 0, ?7)";

    /// Finds the pending intent of a target.
    FIND_PENDING = "select id, provider, command, command_hash, idempotency_key, keyed_at, state, outcome, problem, fence,
        target, attempts, failures, unknown from quoin.payments_intents where target = ?1 and state = 'pending'";

    /// Finds an intent.
    FIND = "select id, provider, command, command_hash, idempotency_key, keyed_at, state, outcome, problem, fence, target,
        attempts, failures, unknown from quoin.payments_intents where id = ?1";

    /// Lists what was asked of three targets, but for what was surely not done.
    LIST_OF_TARGETS = "select id, provider, command, command_hash, idempotency_key, keyed_at, state, outcome, problem, fence,
        target, attempts, failures, unknown from quoin.payments_intents where target in (?1, ?2, ?3) and (state <> 'refused' or unknown = ?4)";

    /// Lists what was asked of a target last and is done, or may be.
    LIST_LAST = "select command, settled_at from quoin.payments_intents where target = ?1 and state <> 'refused'
        order by created_at desc, id desc limit 5";

    /// Takes the lease, where nobody holds it.
    CLAIM = "update quoin.payments_intents set lease_until = ?2, fence = fence + 1, attempts = attempts + 1
        where id = ?1 and state = 'pending' and (lease_until is null or lease_until <= ?3)
        returning id, provider, command, command_hash, idempotency_key, keyed_at, state, outcome, problem, fence, target,
        attempts, failures, unknown";

    /// Writes down how it ended.
    SETTLE = "update quoin.payments_intents set state = ?3, outcome = ?4, problem = ?5, settled_at = ?6, lease_until = null,
        unknown = ?7
        where id = ?1 and fence = ?2 and state = 'pending'";

    /// Writes anew what was asked, after it has ended.
    UPDATE_COMMAND = "update quoin.payments_intents set command = ?2, command_hash = ?3 where id = ?1 and state <> 'pending'";

    /// Gives the lease back: whether it was done is unknown.
    RELEASE = "update quoin.payments_intents set lease_until = null, next_try_at = ?3, failures = coalesce(failures, 0) + ?4
        where id = ?1 and fence = ?2 and state = 'pending'";

    /// Gives it a new key, after the old one has become too old.
    REKEY = "update quoin.payments_intents set idempotency_key = ?3, keyed_at = ?4
        where id = ?1 and fence = ?2 and state = 'pending'";

    /// Lists intents that nobody is carrying out and whose next try has come, first what has waited longest.
    LIST_STUCK = "select id from quoin.payments_intents
        where state = 'pending' and created_at < ?1 and (lease_until is null or lease_until <= ?2)
        and (next_try_at is null or next_try_at <= ?2)
        order by coalesce(next_try_at, created_at), id limit ?3";

    /// Removes what ended of a target.
    DELETE_ENDED = "delete from quoin.payments_intents where target = ?1 and state <> 'pending'";

    /// Removes what ended long ago.
    DELETE_OLD = "delete from quoin.payments_intents where settled_at < ?1";
}

/// An intent as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) id: Uuid,
    pub(crate) provider: String,
    pub(crate) target: String,
    pub(crate) command: Command,
    pub(crate) command_hash: Vec<u8>,
    pub(crate) idempotency_key: String,
    pub(crate) keyed_at: Timestamp,
    pub(crate) ending: Ending,
    pub(crate) fence: i64,
    /// How often it was tried, this time included.
    pub(crate) attempts: i64,
    /// How many answers made no sense.
    pub(crate) failures: i64,
}

/// How an intent ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    /// Not yet.
    Pending,
    /// Done, with this outcome.
    Done(Outcome),
    /// Refused by the provider.
    Refused(Refusal),
    /// Given up, because the provider's answers cannot be used.
    Failed {
        /// What was wrong with the last one.
        problem: String,
        /// Whether it may have been done all the same.
        unknown: bool,
    },
}

/// Adds an intent.
pub(crate) fn insert(tx: &mut Tx<'_>, intent: &Intent) -> Result<(), DbError> {
    let command = json(&intent.command)?;
    let row = params![
        intent.id,
        &intent.provider,
        &intent.target,
        &command,
        intent.command_hash.as_slice(),
        &intent.idempotency_key,
        intent.keyed_at
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Finds the pending intent of a target.
pub(crate) fn find_pending(tx: &mut Tx<'_>, target: &str) -> Result<Option<Intent>, DbError> {
    tx.query_opt(&FIND_PENDING, &params![target], read)
}

/// Finds an intent.
pub(crate) fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<Intent>, DbError> {
    tx.query_opt(&FIND, &params![id], read)
}

/// Lists what was asked of targets and is pending, done, or may be done.
pub(crate) fn list_of_targets(tx: &mut Tx<'_>, targets: &[String; 3]) -> Result<Vec<Intent>, DbError> {
    let [one, two, three] = targets;
    tx.query(&LIST_OF_TARGETS, &params![one, two, three, true], read)
}

/// Lists what was asked of a target last and when it was done, newest first, but for what was refused.
pub(crate) fn list_last(tx: &mut Tx<'_>, target: &str) -> Result<Vec<(Command, Option<Timestamp>)>, DbError> {
    tx.query(&LIST_LAST, &params![target], |row| Ok((document(row, 0)?, row.get(1)?)))
}

/// Takes the lease; `None` while somebody else holds it, or after it has ended.
pub(crate) fn claim(
    tx: &mut Tx<'_>,
    id: Uuid,
    (now, until): (Timestamp, Timestamp),
) -> Result<Option<Intent>, DbError> {
    tx.query_opt(&CLAIM, &params![id, until, now], read)
}

/// Writes down how it ended, or gives the lease back until the next try; `false` where the lease was lost.
pub(crate) fn settle(
    tx: &mut Tx<'_>,
    (id, fence): (Uuid, i64),
    ending: &Ending,
    (now, wait): (Timestamp, Wait),
) -> Result<bool, DbError> {
    let (state, outcome, problem, unknown) = match ending {
        Ending::Pending => {
            let row = params![id, fence, wait.until, i64::from(wait.unusable)];
            return Ok(tx.execute(&RELEASE, &row)? == 1);
        }
        Ending::Done(outcome) => ("done", Some(json(outcome)?), None, None),
        Ending::Refused(refusal) => ("refused", None, Some(json(refusal)?), None),
        Ending::Failed { problem, unknown } => ("refused", None, Some(json(problem)?), Some(*unknown)),
    };
    let row = params![id, fence, state, outcome.as_ref(), problem.as_ref(), now, unknown];
    Ok(tx.execute(&SETTLE, &row)? == 1)
}

/// Writes anew what was asked by an intent that has ended.
pub(crate) fn update_command(
    tx: &mut Tx<'_>,
    id: Uuid,
    (command, command_hash): (&Command, &[u8]),
) -> Result<(), DbError> {
    let command = json(command)?;
    tx.execute(&UPDATE_COMMAND, &params![id, &command, command_hash]).map(|_| ())
}

/// What becomes of an intent that has not ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    /// When it is tried next.
    pub(crate) until: Timestamp,
    /// Whether the answer made no sense.
    pub(crate) unusable: bool,
}

/// Gives it a new key; `false` where the lease was lost.
pub(crate) fn rekey(
    tx: &mut Tx<'_>,
    (id, fence): (Uuid, i64),
    key: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&REKEY, &params![id, fence, key, now])? == 1)
}

/// Lists up to `limit` intents older than `before` that nobody is carrying out.
pub(crate) fn list_stuck(
    tx: &mut Tx<'_>,
    before: Timestamp,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Uuid>, DbError> {
    tx.query(&LIST_STUCK, &params![before, now, limit], |row| row.get(0))
}

/// Removes what ended long ago.
pub(crate) fn delete_old(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &params![before])
}

/// Removes what ended of a target.
pub(crate) fn delete_ended(tx: &mut Tx<'_>, target: &str) -> Result<(), DbError> {
    tx.execute(&DELETE_ENDED, &params![target]).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Intent, DbError> {
    let ending = match row.get::<String>(6)?.as_str() {
        "done" => Ending::Done(document(row, 7)?),
        "refused" => match row.get::<Option<bool>>(13)? {
            Some(unknown) => Ending::Failed { problem: document(row, 8)?, unknown },
            None => Ending::Refused(document(row, 8)?),
        },
        _ => Ending::Pending,
    };
    Ok(Intent {
        id: row.get(0)?,
        provider: row.get(1)?,
        command: document(row, 2)?,
        command_hash: row.get(3)?,
        idempotency_key: row.get(4)?,
        keyed_at: row.get(5)?,
        ending,
        fence: row.get(9)?,
        target: row.get(10)?,
        attempts: row.get(11)?,
        failures: row.get::<Option<i64>>(12)?.unwrap_or_default(),
    })
}

/// Gives back what a process that is no more was carrying out.
pub(crate) fn release_all(tx: &mut Tx<'_>) -> Result<u64, DbError> {
    tx.execute(&RELEASE_ALL, &[])
}
