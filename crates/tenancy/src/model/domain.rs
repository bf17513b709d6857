//! Mail domains that an organisation has claimed, and how it proves that they are its own.

use std::fmt;

use quoin_kernel::{EmailAddress, OrgId, Timestamp, UserId};
use serde::Serialize;

use super::policy::OrgStatus;

/// How many domains an organisation may claim.
pub const MAX_DOMAINS: i64 = 50;
/// The name below a domain whose TXT record proves it.
const CHALLENGE_LABEL: &str = "_quoin-challenge";

/// A mail domain in the form in which addresses carry it: lower case, in ASCII (IDNA).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// Reads a domain under which nobody but its holder can register further ones.
    ///
    /// # Errors
    /// The rule that the text breaks: it is no domain, or a public suffix such as `co.uk` or `github.io`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const NOT_A_DOMAIN: &str = "must be a domain, for example example.com";
        let text = text.trim().trim_end_matches('.');
        // Read as addresses are, so that both have one canonical form.
        let address: EmailAddress = format!("postmaster@{text}").parse().map_err(|_| NOT_A_DOMAIN)?;
        let domain = address.domain().to_owned();
        let labels = domain.split('.').all(|label| !label.is_empty() && label.len() <= 63);
        // The name below it, of the record, must be one too.
        if !labels || !domain.contains('.') || domain.len() + CHALLENGE_LABEL.len() >= 253 {
            return Err(NOT_A_DOMAIN);
        }
        if domain.rsplit('.').next().is_some_and(|top| top.bytes().all(|c| c.is_ascii_digit())) {
            return Err(NOT_A_DOMAIN);
        }
        if psl::domain_str(&domain).is_none() {
            return Err("must not be a public suffix, under which anybody can register");
        }
        Ok(Self(domain))
    }

    /// Wraps a text that was parsed when it was written, such as a column of our own.
    pub(crate) const fn from_canonical(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name whose TXT record proves the domain.
    pub fn challenge_name(&self) -> String {
        format!("{CHALLENGE_LABEL}.{}", self.0)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A claim, as the row holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The domain.
    pub name: DomainName,
    /// What the record must say.
    pub token: String,
    /// When it was claimed.
    pub created_at: Timestamp,
    /// When it was proved.
    pub verified_at: Option<Timestamp>,
}

impl Domain {
    /// Returns what the TXT record must say.
    pub fn record_value(&self) -> String {
        record_value(&self.token)
    }
}

/// Returns what the TXT record of a claim with this token must say.
pub(crate) fn record_value(token: &str) -> String {
    format!("quoin-domain-verification={token}")
}

/// A claim as the organisation's owners see it.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct DomainOut {
    /// The domain.
    pub domain: String,
    /// `pending`, or `verified`.
    pub status: &'static str,
    /// The DNS record that proves it. It stays: without it somebody else who proves the domain takes it over.
    pub record: RecordOut,
    /// When it was claimed.
    pub created_at: Timestamp,
    /// When it was proved.
    pub verified_at: Option<Timestamp>,
}

/// A DNS record.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct RecordOut {
    /// `TXT`.
    pub r#type: &'static str,
    /// Its name.
    pub name: String,
    /// What it says.
    pub value: String,
}

impl From<Domain> for DomainOut {
    fn from(domain: Domain) -> Self {
        let record =
            RecordOut { r#type: "TXT", name: domain.name.challenge_name(), value: domain.record_value() };
        let status = if domain.verified_at.is_some() { "verified" } else { "pending" };
        let Domain { name, created_at, verified_at, .. } = domain;
        Self { domain: name.to_string(), status, record, created_at, verified_at }
    }
}

/// The organisation that has proved a domain, and what it demands of the domain's people.
#[derive(Debug, Clone)]
pub(crate) struct DomainHolder {
    /// The organisation.
    pub(crate) org_id: OrgId,
    /// What its record says.
    pub(crate) token: String,
    /// Whether it can be used.
    pub(crate) status: OrgStatus,
    /// From when on its own provider is the only way in.
    pub(crate) sso_required_from: Option<Timestamp>,
    /// The owner for whom other ways stay open.
    pub(crate) break_glass: Option<UserId>,
    /// Whether whoever has proved an address of the domain joins by themselves.
    pub(crate) auto_join: bool,
}
