//! Why a wish about an organisation is refused.

use quoin_db::DbError;
use quoin_kernel::Problem;
use quoin_kernel::billing::LimitReached;
use quoin_web::entitlements::Denied;

use crate::model::{Bar, OrgStatus};

/// A refusal of this room.
#[derive(Debug, thiserror::Error)]
pub enum TenancyError {
    /// The name is empty, too long, or holds characters that cannot be shown.
    #[error("the name cannot be used")]
    UnusableName,
    /// There is no such organisation, or the caller does not belong to it.
    #[error("no such organisation")]
    NoSuchOrganization,
    /// The person does not belong to the organisation.
    #[error("no such member")]
    NoSuchMember,
    /// The person belongs to the organisation already.
    #[error("already a member")]
    AlreadyMember,
    /// The caller's role does not allow it.
    #[error("the role does not allow this")]
    RoleTooLow,
    /// An organisation always has an owner.
    #[error("the last owner stays")]
    LastOwner,
    /// A personal organisation lives as long as its person's account.
    #[error("a personal organisation cannot be deleted")]
    PersonalOrganization,
    /// The organisation has no role of that name.
    #[error("no such role")]
    NoSuchRole,
    /// Somebody has the role, is invited to it, or would get it.
    #[error("the role is in use")]
    RoleInUse,
    /// The organisation has as many roles of its own as it may have.
    #[error("too many roles")]
    TooManyRoles,
    /// New members get no role that manages by its rank.
    #[error("the default role must rank as member")]
    DefaultRoleTooHigh,
    /// The organisation does not accept the session.
    #[error("the organisation does not accept this session: {0:?}")]
    Barred(Bar),
    /// The organisation is closed already.
    #[error("already suspended")]
    AlreadySuspended,
    /// The organisation is not closed.
    #[error("not suspended")]
    NotSuspended,
    /// A field cannot be used.
    #[error("{field} {rule}")]
    Unusable {
        /// The field.
        field: &'static str,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// Ownership goes to somebody else.
    #[error("ownership is transferred to another member")]
    TransferToOneself,
    /// There is no open invitation with this id.
    #[error("no such invitation")]
    NoSuchInvitation,
    /// The address has an open invitation already.
    #[error("already invited")]
    AlreadyInvited,
    /// The link was invented, used, taken back, replaced, has expired, or its sender may no longer give it.
    #[error("the invitation does not work")]
    InvitationNotValid,
    /// The caller has not proved that any address is theirs.
    #[error("the address is not confirmed")]
    AddressNotConfirmed,
    /// The invitation was sent to another address than the caller's.
    #[error("the invitation is for another address")]
    OtherAddress,
    /// The organisation has claimed no such domain.
    #[error("no such domain")]
    NoSuchDomain,
    /// The organisation has claimed as many domains as it may.
    #[error("too many domains")]
    TooManyDomains,
    /// The record does not stand in DNS.
    #[error("the domain is not proved")]
    DomainNotProved,
    /// Another organisation has proved the domain, and its record stands.
    #[error("the domain is another organisation's")]
    DomainTaken,
    /// The organisation has no provider of its own.
    #[error("no such connection")]
    NoSuchConnection,
    /// The provider is the only way in.
    #[error("the provider is required")]
    SsoIsRequired,
    /// Nobody has come through the provider yet, or no domain is proved.
    #[error("nobody has come through the provider yet")]
    SsoUntried,
    /// A personal organisation has neither domains nor a provider.
    #[error("not for a personal organisation")]
    NotForPersonal,
    /// The person has left the organisation, or was removed.
    #[error("the person has left")]
    Departed,
    /// The plan does not allow more.
    #[error(transparent)]
    Limit(#[from] LimitReached),
    /// A limit, or a room that this one needs, refuses.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// The database failed.
    #[error(transparent)]
    Db(DbError),
}

impl From<DbError> for TenancyError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unique { index, .. } if index == "tenancy_memberships_pkey" => Self::AlreadyMember,
            DbError::Unique { index, .. } if index == "tenancy_invitations_open" => Self::AlreadyInvited,
            DbError::Unique { index, .. } if index == "tenancy_domains_verified" => Self::DomainTaken,
            other => Self::Db(other),
        }
    }
}

impl From<Denied> for TenancyError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Limit(reached) => Self::Limit(reached),
            Denied::Db(error) => Self::Db(error),
        }
    }
}

impl From<TenancyError> for Problem {
    fn from(error: TenancyError) -> Self {
        match error {
            TenancyError::UnusableName => {
                let rule = "must have 1 to 100 characters, none of them invisible";
                Self::invalid(format!("name {rule}.")).field("name", rule)
            }
            TenancyError::NoSuchOrganization => Self::not_found("organisation"),
            TenancyError::NoSuchMember => Self::not_found("member"),
            TenancyError::AlreadyMember => {
                Self::new(409, "already_member", "This person belongs to the organisation already")
            }
            TenancyError::RoleTooLow => {
                Self::forbidden("Your role in this organisation does not allow that.")
                    .hint("Admins manage members and admins; only owners manage owners.")
            }
            TenancyError::LastOwner => {
                Self::new(409, "last_owner", "An organisation keeps at least one owner")
                    .hint("Make another member owner first, or delete the organisation.")
            }
            TenancyError::PersonalOrganization => {
                Self::new(409, "personal_organization", "A personal organisation cannot be deleted")
                    .hint("It is deleted together with its person's account.")
            }
            TenancyError::Barred(bar) => of_bar(bar),
            TenancyError::AlreadySuspended => {
                Self::new(409, "already_suspended", "The organisation is suspended already")
            }
            TenancyError::NotSuspended => {
                Self::new(409, "not_suspended", "The organisation is not suspended")
            }
            TenancyError::Limit(reached) => reached.into(),
            TenancyError::Problem(problem) => problem,
            TenancyError::Db(error) => error.into(),
            other => of_roles_and_invitations(&other),
        }
    }
}

