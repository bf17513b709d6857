//! User Authentication API: who somebody is, and for how long we believe it.
//!
//! Nouns: a *user* is a person; a *session* is one sign-in of theirs on one device; an *access token* is a signed
//! statement about it that lives an hour at most; a *refresh token* is used once for the next pair; a *link* or *code*
//! is mailed and used once; a *factor* is something a person holds; an *API key* is the administrator's.
//!
//! Invariants: one function issues sessions and every door calls it. Whatever is used once is consumed by one
//! conditional statement, in the transaction of its effect. Of passwords, links, refresh tokens and keys only hashes are
//! stored; signing keys are sealed. What ends early is written to the revocation list in the transaction that ends it.
//!
//! Reading order: `model/` (nouns), `service/` (verbs), `keyring/` (signing keys), `authenticator/` (who is calling),
//! `password/` (hashing), `store/` (SQL), `http/` (shapes), `pages/` (what a mailed link opens).

pub mod authenticator;
pub mod config;
pub mod error;
pub mod http;
mod jobs;
pub mod keyring;
pub mod model;
mod pages;
pub mod password;
mod people;
pub mod port;
mod profiles;
pub mod remote;
pub mod service;
pub mod store;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::extract::FromRef;
use quoin_audit::{Actor, Entry};
use quoin_db::{Db, Migration, Statement, Tx, migrations};
use quoin_kernel::port::{Billing, Origin};
use quoin_kernel::{Problem, Timestamp};
use quoin_web::{App, Module};

use authenticator::{ApiKeys, LiveIssuers, RevocationList, TokenCache};
use config::{IdentityConfig, IdentityMode};
use error::IdentityError;
pub use jobs::{EMPTY_LOG, FORGET_ORG};
use keyring::Keyring;
use model::Provider;
use password::Passwords;
use port::{OpenId, UserStore, WebAuthn};
pub use profiles::profiles_view;

/// The room's schema.
pub static MIGRATIONS: &[Migration] = migrations!(
    "identity",
    "0001_signing_keys",
    "0002_api_keys",
    "0010_users",
    "0011_sessions",
    "0012_links",
    "0013_factors",
    "0014_identities",
    "0015_sessions_by_person" and "0015_sessions_by_person.postgres",
    "0016_sso",
    "0017_realms" and "0017_realms.postgres",
    "0020_upstream",
    "0024_codes_of_sessions"
);

/// Every statement of this room.
pub static STATEMENTS: &[&[&Statement]] = &[
    store::api_keys_global::ALL,
    store::challenges_global::ALL,
    store::codes_global::ALL,
    store::factors_global::ALL,
    store::identities_global::ALL,
    store::links_global::ALL,
    store::oauth_flows_global::ALL,
    store::sessions_global::ALL,
    store::signing_keys_global::ALL,
    store::users_global::ALL,
];

/// The room: everything its services need. Cloning shares it.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    app: App,
    config: IdentityConfig,
    issuer: String,
    keyring: Keyring,
    passwords: Passwords,
    revocations: Arc<RevocationList>,
    issuers: LiveIssuers,
    tokens: TokenCache,
    api_keys: ApiKeys,
    keys_reloaded_at: AtomicI64,
    webauthn: OnceLock<Arc<dyn WebAuthn>>,
    billing: OnceLock<Arc<dyn Billing>>,
    openid: OnceLock<Upstreams>,
    user_store: OnceLock<Arc<dyn UserStore>>,
}

/// The providers that may be asked, and who asks them.
struct Upstreams {
    openid: Arc<dyn OpenId>,
    providers: Vec<Provider>,
}

impl Identity {
    /// Starts the hashing threads and loads, or makes, the signing keys. The schema must be there.
    pub async fn start(app: App, config: IdentityConfig) -> Result<Self, Problem> {
        let passwords = Passwords::start(&config, app.shared_rng()).map_err(Problem::internal)?;
        let issuer = format!("{}/auth/v1", app.config().public_url.as_str().trim_end_matches('/'));
        let revocations = Arc::<RevocationList>::default();
        let issuers = LiveIssuers::beside(app.clone(), Arc::clone(&revocations));
        let identity = Self(Arc::new(Inner {
            app,
            config,
            issuer,
            keyring: Keyring::default(),
            passwords,
            revocations,
            issuers,
            tokens: TokenCache::default(),
            api_keys: ApiKeys::default(),
            keys_reloaded_at: AtomicI64::new(0),
            webauthn: OnceLock::new(),
            billing: OnceLock::new(),
            openid: OnceLock::new(),
            user_store: OnceLock::new(),
        }));
        let inner = &identity.0;
        identity.check_mode().await?;
        inner.keyring.load(identity.db(), inner.app.master_key(), inner.app.rng(), inner.app.now()).await?;
        Ok(identity)
    }

