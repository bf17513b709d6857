//! SQL on organisations and memberships.

pub(crate) mod memberships;
pub(crate) mod organizations;
