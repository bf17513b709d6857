//! The nouns: organisations, memberships, roles and invitations, and the rules about who may do what to whom.

mod claims;
mod domain;
mod invitation;
mod membership;
mod organization;
mod policy;
mod role;
mod sso;

pub use claims::{MAX_METADATA_BYTES, RESERVED_CLAIMS, check_metadata, claims_of, is_reserved};
pub use domain::{Domain, DomainName, DomainOut, MAX_DOMAINS, RecordOut};
pub(crate) use domain::{DomainHolder, record_value};
pub use invitation::{
    Invitation, InvitationEnding, InvitationId, InvitationKind, InvitationOut, KEPT_AFTER_END,
    KEPT_AFTER_EXPIRY, token_hash,
};
pub use membership::{ActiveOrg, Membership, NewMember};
pub use organization::{NewOrganization, NewPersonal, OrgName, Organization, name_in_mail};
pub use policy::{Bar, OrgStatus, Policy, PolicySettings, PolicyWish, SessionFacts};
pub use role::{MAX_PERMISSIONS, MAX_ROLES, RoleDraft, RoleOut, may_change, may_give};
pub use sso::{
    Connection, ConnectionId, ConnectionKind, ConnectionOut, ConnectionWish, SsoConnection, SsoKey,
};

#[cfg(test)]
mod tests;
