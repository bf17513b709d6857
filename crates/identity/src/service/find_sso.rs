//! Which provider the people of a domain come through.

use quoin_db::Tx;
use quoin_kernel::Problem;
use quoin_tenancy::{ConnectionId, SsoKey};

use crate::Identity;
use crate::error::IdentityError;

/// Finds the connection of an organisation, or of the one that has proved a domain. No account is looked at.
///
/// # Errors
/// `sso_provider_not_found`.
pub async fn find_sso(identity: &Identity, key: SsoKey) -> Result<ConnectionId, Problem> {
    let find = move |tx: &mut Tx<'_>| quoin_tenancy::sso_connection(tx, &key);
    let found = identity.db().read("identity.sso.find", find).await?;
    Ok(found.ok_or(IdentityError::SsoProviderNotFound)?.connection.id)
}
