//! Who asks for objects, and in whose name.

use quoin_kernel::{Caller, OrgId, UserId};
use serde::Deserialize;

use super::Owner;
use crate::error::FilesError;
use crate::service::policies::Policies;

/// What an API key needs to read objects.
pub const READ: &str = "files.read";
/// What an API key needs to store, change and remove objects.
pub const WRITE: &str = "files.write";
/// What a platform key needs to make, change and remove buckets, and to set limits.
pub const MANAGE: &str = "files.manage";

/// Whose objects a platform key means.
#[derive(Debug, Clone, Copy, Default, Deserialize, schemars::JsonSchema)]
pub struct OwnerIn {
    /// With a platform key: the organisation whose objects are meant.
    pub org: Option<OrgId>,
    /// With a platform key: the person whose objects are meant.
    pub user: Option<UserId>,
}

/// Whoever asks, checked: in whose name, and as which person.
#[derive(Debug, Clone)]
pub struct Requester {
    /// Who calls.
    pub caller: Caller,
    /// Whose objects the call is about.
    pub owner: Owner,
    /// The person, where one asks: objects count for them too.
    pub person: Option<UserId>,
    /// What policies say to them.
    pub policies: Policies,
}

impl Requester {
    /// Checks who may ask for whose objects.
    ///
    /// # Errors
    /// [`FilesError::SignInFirst`] for nobody, [`FilesError::MissingScope`] for a key without `scope`,
    /// [`FilesError::NotYours`] for everybody but platform keys who choose an owner.
    pub fn of(caller: &Caller, wish: OwnerIn, scope: &'static str) -> Result<Self, FilesError> {
        let own = Owner::of(caller).ok_or(FilesError::SignInFirst)?;
        let mut owner = own;
        if let Caller::ApiKey(key) = caller
            && !key.allows(scope)
        {
            return Err(FilesError::MissingScope(scope));
        }
        let wished = match (wish.org, wish.user) {
            (Some(_), Some(_)) => return Err(FilesError::TwoOwners),
            (Some(org_id), None) => Some(Owner::Organization(org_id)),
            (None, Some(user_id)) => Some(Owner::Person(user_id)),
            (None, None) => None,
        };
        if let Some(wished) = wished.filter(|wished| *wished != own) {
            if own != Owner::Platform {
                return Err(FilesError::NotYours);
            }
            owner = wished;
        }
        let person = match (caller, owner) {
            (_, Owner::Person(user_id)) => Some(user_id),
            (caller, _) => caller.user_id(),
        };
        Ok(Self { caller: caller.clone(), owner, person, policies: Policies::default() })
    }

    /// Describes somebody who names an owner that is not their own, whom only policies let in.
    ///
    /// # Errors
    /// [`FilesError::NotYours`] where none is named.
    pub(crate) fn elsewhere(caller: &Caller, wish: OwnerIn) -> Result<Self, FilesError> {
        let owner = match (wish.org, wish.user) {
            (Some(org_id), None) => Owner::Organization(org_id),
            (None, Some(user_id)) => Owner::Person(user_id),
            _ => return Err(FilesError::NotYours),
        };
        Ok(Self { caller: caller.clone(), owner, person: caller.user_id(), policies: Policies::default() })
    }
}
