//! Organisations, who belongs to them, and what has been taken back.
//!
//! An *organisation* is the tenant that owns rows. A *membership* says who belongs to it, as owner, admin or member. Every
//! account begins with a *personal* organisation. A *revocation* is what access tokens may no longer claim. Invariants:
//!
//! - An organisation always has an owner, also when several step down at the same moment.
//! - A change of role or a removal holds from the next request on, on every node within seconds: the membership's version
//!   grows, and the revocation list refuses tokens of an older one.
//! - A personal organisation cannot be deleted apart from its person's account.
//!
//! `identity` calls [`create_personal`], [`active_org`], [`set_last_used`] and [`remove_person`] inside its own
//! transactions.
//!
//! Reading order: [`model`], `store`, [`service`], [`revocations`], `http`.

mod error;
pub mod model;
pub mod revocations;
pub mod service;
mod store;

pub use error::TenancyError;
pub use model::{ActiveOrg, NewMember, NewPersonal, OrgName};
pub use revocations::{Revocation, Revoked};
pub use service::{
    RemovedPerson, active_org, add_member, create_personal, membership_of, remove_person, role_of,
    set_last_used,
};

use quoin_db::{Migration, Statement};

/// This room's migrations, in order.
pub static MIGRATIONS: &[Migration] = &[
    Migration {
        module: "tenancy",
        name: "0001_revocations",
        sql: include_str!("../migrations/0001_revocations.sql"),
        postgres: None,
    },
    Migration {
        module: "tenancy",
        name: "0002_organizations",
        sql: include_str!("../migrations/0002_organizations.sql"),
        postgres: None,
    },
];

/// Every statement of this room.
pub static STATEMENTS: &[&[&Statement]] =
    &[revocations::ALL, store::memberships::ALL, store::organizations::ALL];
