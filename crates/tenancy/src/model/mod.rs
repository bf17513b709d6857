//! The nouns: organisations, memberships, roles and invitations, and the rules about who may do what to whom.

mod claims;
mod invitation;
mod membership;
mod organization;
mod policy;
mod role;

pub use claims::{MAX_METADATA_BYTES, RESERVED_CLAIMS, check_metadata, claims_of, is_reserved};
pub use invitation::{
    Invitation, InvitationEnding, InvitationId, InvitationKind, InvitationOut, KEPT_AFTER_END,
    KEPT_AFTER_EXPIRY, token_hash,
};
pub use membership::{ActiveOrg, Membership, NewMember};
pub use organization::{NewOrganization, NewPersonal, OrgName, Organization, name_in_mail};
pub use policy::{Bar, OrgStatus, Policy, PolicySettings, SessionFacts};
pub use role::{MAX_PERMISSIONS, MAX_ROLES, RoleDraft, RoleOut, may_change, may_give};

#[cfg(test)]
mod tests;
