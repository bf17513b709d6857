//! Revokes an API key, at once.

use quoin_audit::Actor;
use quoin_kernel::page::{Listed, Page};
use quoin_kernel::port::Origin;
use quoin_kernel::{ApiKeyCaller, ApiKeyId, Problem};
use quoin_tenancy::revocations::{Revocation, Revoked, revoke};

use crate::Identity;
use crate::model::api_key::ApiKey;
use crate::store::api_keys_global as store;

impl Identity {
    /// Lists the keys that `caller` may see: all of them, or its organisation's.
    pub async fn list_api_keys(&self, caller: &ApiKeyCaller, page: Page) -> Result<Listed<ApiKey>, Problem> {
        let org_id = caller.org_id;
        let rows = self.db().read("identity.api_keys.list", move |tx| store::list(tx, org_id, page)).await?;
        Ok(Listed::from_rows(rows, page, |key| key.id.uuid(), |key| key))
    }

    /// Revokes a key: the next call with it is refused, here at once and on other nodes within seconds.
    ///
    /// # Errors
    /// 404 for a key that is unknown, another organisation's or revoked already; 403 for one that may do more than `caller`.
    pub async fn revoke_api_key(
        &self,
        caller: &ApiKeyCaller,
        origin: &Origin,
        id: ApiKeyId,
    ) -> Result<(), Problem> {
        let now = origin.now;
        let (confined_to, revoking) = (caller.org_id, caller.clone());
        let revocation = Revocation::new(Revoked::ApiKey(id), now, self.app().rng());
        let entry = self.entry(Actor::ApiKey(caller.key_id), "identity.api_key.revoked", origin);
        let entry = entry.on(id).in_org_of(confined_to);
        let revoked = self.db().write("identity.api_key.revoke", move |tx| {
            let key = store::get(tx, id)?.filter(|key| confined_to.is_none() || key.org_id == confined_to);
            let Some(key) = key else { return Ok::<_, Problem>(false) };
            check_strength(&revoking, &key)?;
            if !store::revoke(tx, id, now)? {
                return Ok(false);
            }
            revoke(tx, &revocation)?;
            quoin_audit::record(tx, &entry)?;
            Ok(true)
        });
        if revoked.await? { Ok(()) } else { Err(Problem::not_found("API key")) }
    }
}

/// Refuses to let a key end one that may do more than itself: whoever holds a lesser key could otherwise lock out those
/// who would take it away.
fn check_strength(revoker: &ApiKeyCaller, key: &ApiKey) -> Result<(), Problem> {
    let beyond = key.scopes.iter().find(|scope| !revoker.allows(scope));
    match beyond {
        Some(scope) if key.id != revoker.key_id => Err(Problem::forbidden(format!(
            "That key holds the scope {scope:?}, which yours does not, so yours cannot revoke it."
        ))),
        _ => Ok(()),
    }
}
