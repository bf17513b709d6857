//! Rows of invitations, as the organisation that sent them sees them.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::page::Page;
use quoin_kernel::{EmailAddress, OrgId, Timestamp, UserId};

use crate::model::{Invitation, InvitationEnding, InvitationId};

statements! {
    /// Adds an invitation.
    INSERT = "insert into quoin.tenancy_invitations
        (org_id, id, email, role, token_hash, invited_by, created_at, expires_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

    /// Finds the open invitation of an address.
    FIND_OPEN = "select org_id, id, email, role, invited_by, created_at, expires_at
        from quoin.tenancy_invitations where org_id = ?1 and email = ?2 and ended_at is null";

    /// Finds an open invitation.
    FIND = "select org_id, id, email, role, invited_by, created_at, expires_at
        from quoin.tenancy_invitations where org_id = ?1 and id = ?2 and ended_at is null";

    /// Finds the invitation whose newest link has this token, once somebody has accepted it.
    FIND_ACCEPTED = "select org_id, id, email, role, invited_by, created_at, expires_at
        from quoin.tenancy_invitations where org_id = ?1 and token_hash = ?2 and ending = 'accepted'";

    /// Removes every invitation of an address.
    FORGET = "delete from quoin.tenancy_invitations where org_id = ?1 and email = ?2";

    /// Lists the open invitations.
    LIST = "select org_id, id, email, role, invited_by, created_at, expires_at
        from quoin.tenancy_invitations where org_id = ?1 and ended_at is null order by id limit ?2";

    /// Lists the open invitations that come after one.
    LIST_AFTER = "select org_id, id, email, role, invited_by, created_at, expires_at
        from quoin.tenancy_invitations where org_id = ?1 and ended_at is null and id > ?3 order by id limit ?2";

    /// Replaces the link of an open invitation.
    RENEW = "update quoin.tenancy_invitations set token_hash = ?3, invited_by = ?4, expires_at = ?5
        where org_id = ?1 and id = ?2 and ended_at is null";

    /// Ends an open invitation.
    END = "update quoin.tenancy_invitations set ended_at = ?3, ending = ?4
        where org_id = ?1 and id = ?2 and ended_at is null";

    /// Counts those that can still be accepted.
    COUNT_OPEN = "select count(*) from quoin.tenancy_invitations
        where org_id = ?1 and ended_at is null and expires_at > ?2";

    /// Removes all invitations.
    DELETE_ALL = "delete from quoin.tenancy_invitations where org_id = ?1";
}

/// Adds an invitation; [`DbError::Unique`] names `tenancy_invitations_open` where the address has an open one.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Invitation, token_hash: &[u8; 32]) -> Result<(), DbError> {
    let Invitation { org_id, id, email, role, invited_by, created_at, expires_at } = new;
    let row = params![*org_id, *id, email, role, token_hash, *invited_by, *created_at, *expires_at];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Finds the open invitation of an address.
pub(crate) fn find_open(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    email: &EmailAddress,
) -> Result<Option<Invitation>, DbError> {
    tx.query_opt(&FIND_OPEN, &params![org_id, email], read)
}

/// Finds the invitation that a link names, once somebody has accepted it.
pub(crate) fn find_accepted(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    token_hash: &[u8; 32],
) -> Result<Option<Invitation>, DbError> {
    tx.query_opt(&FIND_ACCEPTED, &params![org_id, token_hash], read)
}

/// Removes every invitation of an address.
pub(crate) fn forget(tx: &mut Tx<'_>, org_id: OrgId, email: &EmailAddress) -> Result<u64, DbError> {
    tx.execute(&FORGET, &params![org_id, email])
}

/// Counts the invitations that can still be accepted.
pub(crate) fn count_open(tx: &mut Tx<'_>, org_id: OrgId, now: Timestamp) -> Result<i64, DbError> {
    tx.query_one(&COUNT_OPEN, &params![org_id, now], |row| row.get(0))
}

/// Finds an open invitation.
pub(crate) fn find(tx: &mut Tx<'_>, org_id: OrgId, id: InvitationId) -> Result<Option<Invitation>, DbError> {
    tx.query_opt(&FIND, &params![org_id, id], read)
}

/// Lists one row more than the page holds of the open invitations.
pub(crate) fn list(tx: &mut Tx<'_>, org_id: OrgId, page: Page) -> Result<Vec<Invitation>, DbError> {
    match page.after {
        Some(after) => tx.query(&LIST_AFTER, &params![org_id, page.limit + 1, after], read),
        None => tx.query(&LIST, &params![org_id, page.limit + 1], read),
    }
}

/// Gives an open invitation another link: the one before is dead from then on.
pub(crate) fn renew(
    tx: &mut Tx<'_>,
    (org_id, id): (OrgId, InvitationId),
    token_hash: &[u8; 32],
    invited_by: UserId,
    expires_at: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&RENEW, &params![org_id, id, token_hash, invited_by, expires_at])? == 1)
}

/// Ends an open invitation; `false` where another end came first.
pub(crate) fn end(
    tx: &mut Tx<'_>,
    (org_id, id): (OrgId, InvitationId),
    ending: InvitationEnding,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&END, &params![org_id, id, now, ending.as_str()])? == 1)
}

/// Removes all invitations of an organisation.
pub(crate) fn delete_all(tx: &mut Tx<'_>, org_id: OrgId) -> Result<(), DbError> {
    tx.execute(&DELETE_ALL, &params![org_id]).map(|_| ())
}

/// Reads an invitation from seven columns.
pub(super) fn read(row: &Row<'_>) -> Result<Invitation, DbError> {
    let email: String = row.get(2)?;
    Ok(Invitation {
        org_id: row.get(0)?,
        id: row.get(1)?,
        email: email.parse().map_err(|_| DbError::Column { index: 2, expected: "EmailAddress" })?,
        role: row.get(3)?,
        invited_by: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
    })
}
