//! Rows of memberships.

use std::time::Duration;

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::page::Page;
use quoin_kernel::{OrgId, Role, Standing, Timestamp, UserId};

use serde_json::{Map, Value};

use super::departures;
use super::organizations::read_status;
use super::roles::read_standing;
use crate::model::{ActiveOrg, Membership, NewMember, Policy, claims_of};

/// The columns that [`read_active`] reads, in its order.
macro_rules! active_columns {
    () => {
        "member.org_id, member.version, member.role, member.custom_role, role.permissions, org.metadata,
            org.suspended_at, org.delete_after, org.mfa_required, org.session_lifetime_s, org.sso_required_from,
            org.sso_break_glass, member.user_id"
    };
}

/// Joins a membership with its organisation and its role.
macro_rules! active_tables {
    () => {
        "quoin.tenancy_memberships as member
        join quoin.tenancy_organizations as org on org.id = member.org_id
        left join quoin.tenancy_roles as role on role.org_id = member.org_id and role.name = member.custom_role"
    };
}

statements! {
    /// Adds a member.
    INSERT = "insert into quoin.tenancy_memberships (org_id, user_id, role, version, created_at, custom_role)
        values (?1, ?2, ?3, ?4, ?5, ?6)";

    /// Finds the version below which tokens of an earlier membership are refused.
    REVOKED_BELOW = "select max(below_version) from quoin.tenancy_revocations
        where kind = 'membership' and subject = ?1 and org_id = ?2";

    /// Finds a membership.
    FIND = concat!("select ", active_columns!(), " from ", active_tables!(), "
        where member.org_id = ?1 and member.user_id = ?2");

    /// Finds the organisation to act for: the preferred one, else the last used, else the personal, else the oldest.
    FIND_ACTIVE = concat!("select ", active_columns!(), " from ", active_tables!(), "
        where member.user_id = ?1
        order by case when member.org_id = ?2 then 0 else 1 end, member.last_used_at desc nulls last,
            case when org.personal_of = ?1 then 0 else 1 end, member.org_id
        limit ?3");

    /// Notes that somebody has begun to act for an organisation.
    USE = "update quoin.tenancy_memberships set last_used_at = ?3 where org_id = ?1 and user_id = ?2";

    /// Lists the members.
    LIST = "select user_id, coalesce(custom_role, role), created_at from quoin.tenancy_memberships
        where org_id = ?1 order by user_id limit ?2";

    /// Lists the members that come after one.
    LIST_AFTER = "select user_id, coalesce(custom_role, role), created_at from quoin.tenancy_memberships
        where org_id = ?1 and user_id > ?3 order by user_id limit ?2";

    /// Lists everything one person belongs to.
    LIST_OF = "select org_id, version from quoin.tenancy_memberships where user_id = ?1 order by org_id";

    /// Changes a role, and the version with it.
    CHANGE_ROLE = "update quoin.tenancy_memberships set role = ?3, custom_role = ?4, version = version + 1
        where org_id = ?1 and user_id = ?2 returning version";

    /// Removes a member.
    DELETE = "delete from quoin.tenancy_memberships where org_id = ?1 and user_id = ?2 returning version";

    /// Removes all members.
    DELETE_ALL = "delete from quoin.tenancy_memberships where org_id = ?1";

    /// Makes every membership's version grow: tokens of an older one are refused.
    GROW_ALL = "update quoin.tenancy_memberships set version = version + 1 where org_id = ?1
        returning user_id, version";

    /// Counts the owners.
    COUNT_OWNERS = "select count(*) from quoin.tenancy_memberships where org_id = ?1 and role = 'owner'";

    /// Counts the members.
    COUNT = "select count(*) from quoin.tenancy_memberships where org_id = ?1";

    /// Counts the organisations that somebody owns.
    COUNT_OWNED = "select count(*) from quoin.tenancy_memberships where user_id = ?1 and role = 'owner'";

    /// Finds who would own the organisation after its last owner: the oldest admin, else the oldest member.
    FIND_SUCCESSOR = "select user_id from quoin.tenancy_memberships
        where org_id = ?1 and user_id <> ?2
        order by case role when 'owner' then 0 when 'admin' then 1 else 2 end, created_at, user_id limit 1";
}

/// Adds the first member of a new organisation, of whom no token can speak yet.
pub(crate) fn insert_first(tx: &mut Tx<'_>, member: &NewMember) -> Result<ActiveOrg, DbError> {
    insert_at(tx, member, 1)
}

/// Adds a member. Somebody who was a member before begins at the version below which their old tokens are refused.
pub(crate) fn insert(tx: &mut Tx<'_>, member: &NewMember) -> Result<ActiveOrg, DbError> {
    let revoked: Option<i64> =
        tx.query_one(&REVOKED_BELOW, &params![member.user_id, member.org_id], |row| row.get(0))?;
    insert_at(tx, member, revoked.unwrap_or(1))
}

fn insert_at(tx: &mut Tx<'_>, member: &NewMember, version: i64) -> Result<ActiveOrg, DbError> {
    let NewMember { org_id, user_id, standing, now } = member;
    let custom = standing.custom.as_ref().map(|custom| custom.name.as_str());
    let row = params![*org_id, *user_id, standing.rank.as_str(), version, *now, custom];
    tx.execute(&INSERT, &row)?;
    departures::delete(tx, *org_id, *user_id)?;
    tx.query_one(&FIND, &params![*org_id, *user_id], read_active)
}

/// Finds a person's membership.
pub(crate) fn find(tx: &mut Tx<'_>, org_id: OrgId, user_id: UserId) -> Result<Option<ActiveOrg>, DbError> {
    tx.query_opt(&FIND, &params![org_id, user_id], read_active)
}

/// Lists the organisations that a session of this person could act for, the likeliest first.
pub(crate) fn list_active(
    tx: &mut Tx<'_>,
    user_id: UserId,
    preferred: Option<OrgId>,
    limit: i64,
) -> Result<Vec<ActiveOrg>, DbError> {
    tx.query(&FIND_ACTIVE, &params![user_id, preferred, limit], read_active)
}

/// Notes that a person has begun to act for an organisation; `false` where they do not belong to it.
pub(crate) fn note_use(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    user_id: UserId,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&USE, &params![org_id, user_id, now])? == 1)
}

