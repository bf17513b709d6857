//! What providers publish: their configuration and their keys, kept for an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthUrl, IssuerUrl, JsonWebKeySet, JsonWebKeySetUrl, ProviderMetadata,
};
use quoin_identity::model::Provider;
use quoin_identity::port::Upstream;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::fetch::Client;

/// How long what a provider publishes is believed.
const BELIEVED: Duration = Duration::from_hours(1);
/// How soon its keys may be asked for again.
const KEYS_AGAIN: Duration = Duration::from_secs(10);
/// How many providers are remembered; organisations bring their own.
const REMEMBERED: usize = 1024;

/// What RFC 9207 adds to the configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Additional {
    /// Whether a browser always comes back with the issuer.
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Additional {}

/// A provider's configuration, with its keys.
pub(crate) type Metadata = ProviderMetadata<
    Additional,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Remembers what providers publish.
#[derive(Default)]
pub(crate) struct Published(Mutex<HashMap<String, Known>>);

#[derive(Clone)]
struct Known {
    metadata: Arc<Metadata>,
    read_at: Instant,
    keys_read_at: Instant,
}

impl Published {
    /// Returns a provider's configuration, read anew once an hour.
    pub(crate) async fn of(&self, client: &Client, provider: &Provider) -> Result<Arc<Metadata>, Upstream> {
        if let Some(known) = self.known(&provider.issuer).filter(|known| known.read_at.elapsed() < BELIEVED) {
            return Ok(known.metadata);
        }
        let issuer = IssuerUrl::new(provider.issuer.clone())
            .map_err(|_| Upstream::Unreachable("the issuer is no URL".to_owned()))?;
        let metadata = Metadata::discover_async(issuer, client).await.map_err(unreachable)?;
        // Byte for byte: a URL that only means the same is another issuer.
        if metadata.issuer().as_str() != provider.issuer {
            return Err(Upstream::Unreachable("the configuration is another issuer's".to_owned()));
        }
        let metadata = Arc::new(metadata);
        self.remember(&provider.issuer, Arc::clone(&metadata));
        Ok(metadata)
    }

    /// Returns the keys of a provider that are at a known place: who keeps people is reached where the operator says, which
    /// need not be where its issuer is.
    pub(crate) async fn at(
        &self,
        client: &Client,
        provider: &Provider,
        keys: &Url,
    ) -> Result<Arc<Metadata>, Upstream> {
        if let Some(known) = self.known(&provider.issuer).filter(|known| known.read_at.elapsed() < BELIEVED) {
            return Ok(known.metadata);
        }
        let issuer = IssuerUrl::new(provider.issuer.clone())
            .map_err(|_| Upstream::Unreachable("the issuer is no URL".to_owned()))?;
        let place = JsonWebKeySetUrl::from_url(keys.clone());
        let keys = JsonWebKeySet::fetch_async(&place, client).await.map_err(unreachable)?;
        // Nobody is sent to an authorization endpoint by this door; what stands there is never used.
        let unused = AuthUrl::from_url(issuer.url().clone());
        let metadata =
            Metadata::new(issuer, unused, place, Vec::new(), Vec::new(), Vec::new(), Additional::default());
        let metadata = Arc::new(metadata.set_jwks(keys));
        self.remember(&provider.issuer, Arc::clone(&metadata));
        Ok(metadata)
    }

    /// Reads a provider's keys again, unless that was done a moment ago; `None` where it was.
    pub(crate) async fn with_new_keys(
        &self,
        client: &Client,
        provider: &Provider,
    ) -> Result<Option<Arc<Metadata>>, Upstream> {
        let Some(known) = self.known(&provider.issuer) else { return Ok(None) };
        if known.keys_read_at.elapsed() < KEYS_AGAIN {
            return Ok(None);
        }
        let keys =
            JsonWebKeySet::fetch_async(known.metadata.jwks_uri(), client).await.map_err(unreachable)?;
        let metadata = Arc::new((*known.metadata).clone().set_jwks(keys));
        self.remember(&provider.issuer, Arc::clone(&metadata));
        Ok(Some(metadata))
    }

    fn known(&self, issuer: &str) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }

    fn remember(&self, issuer: &str, metadata: Arc<Metadata>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let now = Instant::now();
        known.insert(issuer.to_owned(), Known { metadata, read_at: now, keys_read_at: now });
    }

    /// Forgets when the keys were read, so that a test need not wait.
    #[cfg(test)]
    pub(crate) fn age(&self) {
        for known in self.0.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
            known.keys_read_at -= KEYS_AGAIN;
        }
    }
}

fn unreachable(error: impl std::error::Error) -> Upstream {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Upstream::Unreachable(format!("{error}{cause}"))
}
