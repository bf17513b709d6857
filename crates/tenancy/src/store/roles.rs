//! Rows of roles that organisations have made for themselves, and how a standing is read from a joined row.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::{CustomRole, OrgId, Role, Standing, Timestamp};
use serde_json::{Value, json};

use crate::model::RoleDraft;

statements! {
    /// Finds a role's permissions.
    FIND = "select name, permissions from quoin.tenancy_roles where org_id = ?1 and name = ?2";

    /// Lists the roles.
    LIST = "select name, permissions, description, updated_at from quoin.tenancy_roles where org_id = ?1 order by name";

    /// Counts the roles.
    COUNT = "select count(*) from quoin.tenancy_roles where org_id = ?1";

    /// Adds a role or replaces it.
    PUT = "insert into quoin.tenancy_roles (org_id, name, description, permissions, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?5)
        on conflict (org_id, name) do update set description = excluded.description,
            permissions = excluded.permissions, updated_at = excluded.updated_at";

    /// Counts who has a role, who is invited to it, and whether it is the default.
    COUNT_USES = "select (select count(*) from quoin.tenancy_memberships where org_id = ?1 and custom_role = ?2)
        + (select count(*) from quoin.tenancy_invitations where org_id = ?1 and role = ?2 and ended_at is null)
        + (select count(*) from quoin.tenancy_organizations where id = ?1 and default_role = ?2)";

    /// Removes a role.
    DELETE = "delete from quoin.tenancy_roles where org_id = ?1 and name = ?2";

    /// Removes all roles.
    DELETE_ALL = "delete from quoin.tenancy_roles where org_id = ?1";
}

/// A role with what people read about it.
pub(crate) struct Described {
    pub(crate) role: CustomRole,
    pub(crate) description: String,
    pub(crate) updated_at: Timestamp,
}

/// Finds what somebody with the role `name` is; `None` where there is no such role.
pub(crate) fn find(tx: &mut Tx<'_>, org_id: OrgId, name: &str) -> Result<Option<Standing>, DbError> {
    if let Some(rank) = Role::parse(name) {
        return Ok(Some(Standing::of(rank)));
    }
    tx.query_opt(&FIND, &params![org_id, name], |row| {
        Ok(Standing { rank: Role::Member, custom: Some(read(row, 0)?) })
    })
}

/// Lists the organisation's own roles by name.
pub(crate) fn list(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Vec<Described>, DbError> {
    tx.query(&LIST, &params![org_id], |row| {
        Ok(Described { role: read(row, 0)?, description: row.get(2)?, updated_at: row.get(3)? })
    })
}

/// Counts the organisation's own roles.
pub(crate) fn count(tx: &mut Tx<'_>, org_id: OrgId) -> Result<i64, DbError> {
    tx.query_one(&COUNT, &params![org_id], |row| row.get(0))
}

/// Adds a role, or replaces the one of its name.
pub(crate) fn put(tx: &mut Tx<'_>, org_id: OrgId, role: &RoleDraft, now: Timestamp) -> Result<(), DbError> {
    let permissions = json!(role.permissions);
    tx.execute(&PUT, &params![org_id, &role.name, &role.description, &permissions, now]).map(|_| ())
}

/// Counts members, open invitations and defaults that name a role.
pub(crate) fn count_uses(tx: &mut Tx<'_>, org_id: OrgId, name: &str) -> Result<i64, DbError> {
    tx.query_one(&COUNT_USES, &params![org_id, name], |row| row.get(0))
}

/// Removes a role; `false` where there is no such role.
pub(crate) fn delete(tx: &mut Tx<'_>, org_id: OrgId, name: &str) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE, &params![org_id, name])? == 1)
}

/// Removes all roles of an organisation.
pub(crate) fn delete_all(tx: &mut Tx<'_>, org_id: OrgId) -> Result<(), DbError> {
    tx.execute(&DELETE_ALL, &params![org_id]).map(|_| ())
}

/// Reads what a member is, from three columns that begin at `at`: rank, own role, its permissions.
///
/// An own role whose row is missing allows nothing.
pub(super) fn read_standing(row: &Row<'_>, at: usize) -> Result<Standing, DbError> {
    let rank =
        Role::parse(&row.get::<String>(at)?).ok_or(DbError::Column { index: at, expected: "a role" })?;
    let custom = match row.get::<Option<String>>(at + 1)? {
        Some(name) => {
            let permissions = row.get::<Option<Value>>(at + 2)?.map_or_else(Vec::new, permissions);
            Some(CustomRole { name, permissions })
        }
        None => None,
    };
    Ok(Standing { rank, custom })
}

fn read(row: &Row<'_>, at: usize) -> Result<CustomRole, DbError> {
    Ok(CustomRole { name: row.get(at)?, permissions: permissions(row.get(at + 1)?) })
}

/// Reads a list of names; anything else in it allows nothing.
fn permissions(value: Value) -> Vec<String> {
    match value {
        Value::Array(names) => names
            .into_iter()
            .filter_map(|name| match name {
                Value::String(name) => Some(name),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