fn of_roles_and_invitations(error: &TenancyError) -> Problem {
    match error {
        TenancyError::NoSuchRole => Problem::not_found("role"),
        TenancyError::RoleInUse => {
            Problem::new(409, "role_in_use", "Somebody has this role, or would get it").hint(
                "Give those members another role, revoke invitations to it, and choose another default.",
            )
        }
        TenancyError::TooManyRoles => {
            Problem::new(409, "too_many_roles", "An organisation has at most 50 roles")
        }
        TenancyError::DefaultRoleTooHigh => {
            let rule = "must be member, or a role of the organisation's own";
            Problem::invalid(format!("default {rule}.")).field("default", rule)
        }
        TenancyError::Unusable { field, rule } => {
            Problem::invalid(format!("{field} {rule}.")).field(*field, *rule)
        }
        TenancyError::TransferToOneself => {
            Problem::invalid("user_id must be another member.").field("user_id", "must be another member")
        }
        TenancyError::NoSuchInvitation => Problem::not_found("invitation"),
        TenancyError::AlreadyInvited => {
            Problem::new(409, "already_invited", "This address has an open invitation already")
                .hint("Send it again, or revoke it first.")
        }
        TenancyError::AddressNotConfirmed => {
            Problem::new(403, "address_not_confirmed", "Confirm your address first")
                .hint("Open the link in the confirmation mail, then accept again.")
        }
        TenancyError::OtherAddress => {
            Problem::new(403, "invitation_for_other_address", "This invitation was sent to another address")
                .hint("Sign in with the address that the invitation was sent to.")
        }
        TenancyError::InvitationNotValid => {
            Problem::new(403, "invitation_not_valid", "This invitation does not work").detail(
                "The invitation is not valid, was used or taken back, or has expired. Ask for another one.",
            )
        }
        other => of_domains(other),
    }
}

fn of_domains(error: &TenancyError) -> Problem {
    match error {
        TenancyError::NoSuchDomain => Problem::not_found("domain"),
        TenancyError::TooManyDomains => {
            Problem::new(409, "too_many_domains", "An organisation claims at most 50 domains")
        }
        TenancyError::DomainNotProved => {
            Problem::new(409, "domain_not_proved", "The record does not stand in the domain's DNS").hint(
                "Add the TXT record as it is shown, wait until it can be seen everywhere, and try again.",
            )
        }
        TenancyError::DomainTaken => {
            Problem::new(409, "domain_taken", "Another organisation has proved this domain")
                .hint("It changes hands once that organisation's record is gone from the domain's DNS.")
        }
        TenancyError::NoSuchConnection => Problem::not_found("connection"),
        TenancyError::SsoIsRequired => {
            Problem::new(409, "sso_is_required", "The organisation's own provider is the only way in")
                .hint("Take sso_required out of its policy first.")
        }
        TenancyError::SsoUntried => {
            Problem::new(409, "sso_untried", "Nobody has come through the organisation's own provider yet")
                .hint("Connect it, prove a domain, and sign in through it once.")
        }
        TenancyError::Departed => {
            Problem::new(403, "removed_from_organization", "You do not belong to this organisation any more")
                .hint("An invitation brings you back.")
        }
        _ => Problem::new(409, "personal_organization", "A personal organisation has no domains of its own")
            .hint("Create an organisation for your company."),
    }
}

/// Says what a person can do about an organisation that does not accept their session.
fn of_bar(bar: Bar) -> Problem {
    match bar {
        Bar::Closed(OrgStatus::Suspended) => {
            Problem::new(403, "organization_suspended", "This organisation is suspended")
                .hint("Ask the platform's team.")
        }
        Bar::Closed(OrgStatus::Active | OrgStatus::Deleting) => Problem::not_found("organisation"),
        Bar::SignInTooOld => {
            Problem::new(403, "sign_in_too_old", "This organisation asks for a more recent sign-in")
                .hint("Sign in again.")
        }
        Bar::Confined => {
            Problem::new(403, "session_confined", "This session belongs to another organisation")
                .hint("Sign in again to act for this one.")
        }
        Bar::SsoRequired => {
            Problem::new(403, "sso_required", "This organisation asks for a sign-in through its own provider")
                .hint("Sign in with single sign-on.")
        }
        Bar::SecondFactor => {
            Problem::new(403, "insufficient_aal", "This organisation asks for a second factor")
                .hint("Enrol and verify a factor, then call again with the new token.")
        }
    }
}
