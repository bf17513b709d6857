//! Rotates and imports signing keys, and writes down who did.

use quoin_audit::Actor;
use quoin_kernel::Problem;
use quoin_kernel::port::Origin;

use crate::Identity;
use crate::keyring::ImportKeyIn;

impl Identity {
    /// Signs new tokens with a new key; nobody is logged out. Returns the new key's id.
    pub async fn rotate_signing_key(&self, actor: Actor, origin: &Origin) -> Result<String, Problem> {
        let app = self.app();
        let kid = self.keyring().rotate(self.db(), app.master_key(), app.rng(), origin.now).await?;
        self.record_key(actor, "identity.signing_key.rotated", &kid, origin).await?;
        Ok(kid)
    }

    /// Accepts, and on request signs, tokens with a key from elsewhere. Returns the key's id.
    pub async fn import_signing_key(
        &self,
        actor: Actor,
        origin: &Origin,
        input: &ImportKeyIn,
    ) -> Result<String, Problem> {
        let kid = self.keyring().import(self.db(), self.app().master_key(), input, origin.now).await?;
        self.record_key(actor, "identity.signing_key.imported", &kid, origin).await?;
        Ok(kid)
    }

    async fn record_key(
        &self,
        actor: Actor,
        action: &'static str,
        kid: &str,
        origin: &Origin,
    ) -> Result<(), Problem> {
        let entry = self.entry(actor, action, origin).on(kid);
        self.db().write("identity.signing_key.audit", move |tx| quoin_audit::record(tx, &entry)).await?;
        Ok(())
    }
}
