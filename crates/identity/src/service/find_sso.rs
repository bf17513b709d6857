//! Which provider the people of a domain come through.

use quoin_db::Tx;
use quoin_kernel::Problem;
use quoin_kernel::port::Origin;
use quoin_tenancy::{ConnectionId, SsoKey};

use crate::Identity;
use crate::error::IdentityError;

/// Finds the connection of an organisation, or of the one that has proved a domain. No account is looked at. Where the call is
/// about one organisation's people, another's connection is none.
///
/// # Errors
/// `sso_provider_not_found`.
pub async fn find_sso(identity: &Identity, key: SsoKey, origin: &Origin) -> Result<ConnectionId, Problem> {
    let find = move |tx: &mut Tx<'_>| quoin_tenancy::sso_connection(tx, &key);
    let found = identity.db().read("identity.sso.find", find).await?;
    let named = origin.realm;
    let found = found.filter(|own| named.is_none_or(|org_id| own.connection.org_id == org_id));
    Ok(found.ok_or(IdentityError::SsoProviderNotFound)?.connection.id)
}
