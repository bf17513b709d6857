//! SQL on organisations, memberships, roles and invitations.

pub(crate) mod departures;
pub(crate) mod domains;
pub(crate) mod domains_global;
pub(crate) mod invitations;
pub(crate) mod invitations_global;
pub(crate) mod memberships;
pub(crate) mod organizations;
pub(crate) mod organizations_global;
pub(crate) mod provider_orgs_global;
pub(crate) mod roles;
pub(crate) mod sso_connections;
