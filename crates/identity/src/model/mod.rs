//! The nouns and their pure rules: people, sessions and their tokens, links and codes, bans, metadata, API keys.

pub mod access_claims;
pub mod api_key;
pub mod auth_code;
pub mod ban;
pub mod challenge;
pub mod email_proof;
pub mod external_identity;
pub mod factor;
pub mod link;
pub mod metadata;
pub mod oauth_flow;
pub mod provider;
pub mod realm;
pub mod recovery_code;
pub mod refresh_token;
pub mod session;
pub mod totp;
pub mod user;

pub use auth_code::{AuthCode, CodeChallenge};
pub use challenge::{Challenge, ChallengeId, ChallengePurpose};
pub use email_proof::EmailProof;
pub use external_identity::{ExternalIdentity, IdentityId};
pub use factor::{Factor, FactorId, FactorKind};
pub use link::{Link, LinkEnding, LinkId, LinkSecrets, Purpose};
pub use metadata::Metadata;
pub use oauth_flow::OauthFlow;
pub use provider::{Attested, AttestedOrganization, Provider};
pub use realm::Realm;
pub use refresh_token::{Client, RefreshKeys, RefreshToken};
pub use session::{AuthMethod, SecondMethod, Session};
pub use user::User;
