//! The configuration: one file, one environment, one command line, in that order of growing precedence.

mod docs;
mod keys;
mod source;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use quoin_audit::AuditConfig;
use quoin_data::DataConfig;
use quoin_files::FilesConfig;
use quoin_identity::config::IdentityConfig;
use quoin_identity::model::provider::ProviderConfigs;
use quoin_jobs::JobsConfig;
use quoin_kernel::{Language, Secret};
use quoin_mail::MailConfig;
use quoin_pages::PagesConfig;
use quoin_payments::{PaymentsConfig, StripeConfig};
use quoin_tenancy::TenancyConfig;
use serde::{Deserialize, Serialize};

pub use docs::reference;
pub use source::{InvalidSettings, Overrides, environment, load};

/// A part of Quoin that can run as a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    /// Sign-in, people, organisations, keys, mails.
    Identity,
    /// The users' own tables.
    Data,
    /// Buckets and objects.
    Files,
    /// Plans and subscriptions.
    Payments,
}

/// Development or production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModeSetting {
    /// On loopback only: the mailbox and redirects to loopback are allowed.
    Development,
    /// Everything that is unsafe in public is refused.
    Production,
}

/// How lines are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

/// Everything that can be set, with its default.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The directory of the database file, the master key and everything else that stays; made when missing.
    pub data_dir: PathBuf,
    /// `postgres://user:password@host:port/database` instead of SQLite in the data directory.
    pub database_url: Option<Secret<String>>,
    /// Connections to PostgreSQL.
    pub database_connections: usize,
    /// The rooms this process serves; all of them when empty.
    pub only: Vec<Room>,
    /// Development or production; stored at the first start. By default development where the listen address and the
    /// public URL are loopback, else production.
    pub mode: Option<ModeSetting>,
    /// The base of every link that Quoin sends; `http://<listen>` by default.
    pub public_url: Option<String>,
    /// Where people land by default; the public URL by default.
    pub site_url: Option<String>,
    /// The language of pages and mails for people who have not said which one they read.
    pub language: Language,
    /// Where people may be sent besides the site URL.
    pub redirect_urls: Vec<String>,
    /// 64 hexadecimal digits that seal secrets at rest; else the file `master.key` in the data directory. Required
    /// where several nodes share a database.
    pub master_key: Option<Secret<String>>,
    /// Presets the publishable key: `quoin_pub_` and 32 or more characters.
    pub publishable_key: Option<String>,
    /// Presets the platform's secret key: `quoin_sec_` and 32 or more characters.
    pub secret_key: Option<Secret<String>>,
    /// Where a process that serves only other rooms asks who is calling.
    pub identity_url: Option<String>,
    /// As whom it asks: the id of an API key with the scope `introspect`.
    pub service_id: Option<String>,
    /// That API key.
    pub service_secret: Option<Secret<String>>,
    /// How many proxies in front append to `X-Forwarded-For`.
    pub trusted_proxies: usize,
    /// The origins whose pages may call; every origin when empty, never with cookies.
    pub cors_origins: Vec<String>,
    /// Says in `Strict-Transport-Security` that every host below the public URL's is reached over TLS too.
    pub hsts_include_subdomains: bool,
    /// Threads that serve requests; 0 takes one per core.
    pub threads: usize,
    /// Connections served at a time; more get 503.
    pub max_connections: usize,
    /// Seconds that running requests get to finish after SIGTERM; 25 at most.
    pub drain_s: u64,
    /// Which lines are logged, for example `info` or `quoin_db=debug,info`.
    pub log: String,
    /// How lines are logged.
    pub log_format: LogFormat,
    /// The directory of the users' own migrations, applied at start.
    pub migrations_dir: PathBuf,
    /// People and how they sign in.
    pub identity: IdentityConfig,
    /// Organisations and how people come into them.
    pub tenancy: TenancyConfig,
    /// Providers that attest who somebody is, by name: `google`, or any other with an issuer.
    pub providers: ProviderConfigs,
    /// Private networks that the server may reach, for example a provider inside the company; public ones always.
    #[schemars(with = "Vec<String>")]
    pub outbound_networks: Vec<IpNet>,
    /// The users' own tables.
    pub data: DataConfig,
    /// The audit trail.
    pub audit: AuditConfig,
    /// Buckets, objects and where they are kept.
    pub files: FilesConfig,
    /// The queue.
    pub jobs: JobsConfig,
    /// Mails and how they leave.
    pub mail: MailConfig,
    /// The pages that people meet, and how they look.
    pub pages: PagesConfig,
    /// Plans and what follows from them.
    pub payments: PaymentsConfig,
    /// Credentials for Stripe.
    pub stripe: StripeConfig,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_dir: "data".into(),
            database_url: None,
            database_connections: 16,
            only: Vec::new(),
            mode: None,
            public_url: None,
            site_url: None,
            language: Language::default(),
            redirect_urls: Vec::new(),
            master_key: None,
            publishable_key: None,
            secret_key: None,
            identity_url: None,
            service_id: None,
            service_secret: None,
            trusted_proxies: 0,
            cors_origins: Vec::new(),
            hsts_include_subdomains: false,
            threads: 0,
            max_connections: 10_000,
            drain_s: 25,
            log: "info".into(),
            log_format: LogFormat::Text,
            migrations_dir: "migrations".into(),
            identity: IdentityConfig::default(),
            tenancy: TenancyConfig::default(),
            providers: ProviderConfigs::new(),
            outbound_networks: Vec::new(),
            data: DataConfig::default(),
            audit: AuditConfig::default(),
            files: FilesConfig::default(),
            jobs: JobsConfig::default(),
            mail: MailConfig::default(),
            pages: PagesConfig::default(),
            payments: PaymentsConfig::default(),
            stripe: StripeConfig::default(),
        }
    }
}

impl Settings {
    /// Tells whether this process serves `room`.
    pub fn serves(&self, room: Room) -> bool {
        self.only.is_empty() || self.only.contains(&room)
    }
}
