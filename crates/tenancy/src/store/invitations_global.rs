//! Rows of invitations, for whoever holds a link: the token names the organisation.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::{EmailAddress, OrgId, Timestamp};

use super::invitations::read;
use crate::model::{Invitation, KEPT_AFTER_END, KEPT_AFTER_EXPIRY};

statements! {
    /// Finds the open invitation whose newest link has this token, and the organisation's name.
    FIND_BY_TOKEN = "select invited.org_id, invited.id, invited.email, invited.role, invited.invited_by,
            invited.created_at, invited.expires_at, org.name
        from quoin.tenancy_invitations as invited
        join quoin.tenancy_organizations as org on org.id = invited.org_id
        where invited.token_hash = ?1 and invited.ended_at is null and invited.expires_at > ?2";

    /// Consumes an invitation: of many at once, one gets the row.
    CONSUME = "update quoin.tenancy_invitations set ended_at = ?2, ending = 'accepted'
        where token_hash = ?1 and ended_at is null and expires_at > ?2
        returning org_id, id, email, role, invited_by, created_at, expires_at";

    /// Removes invitations long after their end.
    PURGE = "delete from quoin.tenancy_invitations where ended_at < ?1 or (ended_at is null and expires_at < ?2)";

    /// Lists the invitations of an address that nobody has accepted yet.
    LIST_OF_ADDRESS = "select org.id, org.name, invited.role, invited.created_at, invited.expires_at
        from quoin.tenancy_invitations as invited
        join quoin.tenancy_organizations as org on org.id = invited.org_id
        where invited.email = ?1 and invited.ended_at is null order by invited.id";

    /// Removes every invitation of an address.
    FORGET = "delete from quoin.tenancy_invitations where email = ?1";
}

/// Finds the invitation that a link names, while it works, with the organisation's name.
pub(crate) fn find_by_token(
    tx: &mut Tx<'_>,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<(Invitation, String)>, DbError> {
    tx.query_opt(&FIND_BY_TOKEN, &params![token_hash, now], |row| Ok((read(row)?, row.get(7)?)))
}

/// Consumes the invitation that a link names; `None` where it does not, or no longer, work.
pub(crate) fn consume(
    tx: &mut Tx<'_>,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Invitation>, DbError> {
    tx.query_opt(&CONSUME, &params![token_hash, now], read)
}

/// Removes invitations that ended a day ago or expired a month ago.
pub(crate) fn purge(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&PURGE, &params![now - KEPT_AFTER_END, now - KEPT_AFTER_EXPIRY])
}

/// An invitation as the person whom it names may read it.
pub(crate) struct Waiting {
    pub(crate) org_id: OrgId,
    /// What the organisation is called.
    pub(crate) organization: String,
    pub(crate) role: String,
    pub(crate) sent_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Lists the invitations of an address that nobody has accepted yet.
pub(crate) fn list_of_address(tx: &mut Tx<'_>, email: &EmailAddress) -> Result<Vec<Waiting>, DbError> {
    tx.query(&LIST_OF_ADDRESS, &params![email], |row| {
        Ok(Waiting {
            org_id: row.get(0)?,
            organization: row.get(1)?,
            role: row.get(2)?,
            sent_at: row.get(3)?,
            expires_at: row.get(4)?,
        })
    })
}

/// Removes every invitation of an address.
pub(crate) fn forget(tx: &mut Tx<'_>, email: &EmailAddress) -> Result<u64, DbError> {
    tx.execute(&FORGET, &params![email])
}
