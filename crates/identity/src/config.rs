//! The section `[identity]` of the configuration.

mod upstream;

use std::time::Duration;

pub use upstream::{UpstreamConfig, UpstreamKind};

use serde::{Deserialize, Serialize};

/// What sign-up and sign-in do before an address is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unverified {
    /// No session until the address is proved.
    Refuse,
    /// A session at once, with `email_verified: false` in its token. Reveals which addresses have an account.
    Restricted,
    /// Every address counts as proved. Only where somebody else proves them.
    Autoconfirm,
}

/// Whose people are whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityMode {
    /// An address is one person, who belongs to any number of organisations.
    Global,
    /// An address is one person for each organisation, who belongs to that one alone.
    PerOrganization,
}

/// How people sign up and in.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Whether an address is one person here, or one for each organisation; decided before the first account is made.
    pub mode: IdentityMode,
    /// The fewest characters a password may have; 8 at least, 15 recommended where it stands alone.
    pub password_min_length: usize,
    /// What happens before an address is proved.
    pub unverified: Unverified,
    /// Seconds an access token lives; 3600 at most.
    pub access_token_s: u64,
    /// Seconds a session lives without being refreshed.
    pub session_idle_s: u64,
    /// Seconds a session lives at most, however often it is refreshed; 0 sets no end.
    pub session_max_s: u64,
    /// Seconds links and codes live; 900 at most.
    pub link_s: u64,
    /// Seconds after a sign-in during which password or address may be changed without a code.
    pub recent_sign_in_s: u64,
    /// Seconds within which the same client gets the same answer for the same refresh token again.
    pub refresh_grace_s: u64,
    /// Whether people may sign themselves up.
    pub sign_up: bool,
    /// Whether people may have passwords; without, mailed links and codes are the way in.
    pub passwords: bool,
    /// Whether somebody may come in without showing anything, and convert the account later.
    pub anonymous: bool,
    /// Anonymous sign-ins from one address of the network within an hour.
    pub anonymous_per_ip: u32,
    /// Whether everybody has to show a second factor; otherwise whoever has enrolled one.
    pub second_factor_required: bool,
    /// The domain that passkeys belong to; the site URL's host by default.
    pub webauthn_rp_id: Option<String>,
    /// The origins whose pages may ask for passkeys; the site URL's and the public URL's by default.
    pub webauthn_origins: Vec<String>,
    /// What people see as the issuer in their authenticator app and on their devices.
    pub product_name: String,
    /// Wrong passwords per account within 15 minutes before it has to wait; wrong codes of its second factors likewise, which
    /// are counted apart.
    pub failures_per_account: u32,
    /// Wrong passwords per address of the network within 15 minutes before it has to wait.
    pub failures_per_ip: u32,
    /// Sign-ups that open a session at once (`unverified` is not `refuse`) from one address of the network within an hour.
    pub sign_ups_per_ip: u32,
    /// Mails to one address within an hour.
    pub mails_per_address: u32,
    /// Mails asked for from one address of the network within an hour.
    pub mails_per_ip: u32,
    /// Threads that hash passwords; 0 takes one per core.
    pub hash_threads: usize,
    /// Sign-ins that may wait for a hashing thread before 503 is answered.
    pub hash_queue: usize,
    /// Argon2id memory in KiB.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_passes: u32,
    /// A provider that keeps people and their passwords in place of this program.
    pub upstream: UpstreamConfig,
}

/// A value outside its range.
#[derive(Debug, thiserror::Error)]
#[error("identity.{field} {problem}")]
pub struct InvalidConfig {
    field: &'static str,
    problem: &'static str,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            mode: IdentityMode::Global,
            password_min_length: 8,
            unverified: Unverified::Refuse,
            access_token_s: 3600,
            session_idle_s: 60 * 24 * 3600,
            session_max_s: 365 * 24 * 3600,
            link_s: 600,
            recent_sign_in_s: 24 * 3600,
            refresh_grace_s: 10,
            sign_up: true,
            passwords: true,
            anonymous: false,
            anonymous_per_ip: 30,
            second_factor_required: false,
            webauthn_rp_id: None,
            webauthn_origins: Vec::new(),
            product_name: "Quoin".into(),
            failures_per_account: 10,
            failures_per_ip: 100,
            sign_ups_per_ip: 50,
            mails_per_address: 5,
            mails_per_ip: 50,
            hash_threads: 0,
            hash_queue: 64,
            argon2_memory_kib: 19_456,
            argon2_passes: 2,
            upstream: UpstreamConfig::default(),
        }
    }
}

impl IdentityConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// The first field that is outside of its range.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let is_global = self.mode == IdentityMode::Global;
        let rules = [
            (
                is_global || !self.anonymous,
                "anonymous",
                "must be false where identity.mode is per_organization",
            ),
            (self.password_min_length >= 6, "password_min_length", "must be 6 or more"),
            (self.password_min_length <= 64, "password_min_length", "must be 64 or less"),
            ((1..=3600).contains(&self.access_token_s), "access_token_s", "must be between 1 and 3600"),
            (
                self.session_idle_s >= self.access_token_s,
                "session_idle_s",
                "must not be below access_token_s",
            ),
            (
                self.session_max_s == 0 || self.session_max_s >= self.access_token_s,
                "session_max_s",
                "must be 0 or not below access_token_s",
            ),
            ((60..=900).contains(&self.link_s), "link_s", "must be between 60 and 900"),
            (self.refresh_grace_s <= 10, "refresh_grace_s", "must be 10 or less"),
            (self.hash_queue > 0, "hash_queue", "must be 1 or more"),
            (self.argon2_memory_kib >= 7168, "argon2_memory_kib", "must be 7168 or more"),
            (self.argon2_passes >= 1, "argon2_passes", "must be 1 or more"),
            (
                self.upstream.provider.is_none() || !self.anonymous,
                "anonymous",
                "must be false where a provider keeps people",
            ),
            (
                self.upstream.provider.is_none() || is_global,
                "mode",
                "must be global where a provider keeps people: an address names one person there",
            ),
        ];
        let broken = rules.into_iter().find(|(holds, _, _)| !holds);
        broken.map_or(Ok(()), |(_, field, problem)| Err(InvalidConfig { field, problem }))?;
        self.upstream.validate()
    }

    /// How long an access token lives.
    pub fn access_token(&self) -> Duration {
        Duration::from_secs(self.access_token_s)
    }

    /// How long a session lives at most; `None` where there is no end.
    pub fn session_max(&self) -> Option<Duration> {
        (self.session_max_s > 0).then(|| Duration::from_secs(self.session_max_s))
    }

    /// How long links and codes live.
    pub fn link(&self) -> Duration {
        Duration::from_secs(self.link_s)
    }
}
