//! By whom a person is known elsewhere.

use quoin_kernel::{Id, Timestamp, UserId};
use serde_json::{Value, json};

use crate::model::provider::Attested;

/// The kind of thing that an [`IdentityId`] names.
#[derive(Debug)]
pub enum IdentityKind {}

/// Identifies an external identity.
pub type IdentityId = Id<IdentityKind>;

/// The largest description that is kept of somebody, in bytes of JSON.
const MAX_BYTES: usize = 4096;

/// An external identity as the row holds it.
#[derive(Debug, Clone)]
pub struct ExternalIdentity {
    /// The identity.
    pub id: IdentityId,
    /// Whose it is.
    pub user_id: UserId,
    /// The provider's name here.
    pub provider: String,
    /// The provider's own name for itself.
    pub issuer: String,
    /// Who it is there, for ever.
    pub subject: String,
    /// What the provider said last.
    pub data: Value,
    /// When it was last used.
    pub last_sign_in_at: Timestamp,
    /// When it was linked.
    pub created_at: Timestamp,
    /// When the provider last said something else.
    pub updated_at: Timestamp,
}

impl ExternalIdentity {
    /// Starts an identity that a provider has just attested.
    pub fn new(
        (id, user_id): (IdentityId, UserId),
        provider: &str,
        attested: &Attested,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            user_id,
            provider: provider.to_owned(),
            issuer: attested.issuer.clone(),
            subject: attested.subject.clone(),
            data: described(attested),
            last_sign_in_at: now,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Writes what is kept of an attestation; one that is too large is cut down to who it is.
pub fn described(attested: &Attested) -> Value {
    let mut data = attested.profile.clone();
    let facts = json!({
        "iss": attested.issuer, "sub": attested.subject, "provider_id": attested.subject,
        "email": attested.email, "email_verified": attested.email_verified, "phone_verified": false,
    });
    if let Value::Object(facts) = facts {
        let whole = Value::Object(facts.clone());
        data.extend(facts);
        let data = Value::Object(data);
        return if data.to_string().len() <= MAX_BYTES { data } else { whole };
    }
    Value::Object(data)
}
