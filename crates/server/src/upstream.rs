//! Hands who keeps people to the room of people, where that is a provider: resolved here and nowhere else.

use std::sync::Arc;

use quoin_federation::{Auth0, Cognito, Fetch, Keycloak};
use quoin_identity::Identity;
use quoin_identity::config::UpstreamKind;
use quoin_identity::port::UserStore;

/// Connects the adapter of the provider that `[identity.upstream]` names; without one, people are kept here.
///
/// # Errors
/// What cannot be used, in words for the operator.
pub(crate) fn connect(identity: &Identity) -> Result<(), String> {
    let config = &identity.config().upstream;
    let Some(kind) = config.provider else { return Ok(()) };
    let provider = config.as_provider(kind);
    let fetch: Arc<dyn Fetch> = Arc::new(identity.app().outbound().clone());
    let store: Arc<dyn UserStore> = match kind {
        UpstreamKind::Keycloak => Arc::new(Keycloak::open(config, provider, fetch)?),
        UpstreamKind::Cognito => Arc::new(Cognito::open(config, provider, fetch)?),
        UpstreamKind::Auth0 => Arc::new(Auth0::open(config, provider, fetch)?),
    };
    tracing::info!(provider = kind.name(), "people and their passwords are kept by a provider");
    identity.connect_user_store(store);
    Ok(())
}
