//! Asking the holder of a factor to show it.

use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, UserCaller, UserId};
use serde_json::Value;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::challenge::LIFETIME;
use crate::model::{Challenge, ChallengeId, ChallengePurpose, Factor, FactorId, FactorKind, User};
use crate::port::{Ceremony, KeyOwner};
use crate::service::step_up::demand_strong;
use crate::service::update_user::own_session;
use crate::service::upstream::owed_factor;
use crate::store::challenges_global;

/// The purpose under which the state of a device's ceremony is sealed.
const SEALED_AS: &str = "identity.challenge";

/// A question, and what a device is asked.
#[derive(Debug)]
pub struct AskedChallenge {
    /// The challenge.
    pub challenge: Challenge,
    /// What a device is asked: the options of `navigator.credentials`.
    pub options: Option<Value>,
    /// What kind of factor is asked for.
    pub kind: FactorKind,
}

/// Makes a challenge for one of the caller's factors.
///
/// # Errors
/// `mfa_factor_not_found`; for a factor that was never shown also `insufficient_aal` and `reauthentication_needed`.
pub async fn challenge_factor(
    identity: &Identity,
    caller: &UserCaller,
    factor_id: FactorId,
    origin: &Origin,
) -> Result<AskedChallenge, Problem> {
    let (user, session) = own_session(identity, caller).await?;
    if let Some(store) = identity.user_store().filter(|_| session.owed_factor.is_some()) {
        return owed_factor::challenge(identity, store, (&user, &session), factor_id, origin).await;
    }
    let factor = own_factor(&user, factor_id)?;
    if factor.verified_at.is_none() {
        demand_strong(identity, (&user, &session), origin)?;
    }
    let (purpose, ceremony) = match (factor.kind, &factor.credential) {
        (FactorKind::Totp, _) => (ChallengePurpose::Totp, None),
        (_, Some(key)) => {
            let ceremony = identity.webauthn()?.begin_authentication(std::slice::from_ref(key));
            (ChallengePurpose::WebauthnGet, Some(ceremony.map_err(Problem::internal)?))
        }
        (_, None) => {
            let ceremony = begin_registration(identity, &user)?;
            (ChallengePurpose::WebauthnCreate, Some(ceremony))
        }
    };
    ask(identity, (Some(user.id), Some(factor_id)), purpose, ceremony, origin).await
}

/// Finds one of a person's second factors; passkeys are no second factors.
pub(crate) fn own_factor(user: &User, id: FactorId) -> Result<&Factor, IdentityError> {
    let found = user.factors.iter().find(|factor| factor.id == id && factor.kind != FactorKind::Passkey);
    found.ok_or(IdentityError::FactorNotFound)
}

/// Begins to register a key beside those that a person has.
pub(crate) fn begin_registration(identity: &Identity, user: &User) -> Result<Ceremony, Problem> {
    let owner = KeyOwner {
        user_id: user.id,
        name: user.account(),
        display_name: user.shown_name().map_or_else(|| user.account(), str::to_owned),
    };
    let known: Vec<Vec<u8>> = user.factors.iter().filter_map(|factor| factor.credential_id.clone()).collect();
    identity.webauthn()?.begin_registration(&owner, &known).map_err(Problem::internal)
}

/// Writes a challenge down, its state sealed.
pub(crate) async fn ask(
    identity: &Identity,
    (user_id, factor_id): (Option<UserId>, Option<FactorId>),
    purpose: ChallengePurpose,
    ceremony: Option<Ceremony>,
    origin: &Origin,
) -> Result<AskedChallenge, Problem> {
    let (app, now) = (identity.app(), origin.now);
    let sealed = ceremony.as_ref().map(|asked| app.master_key().seal(SEALED_AS, asked.state.expose()));
    let challenge = Challenge {
        id: ChallengeId::new(now, app.rng()),
        user_id,
        factor_id,
        purpose,
        sealed_state: sealed,
        created_at: now,
        expires_at: now + LIFETIME,
    };
    let stored = challenge.clone();
    identity
        .db()
        .write("identity.challenge.create", move |tx| {
            Ok::<_, Problem>(challenges_global::insert(tx, &stored)?)
        })
        .await?;
    let kind = if ceremony.is_some() { FactorKind::Webauthn } else { FactorKind::Totp };
    Ok(AskedChallenge { challenge, options: ceremony.map(|asked| asked.options), kind })
}

/// Opens the state that belongs to a challenge.
pub(crate) fn open_state(identity: &Identity, challenge: &Challenge) -> Result<Vec<u8>, Problem> {
    let sealed = challenge.sealed_state.as_deref().unwrap_or_default();
    let opened = identity.app().master_key().open(SEALED_AS, sealed).map_err(Problem::internal)?;
    Ok(opened.expose().clone())
}
