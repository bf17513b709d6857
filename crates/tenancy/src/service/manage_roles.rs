//! Roles of an organisation's own: list, make, change, remove, and which one new members get.

use quoin_audit::Entry;
use quoin_db::{Db, Tx};
use quoin_kernel::{OrgId, Role, Standing, Timestamp, UserId, permission};
use serde_json::json;

use super::standing_in;
use crate::error::TenancyError;
use crate::model::{MAX_ROLES, RoleDraft, RoleOut, may_give};
use crate::store::{organizations, roles};

/// The roles that every organisation has, with what people read about them.
const BUILT_IN: [(Role, &str); 3] = [
    (Role::Owner, "May do everything, deletion and ownership included."),
    (Role::Admin, "Manages members, roles, settings and billing."),
    (Role::Member, "Uses the organisation."),
];

/// Lists the built-in roles, then the organisation's own by name.
pub async fn list_roles(db: &Db, org_id: OrgId) -> Result<Vec<RoleOut>, TenancyError> {
    db.read("tenancy.roles.list", move |tx| {
        let default = organizations::default_role(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?;
        let mut listed: Vec<RoleOut> = BUILT_IN
            .iter()
            .map(|(rank, about)| RoleOut {
                name: rank.as_str().to_owned(),
                description: (*about).to_owned(),
                permissions: if *rank >= Role::Admin { vec!["*".to_owned()] } else { Vec::new() },
                built_in: true,
                default: default == rank.as_str(),
                updated_at: None,
            })
            .collect();
        listed.extend(roles::list(tx, org_id)?.into_iter().map(|found| RoleOut {
            default: default == found.role.name,
            name: found.role.name,
            description: found.description,
            permissions: found.role.permissions,
            built_in: false,
            updated_at: Some(found.updated_at),
        }));
        Ok(listed)
    })
    .await
}

/// Makes a role, or changes the one of its name. It holds for its members from their next request on.
///
/// # Errors
/// 403 where the role holds, or would hold, more than the caller; `too_many_roles`.
pub async fn put_role(
    db: &Db,
    (org_id, actor): (OrgId, UserId),
    role: RoleDraft,
    now: Timestamp,
    entry: Entry,
) -> Result<(), TenancyError> {
    let entry = entry.in_org(org_id).on(&role.name).detail(json!({"permissions": role.permissions}));
    db.write("tenancy.roles.put", move |tx| {
        let standing = keeper(tx, org_id, actor)?;
        let before = roles::find(tx, org_id, &role.name)?;
        let beyond = [Some(role.standing()), before.clone()]
            .into_iter()
            .flatten()
            .any(|role| !may_give(&standing, &role));
        if beyond {
            return Err(TenancyError::RoleTooLow);
        }
        if before.is_none() && roles::count(tx, org_id)? >= MAX_ROLES {
            return Err(TenancyError::TooManyRoles);
        }
        roles::put(tx, org_id, &role, now)?;
        Ok(quoin_audit::record(tx, &entry)?)
    })
    .await
}

/// Removes a role that nobody has, is invited to, or would get.
///
/// # Errors
/// `role_in_use`, 404, 403 where the role holds more than the caller.
pub async fn delete_role(
    db: &Db,
    (org_id, actor): (OrgId, UserId),
    name: String,
    entry: Entry,
) -> Result<(), TenancyError> {
    let entry = entry.in_org(org_id).on(&name);
    db.write("tenancy.roles.delete", move |tx| {
        let standing = keeper(tx, org_id, actor)?;
        let role = roles::find(tx, org_id, &name)?.filter(|role| role.custom.is_some());
        let role = role.ok_or(TenancyError::NoSuchRole)?;
        if !may_give(&standing, &role) {
            return Err(TenancyError::RoleTooLow);
        }
        if roles::count_uses(tx, org_id, &name)? > 0 {
            return Err(TenancyError::RoleInUse);
        }
        roles::delete(tx, org_id, &name)?;
        Ok(quoin_audit::record(tx, &entry)?)
    })
    .await
}

/// Sets the role that new members get where nobody says otherwise: one that ranks as member.
///
/// # Errors
/// 404 for a role that there is not, 400 for one that manages by its rank.
pub async fn set_default_role(
    db: &Db,
    (org_id, actor): (OrgId, UserId),
    name: String,
    now: Timestamp,
    entry: Entry,
) -> Result<(), TenancyError> {
    let entry = entry.in_org(org_id).on(&name);
    db.write("tenancy.roles.set_default", move |tx| {
        let standing = keeper(tx, org_id, actor)?;
        let role = roles::find(tx, org_id, &name)?.ok_or(TenancyError::NoSuchRole)?;
        if role.rank > Role::Member {
            return Err(TenancyError::DefaultRoleTooHigh);
        }
        if !may_give(&standing, &role) {
            return Err(TenancyError::RoleTooLow);
        }
        if !organizations::update_default_role(tx, org_id, &name, now)? {
            return Err(TenancyError::NoSuchOrganization);
        }
        Ok(quoin_audit::record(tx, &entry)?)
    })
    .await
}

/// Reads anew that the caller keeps roles.
fn keeper(tx: &mut Tx<'_>, org_id: OrgId, actor: UserId) -> Result<Standing, TenancyError> {
    let standing = standing_in(tx, org_id, actor)?;
    if standing.allows(permission::ROLES_MANAGE) { Ok(standing) } else { Err(TenancyError::RoleTooLow) }
}
