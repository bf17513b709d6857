//! Hands the adapter for passkeys to the room of people, where the site has a domain name.

use quoin_identity::Identity;
use quoin_passkeys::{InvalidSite, Passkeys, Site};
use std::sync::Arc;
use url::Url;

/// Connects the adapter, or says in the log why there are no passkeys.
///
/// # Errors
/// [`InvalidSite`] for origins that do not belong to the configured domain.
pub(crate) fn connect(identity: &Identity) -> Result<(), InvalidSite> {
    let (web, config) = (identity.app().config(), identity.config());
    let Some(mut site) = Site::at(&web.site_url, &web.public_url, &config.product_name) else {
        tracing::info!("no passkeys: the site URL has no domain name");
        return Ok(());
    };
    if let Some(rp_id) = &config.webauthn_rp_id {
        site.rp_id.clone_from(rp_id);
    }
    if !config.webauthn_origins.is_empty() {
        let read =
            |origin: &String| Url::parse(origin).map_err(|_| InvalidSite(format!("{origin} is no URL")));
        site.origins = config.webauthn_origins.iter().map(read).collect::<Result<_, _>>()?;
        site.any_port = false;
    }
    identity.connect_webauthn(Arc::new(Passkeys::new(&site)?));
    Ok(())
}
