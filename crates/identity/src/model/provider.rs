//! Providers that attest who somebody is, and for which addresses each may speak.

use std::collections::BTreeMap;

use quoin_kernel::seal::MasterKey;
use quoin_kernel::{EmailAddress, Problem, Secret};
use quoin_tenancy::SsoConnection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The issuer of Google.
const GOOGLE: &str = "https://accounts.google.com";
/// The domains whose mailboxes Google keeps for everybody.
const GOOGLE_MAIL: [&str; 2] = ["gmail.com", "googlemail.com"];
/// What is asked for by default.
const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// One provider of the section `[providers]`.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderConfig {
    /// The issuer, byte for byte as its tokens say; known for `google`.
    pub issuer: Option<String>,
    /// The id under which this instance is registered there.
    pub client_id: String,
    /// The secret that goes with it; none for a public client.
    pub client_secret: Option<Secret<String>>,
    /// Further client ids whose ID tokens are accepted, for example those of mobile apps.
    pub client_ids: Vec<String>,
    /// What is asked for; `openid`, `email` and `profile` by default.
    pub scopes: Vec<String>,
    /// The domains for whose addresses the provider may speak; `*` for all. Google speaks for its own mailboxes and for the
    /// domains it hosts.
    pub email_domains: Vec<String>,
}

/// The section `[providers]`, by name.
pub type ProviderConfigs = BTreeMap<String, ProviderConfig>;

/// A provider that may be asked.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name in URLs and answers.
    pub name: String,
    /// The issuer.
    pub issuer: String,
    /// As whom it is asked.
    pub client_id: String,
    /// With which secret.
    pub client_secret: Option<Secret<String>>,
    /// Further client ids whose ID tokens are accepted.
    pub client_ids: Vec<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The domains for whose addresses it may speak.
    pub email_domains: Vec<String>,
    /// Whether it is an organisation's own: then the proof of its domains is the proof of their addresses, which many such
    /// providers leave unsaid.
    pub is_own: bool,
}

/// What a provider has attested, after every check of its token.
#[derive(Debug, Clone, Serialize)]
pub struct Attested {
    /// The issuer.
    pub issuer: String,
    /// Who it is there, for ever.
    pub subject: String,
    /// The address, as the provider writes it.
    pub email: Option<String>,
    /// Whether the provider says, as JSON `true`, that it has proved the address.
    pub email_verified: bool,
    /// Whether it says anything else about that.
    pub email_disputed: bool,
    /// The domain that Google hosts for the person's organisation.
    pub hosted_domain: Option<String>,
    /// The organisation for which they have signed in, where the token names one; it counts only where the provider that keeps
    /// people says it.
    pub organization: Option<AttestedOrganization>,
    /// What the provider says about the person: name, picture and the like.
    pub profile: Map<String, Value>,
}

/// An organisation as a provider names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttestedOrganization {
    /// Its id there, for ever.
    pub id: String,
    /// What it is called; a name proves nothing.
    pub name: Option<String>,
}

impl ProviderConfig {
    /// Checks the section and makes the provider that may be asked.
    ///
    /// # Errors
    /// What is missing, in words for the operator.
    pub fn build(&self, name: &str) -> Result<Provider, String> {
        let named = !name.is_empty()
            && name.len() <= 40
            && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-');
        if !named || name == "email" {
            return Err(format!(
                "providers.{name}: a name has 1 to 40 of a-z, 0-9, _ and -, and is not email"
            ));
        }
        if self.client_id.is_empty() {
            return Err(format!("providers.{name}.client_id is needed"));
        }
        if self.client_secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
            return Err(format!("providers.{name}.client_secret is set but empty"));
        }
        let known = (name == "google").then(|| GOOGLE.to_owned());
        let issuer = self.issuer.clone().or(known).ok_or(format!("providers.{name}.issuer is needed"))?;
        let by_default = || SCOPES.map(str::to_owned).to_vec();
        let mut scopes = if self.scopes.is_empty() { by_default() } else { self.scopes.clone() };
        if !scopes.iter().any(|scope| scope == "openid") {
            scopes.insert(0, "openid".to_owned());
        }
        Ok(Provider {
            name: name.to_owned(),
            issuer,
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            client_ids: self.client_ids.clone(),
            scopes,
            email_domains: self.email_domains.iter().map(|domain| domain.to_ascii_lowercase()).collect(),
            is_own: false,
        })
    }
}

impl Provider {
    /// Describes the provider that an organisation brings along.
    ///
    /// # Errors
    /// 500 where its secret was sealed with another key.
    pub fn of_organization(own: &SsoConnection, key: &MasterKey) -> Result<Self, Problem> {
        let connection = &own.connection;
        Ok(Self {
            name: format!("sso:{}", connection.id),
            issuer: connection.issuer.clone(),
            client_id: connection.client_id.clone(),
            client_secret: connection.open_secret(key)?,
            client_ids: Vec::new(),
            scopes: SCOPES.map(str::to_owned).to_vec(),
            email_domains: own.domains.clone(),
            is_own: true,
        })
    }

    /// Returns the attested address where it counts as proved: the provider has proved it, and may speak for its domain.
    pub fn proved_address(&self, attested: &Attested) -> Option<EmailAddress> {
        let address: EmailAddress = attested.email.as_deref()?.parse().ok()?;
        let may_speak = self.speaks_for(address.domain(), attested.hosted_domain.as_deref());
        let is_proved = attested.email_verified || (self.is_own && !attested.email_disputed);
        (is_proved && may_speak).then_some(address)
    }

    fn speaks_for(&self, domain: &str, hosted: Option<&str>) -> bool {
        let hosts = self.issuer == GOOGLE
            && !self.is_own
            && (GOOGLE_MAIL.contains(&domain)
                || hosted.is_some_and(|hosted| hosted.eq_ignore_ascii_case(domain)));
        hosts || self.email_domains.iter().any(|named| named == "*" || named == domain)
    }
}