/// Lists one row more than the page holds of an organisation's members.
pub(crate) fn list(tx: &mut Tx<'_>, org_id: OrgId, page: Page) -> Result<Vec<Membership>, DbError> {
    match page.after {
        Some(after) => tx.query(&LIST_AFTER, &params![org_id, page.limit + 1, after], read),
        None => tx.query(&LIST, &params![org_id, page.limit + 1], read),
    }
}

/// Lists everything a person belongs to, with the version of each membership.
pub(crate) fn list_of(tx: &mut Tx<'_>, user_id: UserId) -> Result<Vec<(OrgId, i64)>, DbError> {
    tx.query(&LIST_OF, &params![user_id], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Changes a role and returns the new version; `None` where there is no such member.
pub(crate) fn change_role(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    user_id: UserId,
    to: &Standing,
) -> Result<Option<i64>, DbError> {
    let custom = to.custom.as_ref().map(|custom| custom.name.as_str());
    tx.query_opt(&CHANGE_ROLE, &params![org_id, user_id, to.rank.as_str(), custom], |row| row.get(0))
}

/// Removes a member and returns the version they had; `None` where there is no such member.
pub(crate) fn delete(tx: &mut Tx<'_>, org_id: OrgId, user_id: UserId) -> Result<Option<i64>, DbError> {
    tx.query_opt(&DELETE, &params![org_id, user_id], |row| row.get(0))
}

/// Removes all members.
pub(crate) fn delete_all(tx: &mut Tx<'_>, org_id: OrgId) -> Result<(), DbError> {
    tx.execute(&DELETE_ALL, &params![org_id]).map(|_| ())
}

/// Makes the version of every membership grow, and returns each.
pub(crate) fn grow_all(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Vec<(UserId, i64)>, DbError> {
    tx.query(&GROW_ALL, &params![org_id], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Counts the owners.
pub(crate) fn count_owners(tx: &mut Tx<'_>, org_id: OrgId) -> Result<i64, DbError> {
    tx.query_one(&COUNT_OWNERS, &params![org_id], |row| row.get(0))
}

/// Counts the members of an organisation.
pub(crate) fn count(tx: &mut Tx<'_>, org_id: OrgId) -> Result<i64, DbError> {
    tx.query_one(&COUNT, &params![org_id], |row| row.get(0))
}

/// Counts the organisations that a person owns.
pub(crate) fn count_owned(tx: &mut Tx<'_>, user_id: UserId) -> Result<i64, DbError> {
    tx.query_one(&COUNT_OWNED, &params![user_id], |row| row.get(0))
}

/// Finds who comes after `user_id` as owner; `None` where nobody else belongs to the organisation.
pub(crate) fn find_successor(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    user_id: UserId,
) -> Result<Option<UserId>, DbError> {
    tx.query_opt(&FIND_SUCCESSOR, &params![org_id, user_id], |row| row.get(0))
}

fn read(row: &Row<'_>) -> Result<Membership, DbError> {
    Ok(Membership { user_id: row.get(0)?, role: row.get(1)?, created_at: row.get(2)? })
}

fn read_active(row: &Row<'_>) -> Result<ActiveOrg, DbError> {
    let metadata = match row.get::<Option<Value>>(5)? {
        Some(Value::Object(metadata)) => claims_of(metadata),
        _ => Map::new(),
    };
    let lifetime_s: Option<i64> = row.get(9)?;
    let (org_id, standing) = (row.get(0)?, read_standing(row, 2)?);
    let (break_glass, user_id): (Option<UserId>, UserId) = (row.get(11)?, row.get(12)?);
    // Whoever is no owner any more has no other way in either.
    let is_exempt = break_glass == Some(user_id) && standing.rank == Role::Owner;
    let sso_required_from: Option<Timestamp> = row.get(10)?;
    Ok(ActiveOrg {
        org_id,
        version: row.get(1)?,
        standing,
        claims: metadata,
        policy: Policy {
            org_id,
            status: read_status(row, 6)?,
            mfa_required: row.get(8)?,
            session_lifetime: lifetime_s.map(|span| Duration::from_secs(span.unsigned_abs())),
            sso_required_from: sso_required_from.filter(|_| !is_exempt),
        },
    })
}
