//! The nouns: organisations and memberships, and the rules about roles.

mod membership;
mod organization;

pub use membership::{ActiveOrg, Membership, NewMember, may_change};
pub use organization::{NewOrganization, NewPersonal, OrgName, Organization};

#[cfg(test)]
mod tests;
