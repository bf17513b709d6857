//! Hands the providers of the configuration to the room of people, with who asks them.

use std::sync::Arc;

use quoin_federation::{Guests, Providers};
use quoin_identity::Identity;
use quoin_web::outbound::{Outbound, OutboundConfig};
use quoin_web::{Mode, WebConfig};

use crate::settings::Settings;

/// Connects the adapter with every provider of the section `[providers]`.
///
/// # Errors
/// The first provider that cannot be used, and why.
pub(crate) fn connect(identity: &Identity, settings: &Settings) -> Result<(), String> {
    let providers: Result<Vec<_>, String> =
        settings.providers.iter().map(|(name, config)| config.build(name)).collect();
    let fetch = Arc::new(identity.app().outbound().clone());
    identity.connect_openid(Arc::new(Providers::new(fetch, guests(identity.app().config()))), providers?);
    Ok(())
}

/// Makes the way out to what organisations bring along. The private networks that the operator allows are the operator's:
/// whoever owns an organisation must not reach them by naming an issuer there. In development this machine is open to both.
fn guests(config: &WebConfig) -> Guests {
    let is_development = config.mode == Mode::Development;
    let outbound = Outbound::new(&outbound_for_guests(&config.outbound, is_development));
    Guests { fetch: Arc::new(outbound), is_https_only: !is_development }
}

fn outbound_for_guests(ours: &OutboundConfig, is_development: bool) -> OutboundConfig {
    let loopback = ours.allowed_networks.iter().filter(|net| is_development && net.addr().is_loopback());
    OutboundConfig { allowed_networks: loopback.copied().collect(), ..ours.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisations_do_not_reach_the_networks_that_the_operator_allows() {
        let networks = ["10.0.0.0/8", "127.0.0.0/8", "fd00::/8", "0.0.0.0/0"];
        let allowed_networks = networks.map(|net| net.parse().unwrap()).to_vec();
        let ours = OutboundConfig { allowed_networks, ..OutboundConfig::default() };
        assert!(outbound_for_guests(&ours, false).allowed_networks.is_empty());
        let in_development = outbound_for_guests(&ours, true).allowed_networks;
        assert_eq!(in_development, ["127.0.0.0/8".parse().unwrap()]);
    }
}
