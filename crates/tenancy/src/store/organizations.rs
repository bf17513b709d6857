//! Rows of organisations.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::page::Page;
use quoin_kernel::{OrgId, Role, Timestamp, UserId};

use crate::model::Organization;

statements! {
    /// Adds an organisation.
    INSERT = "insert into quoin.tenancy_organizations (id, name, personal_of, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?4)";

    /// Finds an organisation as one of its members sees it.
    FIND = "select org.id, org.name, org.personal_of, coalesce(member.custom_role, member.role), org.created_at, org.updated_at, member.user_id
        from quoin.tenancy_memberships as member
        join quoin.tenancy_organizations as org on org.id = member.org_id
        where member.org_id = ?1 and member.user_id = ?2";

    /// Lists the organisations of a person.
    LIST = "select org.id, org.name, org.personal_of, coalesce(member.custom_role, member.role), org.created_at, org.updated_at, member.user_id
        from quoin.tenancy_memberships as member
        join quoin.tenancy_organizations as org on org.id = member.org_id
        where member.user_id = ?1 order by member.org_id limit ?2";

    /// Lists the organisations of a person that come after one.
    LIST_AFTER = "select org.id, org.name, org.personal_of, coalesce(member.custom_role, member.role), org.created_at, org.updated_at, member.user_id
        from quoin.tenancy_memberships as member
        join quoin.tenancy_organizations as org on org.id = member.org_id
        where member.user_id = ?1 and member.org_id > ?3 order by member.org_id limit ?2";

    /// Changes the name.
    RENAME = "update quoin.tenancy_organizations set name = ?2, updated_at = ?3 where id = ?1";

    /// Reads whose personal organisation it is.
    PERSONAL_OF = "select personal_of from quoin.tenancy_organizations where id = ?1";

    /// Makes a personal organisation an ordinary one.
    DETACH = "update quoin.tenancy_organizations set personal_of = null where id = ?1 and personal_of = ?2";

    /// Reads the name.
    NAME = "select name from quoin.tenancy_organizations where id = ?1";

    /// Reads the role that new members get.
    DEFAULT_ROLE = "select default_role from quoin.tenancy_organizations where id = ?1";

    /// Sets the role that new members get.
    SET_DEFAULT_ROLE = "update quoin.tenancy_organizations set default_role = ?2, updated_at = ?3 where id = ?1";

    /// Removes an organisation.
    DELETE = "delete from quoin.tenancy_organizations where id = ?1";
}

/// Adds an organisation; `personal_of` names its person, where it is a personal one.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    name: &str,
    personal_of: Option<UserId>,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&INSERT, &params![org_id, name, personal_of, now]).map(|_| ())
}

/// Finds an organisation as its member `user_id` sees it.
pub(crate) fn find(tx: &mut Tx<'_>, org_id: OrgId, user_id: UserId) -> Result<Option<Organization>, DbError> {
    tx.query_opt(&FIND, &params![org_id, user_id], read)
}

/// Lists one row more than the page holds of a person's organisations.
pub(crate) fn list(tx: &mut Tx<'_>, user_id: UserId, page: Page) -> Result<Vec<Organization>, DbError> {
    match page.after {
        Some(after) => tx.query(&LIST_AFTER, &params![user_id, page.limit + 1, after], read),
        None => tx.query(&LIST, &params![user_id, page.limit + 1], read),
    }
}

/// Changes the name; `false` where there is no such organisation.
pub(crate) fn rename(tx: &mut Tx<'_>, org_id: OrgId, name: &str, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&RENAME, &params![org_id, name, now])? == 1)
}

/// Tells whether it is somebody's personal organisation; `None` where there is no such organisation.
pub(crate) fn is_personal(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Option<bool>, DbError> {
    tx.query_opt(&PERSONAL_OF, &params![org_id], |row| Ok(row.get::<Option<UserId>>(0)?.is_some()))
}

/// Makes the personal organisation of `user_id` an ordinary one.
pub(crate) fn detach(tx: &mut Tx<'_>, org_id: OrgId, user_id: UserId) -> Result<(), DbError> {
    tx.execute(&DETACH, &params![org_id, user_id]).map(|_| ())
}

/// Reads the name of an organisation; `None` where there is none.
pub(crate) fn name_of(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Option<String>, DbError> {
    tx.query_opt(&NAME, &params![org_id], |row| row.get(0))
}

/// Reads the name of the role that new members get; `None` where there is no such organisation.
pub(crate) fn default_role(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Option<String>, DbError> {
    let found = tx.query_opt(&DEFAULT_ROLE, &params![org_id], |row| row.get::<Option<String>>(0))?;
    Ok(found.map(|name| name.unwrap_or_else(|| Role::Member.as_str().to_owned())))
}

/// Sets the role that new members get.
pub(crate) fn update_default_role(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    name: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&SET_DEFAULT_ROLE, &params![org_id, name, now])? == 1)
}

/// Removes an organisation without members.
pub(crate) fn delete(tx: &mut Tx<'_>, org_id: OrgId) -> Result<(), DbError> {
    tx.execute(&DELETE, &params![org_id]).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Organization, DbError> {
    let (personal_of, member): (Option<UserId>, UserId) = (row.get(2)?, row.get(6)?);
    Ok(Organization {
        id: row.get(0)?,
        name: row.get(1)?,
        personal: personal_of == Some(member),
        role: row.get(3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
    })
}
