//! Journeys to a provider and back.

use std::time::Duration;

use quoin_kernel::hash::sha256;
use quoin_kernel::{OrgId, Secret, Timestamp, UserId};
use quoin_tenancy::ConnectionId;
use serde::{Deserialize, Serialize};

use crate::model::CodeChallenge;

/// How long a journey may take.
pub const LIFETIME: Duration = Duration::from_mins(10);

/// A journey as the row holds it.
#[derive(Debug, Clone)]
pub struct OauthFlow {
    /// The hash of its state, or of the ticket it begins with.
    pub state_hash: [u8; 32],
    /// The provider's name.
    pub provider: String,
    /// The hash of the browser's cookie; none for a ticket.
    pub browser_hash: Option<Vec<u8>>,
    /// Nonce and verifier, sealed; none for a ticket.
    pub sealed: Option<Vec<u8>>,
    /// Where the person shall land.
    pub redirect_to: Option<String>,
    /// What the application that asks must be able to answer.
    pub challenge: Option<CodeChallenge>,
    /// The organisation's connection, where it is no provider of the configuration's.
    pub sso_connection_id: Option<ConnectionId>,
    /// Whose account the identity is to be linked to.
    pub link_user_id: Option<UserId>,
    /// The organisation whose people it is about, where they belong to one each; a connection names its own.
    pub realm_id: Option<OrgId>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it is too late to come back.
    pub expires_at: Timestamp,
}

/// What only this server may know about a journey.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FlowSecrets {
    /// The nonce that the ID token must repeat.
    pub nonce: String,
    /// The verifier of our own PKCE leg.
    pub verifier: String,
}

/// Returns the hash under which a state or ticket is found again.
pub fn state_hash(state: &Secret<String>) -> [u8; 32] {
    sha256(state.expose().as_bytes())
}
