//! Hands the providers of the configuration to the room of people, with who asks them.

use std::sync::Arc;

use quoin_federation::Providers;
use quoin_identity::Identity;

use crate::settings::Settings;

/// Connects the adapter with every provider of the section `[providers]`.
///
/// # Errors
/// The first provider that cannot be used, and why.
pub(crate) fn connect(identity: &Identity, settings: &Settings) -> Result<(), String> {
    let providers: Result<Vec<_>, String> =
        settings.providers.iter().map(|(name, config)| config.build(name)).collect();
    let fetch = Arc::new(identity.app().outbound().clone());
    identity.connect_openid(Arc::new(Providers::new(fetch)), providers?);
    Ok(())
}
