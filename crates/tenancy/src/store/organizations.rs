//! Rows of organisations.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::page::Page;
use quoin_kernel::{OrgId, Role, Timestamp, UserId};

use serde_json::{Map, Value};

use crate::model::{OrgStatus, Organization, PolicySettings};

/// What a member sees, and where it is.
macro_rules! columns {
    () => {
        "org.id, org.name, org.personal_of, coalesce(member.custom_role, member.role), org.created_at,
            org.updated_at, member.user_id, org.suspended_at, org.delete_after, org.metadata
        from quoin.tenancy_memberships as member
        join quoin.tenancy_organizations as org on org.id = member.org_id"
    };
}

statements! {
    /// Adds an organisation.
    INSERT = "insert into quoin.tenancy_organizations (id, name, personal_of, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?4)";

    /// Finds an organisation as one of its members sees it.
    FIND = concat!("select ", columns!(), " where member.org_id = ?1 and member.user_id = ?2");

    /// Lists the organisations of a person that are, or are not, being deleted.
    LIST = concat!("select ", columns!(), " where member.user_id = ?1
        and (org.delete_after is not null) = ?3 order by member.org_id limit ?2");

    /// Lists the organisations of a person that come after one.
    LIST_AFTER = concat!("select ", columns!(), " where member.user_id = ?1
        and (org.delete_after is not null) = ?3 and member.org_id > ?4 order by member.org_id limit ?2");

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

    /// Replaces the metadata.
    SET_METADATA = "update quoin.tenancy_organizations set metadata = ?2, updated_at = ?3 where id = ?1";

    /// Reads what is demanded of sessions.
    POLICY = "select mfa_required, session_lifetime_s, sso_required_from, sso_break_glass, auto_join,
        invited_only from quoin.tenancy_organizations where id = ?1";

    /// Replaces what is demanded of sessions.
    SET_POLICY = "update quoin.tenancy_organizations set mfa_required = ?2, session_lifetime_s = ?3, updated_at = ?4,
        sso_required_from = ?5, sso_break_glass = ?6, auto_join = ?7, invited_only = ?8
        where id = ?1";

    /// Closes an organisation for the time being.
    SUSPEND = "update quoin.tenancy_organizations set suspended_at = ?2 where id = ?1 and suspended_at is null";

    /// Opens it again.
    REINSTATE = "update quoin.tenancy_organizations set suspended_at = null
        where id = ?1 and suspended_at is not null";

    /// Begins the time of grace before the end.
    SCHEDULE_DELETION = "update quoin.tenancy_organizations set delete_after = ?2
        where id = ?1 and delete_after is null";

    /// Takes the end back; one whose time is over is as good as gone.
    RESTORE = "update quoin.tenancy_organizations set delete_after = null, updated_at = ?2
        where id = ?1 and delete_after > ?2";

    /// Tells whether an organisation's time of grace is over.
    IS_DUE = "select count(*) from quoin.tenancy_organizations where id = ?1 and delete_after <= ?2";

    /// Reads whether it can be used.
    STATUS = "select suspended_at, delete_after from quoin.tenancy_organizations where id = ?1";

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

/// Lists one row more than the page holds of a person's organisations; those that are being deleted, or the others.
pub(crate) fn list(
    tx: &mut Tx<'_>,
    user_id: UserId,
    deleting: bool,
    page: Page,
) -> Result<Vec<Organization>, DbError> {
    match page.after {
        Some(after) => tx.query(&LIST_AFTER, &params![user_id, page.limit + 1, deleting, after], read),
        None => tx.query(&LIST, &params![user_id, page.limit + 1, deleting], read),
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

/// Replaces the metadata.
pub(crate) fn update_metadata(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    metadata: &Value,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&SET_METADATA, &params![org_id, metadata, now])? == 1)
}

/// Reads what is demanded of sessions; `None` where there is no such organisation.
pub(crate) fn policy(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Option<PolicySettings>, DbError> {
    tx.query_opt(&POLICY, &params![org_id], |row| {
        let sso_required_from: Option<Timestamp> = row.get(2)?;
        Ok(PolicySettings {
            mfa_required: row.get(0)?,
            session_lifetime_s: row.get(1)?,
            sso_required: sso_required_from.is_some(),
            sso_required_from,
            break_glass: row.get(3)?,
            auto_join: row.get(4)?,
            invited_only: row.get(5)?,
        })
    })
}

/// Replaces what is demanded of sessions.
pub(crate) fn update_policy(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    policy: &PolicySettings,
    now: Timestamp,
) -> Result<bool, DbError> {
    let PolicySettings {
        mfa_required,
        session_lifetime_s,
        sso_required_from,
        break_glass,
        auto_join,
        invited_only,
        ..
    } = policy;
    let row = params![
        org_id,
        *mfa_required,
        *session_lifetime_s,
        now,
        *sso_required_from,
        *break_glass,
        *auto_join,
        *invited_only,
    ];
    Ok(tx.execute(&SET_POLICY, &row)? == 1)
}

/// Closes an organisation; `false` where it is closed already or there is none.
pub(crate) fn suspend(tx: &mut Tx<'_>, org_id: OrgId, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&SUSPEND, &params![org_id, now])? == 1)
}

/// Opens a closed organisation; `false` where it is not closed.
pub(crate) fn reinstate(tx: &mut Tx<'_>, org_id: OrgId) -> Result<bool, DbError> {
    Ok(tx.execute(&REINSTATE, &params![org_id])? == 1)
}

/// Begins the time of grace; `false` where it has begun already.
pub(crate) fn schedule_deletion(tx: &mut Tx<'_>, org_id: OrgId, after: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&SCHEDULE_DELETION, &params![org_id, after])? == 1)
}

/// Takes the end back; `false` where the time of grace is over or never began.
pub(crate) fn restore(tx: &mut Tx<'_>, org_id: OrgId, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&RESTORE, &params![org_id, now])? == 1)
}

/// Tells whether an organisation's time of grace is over.
pub(crate) fn is_due(tx: &mut Tx<'_>, org_id: OrgId, now: Timestamp) -> Result<bool, DbError> {
    tx.query_one(&IS_DUE, &params![org_id, now], |row| Ok(row.get::<i64>(0)? == 1))
}

/// Reads whether an organisation can be used; `None` where there is none.
pub(crate) fn status(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Option<OrgStatus>, DbError> {
    tx.query_opt(&STATUS, &params![org_id], |row| read_status(row, 0))
}

/// Reads the status from two columns that begin at `at`; the end weighs more than a suspension.
pub(super) fn read_status(row: &Row<'_>, at: usize) -> Result<OrgStatus, DbError> {
    let (suspended_at, delete_after): (Option<Timestamp>, Option<Timestamp>) =
        (row.get(at)?, row.get(at + 1)?);
    Ok(match (suspended_at, delete_after) {
        (_, Some(_)) => OrgStatus::Deleting,
        (Some(_), None) => OrgStatus::Suspended,
        (None, None) => OrgStatus::Active,
    })
}

fn read(row: &Row<'_>) -> Result<Organization, DbError> {
    let (personal_of, member): (Option<UserId>, UserId) = (row.get(2)?, row.get(6)?);
    Ok(Organization {
        id: row.get(0)?,
        name: row.get(1)?,
        personal: personal_of == Some(member),
        role: row.get(3)?,
        status: read_status(row, 7)?,
        delete_after: row.get(8)?,
        metadata: row.get::<Option<Value>>(9)?.unwrap_or_else(|| Value::Object(Map::new())),
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
    })
}
