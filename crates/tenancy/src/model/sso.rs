//! The OpenID provider that an organisation brings along, and what it may say.

use quoin_kernel::seal::MasterKey;
use quoin_kernel::{EmailAddress, Id, OrgId, Problem, Secret, Timestamp};
use serde::Serialize;
use url::Url;

/// The purpose under which the secrets of connections are sealed.
const SEALED_AS: &str = "tenancy.sso";

/// The kind of thing that a [`ConnectionId`] names.
#[derive(Debug)]
pub enum ConnectionKind {}

/// Identifies a connection.
pub type ConnectionId = Id<ConnectionKind>;

/// A connection, as the row holds it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The connection; a provider that is replaced gets another one.
    pub id: ConnectionId,
    /// The organisation.
    pub org_id: OrgId,
    /// The issuer, byte for byte as its tokens say.
    pub issuer: String,
    /// The id under which this instance is registered there.
    pub client_id: String,
    /// The secret that goes with it, sealed.
    pub client_secret: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When somebody first came through it.
    pub first_used_at: Option<Timestamp>,
}

/// A connection that may be used now, with the domains for which it speaks.
#[derive(Debug, Clone)]
pub struct SsoConnection {
    /// The connection.
    pub connection: Connection,
    /// The domains that its organisation has proved; never none.
    pub domains: Vec<String>,
}

/// By what a connection is looked up.
#[derive(Debug, Clone)]
pub enum SsoKey {
    /// A mail domain that its organisation has proved.
    Domain(String),
    /// The connection itself.
    Connection(ConnectionId),
}

/// What an organisation wants to be connected to.
#[derive(Debug, Clone)]
pub struct ConnectionWish {
    /// The issuer.
    pub issuer: String,
    /// The id under which this instance is registered there.
    pub client_id: String,
    /// The secret that goes with it; where it is missing, the one before stays for the same client of the same issuer.
    pub client_secret: Option<Secret<String>>,
}

/// A connection as the organisation's owners see it; the secret never leaves.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct ConnectionOut {
    /// The connection: `signInWithSSO({providerId})` takes it.
    pub id: ConnectionId,
    /// The issuer.
    pub issuer: String,
    /// The id under which this instance is registered there.
    pub client_id: String,
    /// Whether there is a secret.
    pub has_client_secret: bool,
    /// Where the provider sends people back to; registered there.
    pub redirect_uri: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When somebody first came through it; before that it cannot be required.
    pub first_used_at: Option<Timestamp>,
}

impl ConnectionWish {
    /// Checks every field. A provider is reached by HTTPS, or in development on this machine.
    ///
    /// # Errors
    /// The field that cannot be used, and the rule.
    pub fn check(&self, in_development: bool) -> Result<(), (&'static str, &'static str)> {
        let url = Url::parse(&self.issuer).ok().filter(|url| self.issuer.len() <= 500 && is_plain(url));
        let scheme = url.as_ref().map_or("", Url::scheme);
        if scheme != "https" && !(in_development && scheme == "http") {
            return Err((
                "issuer",
                "must be an https URL without query or fragment, as the provider writes it",
            ));
        }
        let usable = |text: &str| (1..=500).contains(&text.len()) && !text.chars().any(char::is_control);
        if !usable(&self.client_id) {
            return Err(("client_id", "must have 1 to 500 characters"));
        }
        // An empty secret is a published one.
        if self.client_secret.as_ref().is_some_and(|secret| !usable(secret.expose())) {
            return Err(("client_secret", "must have 1 to 500 characters, or be left out"));
        }
        Ok(())
    }

    /// Seals the secret.
    pub fn seal(&self, key: &MasterKey) -> Option<Vec<u8>> {
        self.client_secret.as_ref().map(|secret| key.seal(SEALED_AS, secret.expose().as_bytes()))
    }
}

fn is_plain(url: &Url) -> bool {
    let bare = url.query().is_none() && url.fragment().is_none();
    bare && url.has_host() && url.username().is_empty() && url.password().is_none()
}

impl Connection {
    /// Opens the secret.
    ///
    /// # Errors
    /// 500 where it was sealed with another key.
    pub fn open_secret(&self, key: &MasterKey) -> Result<Option<Secret<String>>, Problem> {
        let Some(sealed) = &self.client_secret else { return Ok(None) };
        let opened = key.open(SEALED_AS, sealed).map_err(Problem::internal)?;
        let text = String::from_utf8(opened.expose().clone()).map_err(Problem::internal)?;
        Ok(Some(Secret::new(text)))
    }

    /// Shows it without its secret.
    pub fn show(self, redirect_uri: String) -> ConnectionOut {
        let Self { id, issuer, client_id, client_secret, created_at, updated_at, first_used_at, .. } = self;
        let has_client_secret = client_secret.is_some();
        ConnectionOut {
            id,
            issuer,
            client_id,
            has_client_secret,
            redirect_uri,
            created_at,
            updated_at,
            first_used_at,
        }
    }
}

impl SsoConnection {
    /// Tells whether it may speak for an address.
    pub fn speaks_for(&self, email: &EmailAddress) -> bool {
        self.domains.iter().any(|domain| domain == email.domain())
    }
}