    /// Refuses a mode that the accounts which are there contradict: nobody can say to which organisation somebody belongs who
    /// belongs to several, nor which of two people an address shall be.
    async fn check_mode(&self) -> Result<(), Problem> {
        let mode = self.config().mode;
        let contradicts = move |tx: &mut Tx<'_>| match mode {
            IdentityMode::Global => store::users_global::is_anybody_of_organizations(tx),
            IdentityMode::PerOrganization => store::users_global::is_anybody_of_instance(tx),
        };
        if !self.db().read("identity.mode.check", contradicts).await? {
            return Ok(());
        }
        let why = match mode {
            IdentityMode::Global => "the people here belong to one organisation each",
            IdentityMode::PerOrganization => "there are people here who belong to no single organisation",
        };
        let mode = serde_json::to_string(&mode).map_err(Problem::internal)?;
        Err(Problem::new(409, "identity_mode_differs", "identity.mode contradicts the accounts").detail(format!(
            "identity.mode = {mode} cannot be used: {why}. The mode is decided before the first account is made: set it \
             back, or begin with an empty instance."
        )))
    }

    /// The configuration.
    pub fn config(&self) -> &IdentityConfig {
        &self.0.config
    }

    /// Hands over who knows what has been paid for, once; introspection tells it to other services.
    pub fn connect_billing(&self, billing: Arc<dyn Billing>) {
        // A second one would come from a second start of the same process; the first one stays.
        self.0.billing.get_or_init(|| billing);
    }

    pub(crate) fn billing(&self) -> Option<&dyn Billing> {
        self.0.billing.get().map(AsRef::as_ref)
    }

    /// What every room shares.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// The signing keys.
    pub fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    /// The hashing threads.
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Hands over who judges passkeys and security keys, once; until then there are none.
    pub fn connect_webauthn(&self, webauthn: Arc<dyn WebAuthn>) {
        // A second adapter would come from a second start of the same process; the first one stays.
        self.0.webauthn.get_or_init(|| webauthn);
    }

    /// Hands over who asks OpenID providers, and which there are, once; until then there are none.
    pub fn connect_openid(&self, openid: Arc<dyn OpenId>, providers: Vec<Provider>) {
        // A second adapter would come from a second start of the same process; the first one stays.
        self.0.openid.get_or_init(|| Upstreams { openid, providers });
    }

    /// Lists the providers that may be asked.
    pub fn providers(&self) -> &[Provider] {
        self.0.openid.get().map_or(&[], |upstreams| &upstreams.providers)
    }

    /// Hands over who keeps people in place of this room, once; until then it keeps them itself.
    pub fn connect_user_store(&self, store: Arc<dyn UserStore>) {
        // A second one would come from a second start of the same process; the first one stays.
        self.0.user_store.get_or_init(|| store);
    }

    /// Returns who keeps people in place of this room.
    pub fn user_store(&self) -> Option<&dyn UserStore> {
        self.0.user_store.get().map(AsRef::as_ref)
    }

    pub(crate) fn openid(&self) -> Result<&dyn OpenId, IdentityError> {
        let upstreams = self.0.openid.get().ok_or(IdentityError::ProviderNotSupported)?;
        Ok(upstreams.openid.as_ref())
    }

    pub(crate) fn provider(&self, name: &str) -> Result<&Provider, IdentityError> {
        let found = self.providers().iter().find(|provider| provider.name == name);
        found.ok_or(IdentityError::ProviderNotSupported)
    }

    pub(crate) fn webauthn(&self) -> Result<&dyn WebAuthn, IdentityError> {
        self.0.webauthn.get().map(AsRef::as_ref).ok_or(IdentityError::WebAuthnDisabled)
    }

    /// The `iss` claim of this instance's tokens.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Starts an audit entry about this request.
    pub(crate) fn entry(&self, actor: Actor, action: &'static str, origin: &Origin) -> Entry {
        Entry::new(self.0.app.rng(), origin.now, actor, action).from(origin)
    }

    pub(crate) fn db(&self) -> &Db {
        self.0.app.db().system()
    }
}

impl Inner {
    /// Allows one reload of the signing keys per second, so that made-up key names cost little.
    fn may_reload_keys(&self, now: Timestamp) -> bool {
        let last = self.keys_reloaded_at.load(Ordering::Relaxed);
        let due = now.as_micros() - last >= 1_000_000;
        due && self
            .keys_reloaded_at
            .compare_exchange(last, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

impl FromRef<Identity> for App {
    fn from_ref(identity: &Identity) -> Self {
        identity.0.app.clone()
    }
}

/// Describes the room to `server`.
pub fn module(identity: &Identity) -> Module {
    Module {
        jobs: jobs::job_types(identity),
        schedules: jobs::schedules(),
        ..Module::new("identity", http::routes(identity.clone()))
    }
}

#[cfg(test)]
mod tests;
