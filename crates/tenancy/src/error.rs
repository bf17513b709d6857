//! Why a wish about an organisation is refused.

use quoin_db::DbError;
use quoin_kernel::Problem;

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
    /// The database failed.
    #[error(transparent)]
    Db(DbError),
}

impl From<DbError> for TenancyError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unique { index, .. } if index == "tenancy_memberships_pkey" => Self::AlreadyMember,
            other => Self::Db(other),
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
            TenancyError::Db(error) => error.into(),
        }
    }
}
