//! Roles: the three built-in ranks, and those that an organisation makes for itself.

use quoin_kernel::{CustomRole, Role, Standing, Timestamp, permission};
use serde::Serialize;

/// The longest name of a role, in characters.
const MAX_NAME_CHARS: usize = 40;
/// The longest name of a permission, in characters.
const MAX_PERMISSION_CHARS: usize = 64;
/// How many permissions a role may hold.
pub const MAX_PERMISSIONS: usize = 100;
/// How many roles of its own an organisation may have.
pub const MAX_ROLES: i64 = 50;
/// The longest description, in characters.
const MAX_DESCRIPTION_CHARS: usize = 200;

/// Names that would say something else to a policy than their permissions do.
const RESERVED: &[&str] = &["member", "admin", "owner", "anon", "authenticated", "service_role", "none"];

/// A role to be made or replaced, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDraft {
    /// Its name: what `org_role` in tokens says.
    pub name: String,
    /// What people read about it.
    pub description: String,
    /// What it allows; sorted, each once.
    pub permissions: Vec<String>,
}

/// A role as an organisation's members see it.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct RoleOut {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it allows beyond what every member may do. Of admins and owners: everything, `*`.
    pub permissions: Vec<String>,
    /// True for the three that every organisation has.
    pub built_in: bool,
    /// True for the one that new members get where nobody says otherwise.
    pub default: bool,
    /// When it last changed; null for the built-in ones.
    pub updated_at: Option<Timestamp>,
}

impl RoleDraft {
    /// Checks name, description and permissions.
    ///
    /// # Errors
    /// The field that cannot be used, and the rule it breaks.
    pub fn new(
        name: &str,
        description: &str,
        permissions: Vec<String>,
    ) -> Result<Self, (&'static str, &'static str)> {
        if !is_role_name(name) {
            return Err((
                "name",
                "must be 1 to 40 of a-z, 0-9, - and _, begin with a letter and be no built-in role",
            ));
        }
        let description = description.trim();
        if description.chars().count() > MAX_DESCRIPTION_CHARS || description.chars().any(char::is_control) {
            return Err((
                "description",
                "must have at most 200 characters, none of them a control character",
            ));
        }
        let mut permissions = permissions;
        permissions.sort_unstable();
        permissions.dedup();
        if permissions.len() > MAX_PERMISSIONS || !permissions.iter().all(|held| is_permission(held)) {
            return Err((
                "permissions",
                "must be at most 100 names such as posts.publish, of a-z, 0-9, _ and dots",
            ));
        }
        Ok(Self { name: name.to_owned(), description: description.to_owned(), permissions })
    }

    /// Returns what somebody with this role is.
    pub fn standing(&self) -> Standing {
        let custom = CustomRole { name: self.name.clone(), permissions: self.permissions.clone() };
        Standing { rank: Role::Member, custom: Some(custom) }
    }
}

fn is_role_name(name: &str) -> bool {
    let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    name.len() <= MAX_NAME_CHARS
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(usable)
        && !RESERVED.contains(&name)
}

fn is_permission(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    name.len() <= MAX_PERMISSION_CHARS && name.contains('.') && name.split('.').all(word)
}

/// Tells whether `actor` may hand out `role`: nobody hands out more than they hold.
pub fn may_give(actor: &Standing, role: &Standing) -> bool {
    match actor.rank {
        Role::Owner => true,
        Role::Admin => role.rank < Role::Owner,
        Role::Member => role.rank == Role::Member && holds_all(actor, role),
    }
}

/// Tells whether `actor` may turn another member's role `from` into `to` (`None`: remove them).
///
/// Owners may do anything; admins manage everybody but owners; a role with `members.manage` manages those whose role
/// holds no more than its own.
pub fn may_change(actor: &Standing, from: &Standing, to: Option<&Standing>) -> bool {
    actor.allows(permission::MEMBERS_MANAGE)
        && may_give(actor, from)
        && to.is_none_or(|to| may_give(actor, to))
}

fn holds_all(actor: &Standing, role: &Standing) -> bool {
    role.custom.as_ref().is_none_or(|custom| custom.permissions.iter().all(|held| actor.allows(held)))
}
