//! Refresh tokens: exactly one child each, and only hashes stored.
//!
//! A token is `session id ‖ secret ‖ tag` in URL-safe Base64. The tag is a MAC, so that an invented token is refused
//! without a look at the database, and an old one of a real family is known as such although its hash is long gone.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quoin_kernel::hash::{equal_in_constant_time, hmac_sha256, sha256};
use quoin_kernel::port::Origin;
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{Rng, Secret, SessionId, Timestamp};
use uuid::Uuid;

use crate::model::Session;

const ID: usize = 16;
const SECRET: usize = 32;
const TAG: usize = 16;

/// A refresh token whose tag has been checked or just made.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    session_id: SessionId,
    secret: Secret<[u8; SECRET]>,
}

/// The keys that make and check refresh tokens; derived once, from the master key.
#[derive(Debug)]
pub struct RefreshKeys {
    tag: Secret<[u8; 32]>,
    child: Secret<[u8; 32]>,
}

/// What a presented token is to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The newest token: it may have its child.
    Newest,
    /// The newest token's parent, used again by the same client within the grace: it gets the same child.
    Repeated,
    /// Any other token of the family: somebody uses a copy.
    Reused,
}

/// The fingerprint of a client: its address and `User-Agent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client([u8; 32]);

impl Client {
    /// Takes the fingerprint of whoever sent the request.
    pub fn of(origin: &Origin) -> Self {
        Self(sha256(format!("{}\n{}", origin.ip, origin.user_agent).as_bytes()))
    }

    /// Returns the bytes that the row holds.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl RefreshKeys {
    /// Derives the keys.
    pub fn new(master: &MasterKey) -> Self {
        Self { tag: master.derive("identity.refresh.tag"), child: master.derive("identity.refresh.child") }
    }

    /// Makes the first token of a session.
    pub fn first(session_id: SessionId, rng: &dyn Rng) -> RefreshToken {
        let mut secret = [0; SECRET];
        rng.fill(&mut secret);
        RefreshToken { session_id, secret: Secret::new(secret) }
    }

    /// Makes the one child of a token.
    pub fn child(&self, parent: &RefreshToken, seed: &[u8; 32]) -> RefreshToken {
        let key = Secret::new(hmac_sha256(self.child.expose(), seed));
        let secret = Secret::new(hmac_sha256(key.expose(), parent.secret.expose()));
        RefreshToken { session_id: parent.session_id, secret }
    }

    /// Writes a token for its client.
    pub fn write(&self, token: &RefreshToken) -> String {
        let mut bytes = Vec::with_capacity(ID + SECRET + TAG);
        bytes.extend_from_slice(token.session_id.uuid().as_bytes());
        bytes.extend_from_slice(token.secret.expose());
        let tag = self.tag_of(&bytes);
        bytes.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token that [`RefreshKeys::write`] wrote; `None` for anything else.
    pub fn read(&self, text: &str) -> Option<RefreshToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, tag) = bytes.split_at_checked(ID + SECRET)?;
        if !equal_in_constant_time(&self.tag_of(body), tag) {
            return None;
        }
        let (id, secret) = body.split_at(ID);
        let session_id = SessionId::from_uuid(Uuid::from_slice(id).ok()?);
        Some(RefreshToken { session_id, secret: Secret::new(secret.try_into().ok()?) })
    }

    fn tag_of(&self, body: &[u8]) -> [u8; TAG] {
        let mut tag = [0; TAG];
        tag.copy_from_slice(&hmac_sha256(self.tag.expose(), body)[..TAG]);
        tag
    }
}

impl RefreshToken {
    /// Returns the session whose family the token belongs to.
    pub const fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// Returns the hash that the row holds.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.secret.expose())
    }

    /// Decides what the token is to its session when `client` presents it.
    ///
    /// Within `grace` after its use the same client may ask for the same child again: a lost answer, two tabs at once.
    pub fn standing(&self, session: &Session, client: &Client, now: Timestamp, grace: Duration) -> Standing {
        let hash = self.hash();
        if equal_in_constant_time(&hash, &session.token_hash) {
            return Standing::Newest;
        }
        let repeated = session.parent.as_ref().is_some_and(|parent| {
            equal_in_constant_time(&hash, &parent.hash)
                && parent.client == *client.bytes()
                && now.since(parent.used_at) <= grace
        });
        if repeated { Standing::Repeated } else { Standing::Reused }
    }
}
