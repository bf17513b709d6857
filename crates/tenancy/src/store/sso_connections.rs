//! Rows of the OpenID providers that organisations bring along.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{OrgId, Timestamp};

use crate::model::Connection;

statements! {
    /// Finds the organisation's connection.
    FIND = "select id, org_id, issuer, client_id, client_secret, created_at, updated_at, first_used_at
        from quoin.tenancy_sso_connections where org_id = ?1";

    /// Adds the connection or replaces it.
    PUT = "insert into quoin.tenancy_sso_connections (org_id, id, issuer, client_id, client_secret, created_at, updated_at,
            first_used_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        on conflict (org_id) do update set id = excluded.id, issuer = excluded.issuer, client_id = excluded.client_id,
            client_secret = excluded.client_secret, created_at = excluded.created_at,
            updated_at = excluded.updated_at, first_used_at = excluded.first_used_at";

    /// Notes that somebody has come through it.
    USED = "update quoin.tenancy_sso_connections set first_used_at = ?2 where org_id = ?1 and first_used_at is null";

    /// Lists the domains for which it speaks.
    LIST_DOMAINS = "select domain from quoin.tenancy_domains where org_id = ?1 and verified_at is not null order by domain";

    /// Removes the connection.
    DELETE = "delete from quoin.tenancy_sso_connections where org_id = ?1";
}

/// Finds the organisation's connection.
pub(crate) fn find(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Option<Connection>, DbError> {
    tx.query_opt(&FIND, &params![org_id], read)
}

/// Adds the connection, or replaces the one there is.
pub(crate) fn put(tx: &mut Tx<'_>, connection: &Connection) -> Result<(), DbError> {
    let row = params![
        connection.org_id,
        connection.id,
        &connection.issuer,
        &connection.client_id,
        connection.client_secret.as_deref(),
        connection.created_at,
        connection.updated_at,
        connection.first_used_at,
    ];
    tx.execute(&PUT, &row).map(|_| ())
}

/// Notes that somebody has come through the connection.
pub(crate) fn note_use(tx: &mut Tx<'_>, org_id: OrgId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&USED, &params![org_id, now]).map(|_| ())
}

/// Lists the domains that the organisation has proved.
pub(crate) fn list_domains(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Vec<String>, DbError> {
    tx.query(&LIST_DOMAINS, &params![org_id], |row| row.get(0))
}

/// Removes the connection; `false` where there is none.
pub(crate) fn delete(tx: &mut Tx<'_>, org_id: OrgId) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE, &params![org_id])? == 1)
}

fn read(row: &Row<'_>) -> Result<Connection, DbError> {
    Ok(Connection {
        id: row.get(0)?,
        org_id: row.get(1)?,
        issuer: row.get(2)?,
        client_id: row.get(3)?,
        client_secret: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
        first_used_at: row.get(7)?,
    })
}
