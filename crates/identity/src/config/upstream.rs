//! The section `[identity.upstream]`: a provider that keeps people and their passwords in place of this program.

use quoin_kernel::Secret;
use serde::{Deserialize, Serialize};

use super::InvalidConfig;
use crate::model::Provider;

/// Which provider keeps people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamKind {
    /// A realm of Keycloak.
    Keycloak,
    /// A user pool of Amazon Cognito.
    Cognito,
    /// A tenant of Auth0.
    Auth0,
}

/// A provider that keeps people and their passwords.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamConfig {
    /// `keycloak`, `cognito` or `auth0`; without one, this program keeps people itself.
    pub provider: Option<UpstreamKind>,
    /// The issuer, byte for byte as ID tokens say: `https://HOST/realms/REALM` of Keycloak; known for Cognito and Auth0.
    pub issuer: Option<String>,
    /// Where the provider is reached, if not at its issuer or at Amazon.
    pub endpoint: Option<String>,
    /// The region of the user pool (Cognito).
    pub region: Option<String>,
    /// The id of the user pool (Cognito).
    pub user_pool_id: Option<String>,
    /// The domain of the tenant, without `https://` (Auth0).
    pub domain: Option<String>,
    /// The database connection in which people are (Auth0).
    pub connection: String,
    /// The client id under which this instance is registered there.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: Option<Secret<String>>,
    /// A second client whose direct grant asks for the password alone, so that a one-time code can be asked for afterwards
    /// (Keycloak).
    pub password_client_id: Option<String>,
    /// The secret that goes with it.
    pub password_client_secret: Option<Secret<String>>,
    /// The client as which accounts are administered, if not the first one (Keycloak, Auth0).
    pub admin_client_id: Option<String>,
    /// The secret that goes with it.
    pub admin_client_secret: Option<Secret<String>>,
    /// Whether accounts are administered at all; needed for sign-up with Keycloak, bans, erasure and owed factors.
    pub administer: bool,
    /// The access key as which accounts are administered (Cognito).
    pub access_key_id: Option<String>,
    /// The secret that goes with it.
    pub secret_access_key: Option<Secret<String>>,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret<String>>,
    /// The domains for whose addresses the provider may speak; `*` for all.
    pub email_domains: Vec<String>,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            provider: None,
            issuer: None,
            endpoint: None,
            region: None,
            user_pool_id: None,
            domain: None,
            connection: "Username-Password-Authentication".to_owned(),
            client_id: String::new(),
            client_secret: None,
            password_client_id: None,
            password_client_secret: None,
            admin_client_id: None,
            admin_client_secret: None,
            administer: true,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            email_domains: vec!["*".to_owned()],
        }
    }
}

impl UpstreamKind {
    /// Returns the provider's name in answers and rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keycloak => "keycloak",
            Self::Cognito => "cognito",
            Self::Auth0 => "auth0",
        }
    }
}

impl UpstreamConfig {
    /// Checks that everything is there without which the provider cannot be asked.
    ///
    /// # Errors
    /// The first key that is missing.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let Some(kind) = self.provider else { return Ok(()) };
        let needed: &[(bool, &'static str)] = match kind {
            UpstreamKind::Keycloak => &[
                (self.issuer.is_some(), "upstream.issuer"),
                (self.client_secret.is_some(), "upstream.client_secret"),
            ],
            UpstreamKind::Cognito => &[
                (self.region.is_some(), "upstream.region"),
                (self.user_pool_id.is_some(), "upstream.user_pool_id"),
                (
                    self.access_key_id.is_some() == self.secret_access_key.is_some(),
                    "upstream.secret_access_key",
                ),
            ],
            UpstreamKind::Auth0 => &[
                (self.domain.is_some(), "upstream.domain"),
                (self.client_secret.is_some(), "upstream.client_secret"),
            ],
        };
        let always = [(!self.client_id.is_empty(), "upstream.client_id")];
        let missing = always.iter().chain(needed).find(|(is_there, _)| !is_there);
        missing.map_or(Ok(()), |(_, field)| Err(InvalidConfig { field, problem: "is needed" }))
    }

    /// Returns the issuer whose word counts; empty where no provider is named.
    pub fn issuer(&self) -> String {
        let known = match (self.provider, &self.region, &self.user_pool_id, &self.domain) {
            (Some(UpstreamKind::Cognito), Some(region), Some(pool), _) => {
                Some(format!("https://cognito-idp.{region}.amazonaws.com/{pool}"))
            }
            (Some(UpstreamKind::Auth0), _, _, Some(domain)) => Some(format!("https://{domain}/")),
            _ => None,
        };
        self.issuer.clone().or(known).unwrap_or_default()
    }

    /// Describes the provider to whatever judges its tokens and addresses.
    pub fn as_provider(&self, kind: UpstreamKind) -> Provider {
        Provider {
            name: kind.name().to_owned(),
            issuer: self.issuer(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            client_ids: Vec::new(),
            scopes: Vec::new(),
            email_domains: self.email_domains.iter().map(|domain| domain.to_ascii_lowercase()).collect(),
            is_own: false,
        }
    }

    /// Lists the secrets, which are refused where they are empty.
    pub const fn secrets(&self) -> [(&'static str, &Option<Secret<String>>); 5] {
        [
            ("identity.upstream.client_secret", &self.client_secret),
            ("identity.upstream.password_client_secret", &self.password_client_secret),
            ("identity.upstream.admin_client_secret", &self.admin_client_secret),
            ("identity.upstream.secret_access_key", &self.secret_access_key),
            ("identity.upstream.session_token", &self.session_token),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cognito() -> UpstreamConfig {
        UpstreamConfig {
            provider: Some(UpstreamKind::Cognito),
            region: Some("eu-central-1".to_owned()),
            user_pool_id: Some("eu-central-1_Ab".to_owned()),
            client_id: "app".to_owned(),
            ..UpstreamConfig::default()
        }
    }

    #[test]
    fn an_issuer_is_known_from_what_the_operator_says_anyway() {
        assert_eq!(cognito().issuer(), "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab");
        let auth0 = UpstreamConfig {
            provider: Some(UpstreamKind::Auth0),
            domain: Some("acme.eu.auth0.com".to_owned()),
            ..UpstreamConfig::default()
        };
        assert_eq!(auth0.issuer(), "https://acme.eu.auth0.com/");
        let elsewhere = UpstreamConfig { issuer: Some("http://127.0.0.1:9229/p".to_owned()), ..cognito() };
        assert_eq!(elsewhere.issuer(), "http://127.0.0.1:9229/p");
    }

    #[test]
    fn what_a_provider_cannot_be_asked_without_is_named() {
        assert!(UpstreamConfig::default().validate().is_ok());
        assert!(cognito().validate().is_ok());
        let named = |config: UpstreamConfig| config.validate().unwrap_err().to_string();
        let half = UpstreamConfig { access_key_id: Some("AKIA".to_owned()), ..cognito() };
        assert_eq!(named(half), "identity.upstream.secret_access_key is needed");
        let nobody = UpstreamConfig { client_id: String::new(), ..cognito() };
        assert_eq!(named(nobody), "identity.upstream.client_id is needed");
        let kind = |kind| UpstreamConfig { provider: Some(kind), ..cognito() };
        assert_eq!(named(kind(UpstreamKind::Keycloak)), "identity.upstream.issuer is needed");
        assert_eq!(named(kind(UpstreamKind::Auth0)), "identity.upstream.domain is needed");
    }
}
