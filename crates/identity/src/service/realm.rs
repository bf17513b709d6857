//! Whose people a call is about, where people belong to one organisation each.
//!
//! A call names the organisation by a key of its; a page by its id, in the address. Naming one opens nothing: it says among whom
//! an address is looked up. Whatever carries a person by itself (a link, a refresh token, a code, a passkey) opens that
//! person's account alone, and nothing where the call names another organisation.

use quoin_kernel::port::Origin;
use quoin_kernel::{OrgId, Problem};

use crate::Identity;
use crate::config::IdentityMode;
use crate::error::IdentityError;
use crate::model::{Realm, User};

/// How a call names the organisation whose people it is about.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// By a key that is confined to it.
    Key(&'a str),
    /// By its id.
    Organization(OrgId),
}

impl Identity {
    /// Finds out whose people a call to a door is about. Where people belong to no single organisation nothing is looked at.
    ///
    /// # Errors
    /// 401 `invalid_api_key`; 404 for an organisation that cannot be used.
    pub async fn at_door(&self, named: Option<Named<'_>>, origin: Origin) -> Result<Origin, Problem> {
        if self.config().mode == IdentityMode::Global {
            return Ok(origin);
        }
        let realm = match named {
            None => None,
            Some(Named::Key(key)) => self.organization_of_key(key, origin.now).await?,
            Some(Named::Organization(org_id)) => Some(self.usable(org_id).await?),
        };
        Ok(Origin { realm, ..origin })
    }

    /// Says whose people an administrator's call is about.
    ///
    /// # Errors
    /// 400 `validation_failed` for an organisation where people belong to none alone; 404 for one that cannot be used.
    pub async fn about(&self, org_id: Option<OrgId>, origin: &Origin) -> Result<Origin, Problem> {
        let Some(org_id) = org_id else { return Ok(origin.clone()) };
        if self.config().mode == IdentityMode::Global {
            let why = "is for identity.mode = \"per_organization\"";
            return Err(Problem::invalid(format!("org_id {why}.")).field("org_id", why));
        }
        Ok(Origin { realm: Some(self.usable(org_id).await?), ..origin.clone() })
    }

    async fn usable(&self, org_id: OrgId) -> Result<OrgId, Problem> {
        let find = self.db().read("identity.realm.find", move |tx| quoin_tenancy::is_usable(tx, org_id));
        if find.await? { Ok(org_id) } else { Err(Problem::not_found("organisation")) }
    }

    /// Returns among whom an address is looked up.
    ///
    /// # Errors
    /// `organization_needed` where people belong to one organisation each and the call names none.
    pub(crate) fn realm(&self, origin: &Origin) -> Result<Realm, IdentityError> {
        match (self.config().mode, origin.realm) {
            (IdentityMode::Global, _) => Ok(Realm::INSTANCE),
            (IdentityMode::PerOrganization, Some(org_id)) => Ok(Realm::of(org_id)),
            (IdentityMode::PerOrganization, None) => Err(IdentityError::OrganizationNeeded),
        }
    }

    /// Returns among whom the people of an organisation are looked up.
    pub(crate) fn realm_of(&self, org_id: OrgId) -> Realm {
        match self.config().mode {
            IdentityMode::Global => Realm::INSTANCE,
            IdentityMode::PerOrganization => Realm::of(org_id),
        }
    }
}

/// Tells whether a call is about the organisation whose people somebody is one of. One that names none is about whomever its
/// proof names.
pub(crate) fn concerns(origin: &Origin, user: &User) -> bool {
    origin.realm.is_none_or(|org_id| user.realm == Realm::of(org_id))
}
