//! Rows of people who have left an organisation, or were removed from it.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::{OrgId, Timestamp, UserId};

statements! {
    /// Notes that somebody has gone.
    INSERT = "insert into quoin.tenancy_departures (org_id, user_id, left_at) values (?1, ?2, ?3)
        on conflict (org_id, user_id) do update set left_at = excluded.left_at";

    /// Tells whether somebody has gone.
    IS_GONE = "select count(*) from quoin.tenancy_departures where org_id = ?1 and user_id = ?2";

    /// Lists what somebody has left.
    LIST_OF = "select org_id, left_at from quoin.tenancy_departures where user_id = ?1 order by org_id";

    /// Forgets that somebody had gone.
    DELETE = "delete from quoin.tenancy_departures where org_id = ?1 and user_id = ?2";

    /// Forgets a person.
    DELETE_PERSON = "delete from quoin.tenancy_departures where user_id = ?1";

    /// Forgets everybody.
    DELETE_ALL = "delete from quoin.tenancy_departures where org_id = ?1";
}

/// Notes that somebody has left or was removed.
pub(crate) fn insert(tx: &mut Tx<'_>, org_id: OrgId, user_id: UserId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&INSERT, &params![org_id, user_id, now]).map(|_| ())
}

/// Tells whether somebody has left or was removed, and was not asked back since.
pub(crate) fn is_gone(tx: &mut Tx<'_>, org_id: OrgId, user_id: UserId) -> Result<bool, DbError> {
    tx.query_one(&IS_GONE, &params![org_id, user_id], |row| Ok(row.get::<i64>(0)? > 0))
}

/// Lists what a person has left, and when.
pub(crate) fn list_of(tx: &mut Tx<'_>, user_id: UserId) -> Result<Vec<(OrgId, Timestamp)>, DbError> {
    tx.query(&LIST_OF, &params![user_id], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Forgets that somebody had gone: they are back.
pub(crate) fn delete(tx: &mut Tx<'_>, org_id: OrgId, user_id: UserId) -> Result<(), DbError> {
    tx.execute(&DELETE, &params![org_id, user_id]).map(|_| ())
}

/// Forgets a person, whose account is erased.
pub(crate) fn delete_person(tx: &mut Tx<'_>, user_id: UserId) -> Result<(), DbError> {
    tx.execute(&DELETE_PERSON, &params![user_id]).map(|_| ())
}

/// Forgets everybody who has left an organisation.
pub(crate) fn delete_all(tx: &mut Tx<'_>, org_id: OrgId) -> Result<(), DbError> {
    tx.execute(&DELETE_ALL, &params![org_id]).map(|_| ())
}
