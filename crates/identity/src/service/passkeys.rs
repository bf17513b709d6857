//! Passkeys: keys that sign in by themselves, because they are held and unlocked by their holder.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, UserCaller, UserId};
use serde_json::Value;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{AuthMethod, ChallengeId, ChallengePurpose, Factor, FactorId, FactorKind, User};
use crate::port::NewKey;
use crate::service::challenge_factor::{AskedChallenge, ask, begin_registration, open_state};
use crate::service::enrol_factor::{check_room_for, usable_name};
use crate::service::issue_session::{IssuedSession, OpenSession, SessionDraft, issue_session};
use crate::service::letters::{self, FactorChange, Letter};
use crate::service::limits::{self, Guessed};
use crate::service::realm::concerns;
use crate::service::step_up::{own_strong_session, strong_session_in};
use crate::service::update_user::own_session;
use crate::service::upstream::gate;
use crate::service::verify_factor::{accepted, find_challenge};
use crate::store::{challenges_global, factors_global, users_global};

/// Asks a device to make a passkey for the caller.
///
/// # Errors
/// `insufficient_aal`, `reauthentication_needed`, `mfa_webauthn_enroll_not_enabled`.
pub async fn begin_passkey(
    identity: &Identity,
    caller: &UserCaller,
    origin: &Origin,
) -> Result<AskedChallenge, Problem> {
    gate::demand_own_store(identity)?;
    let (user, _) = own_strong_session(identity, caller, origin).await?;
    check_room_for(&user, None)?;
    let ceremony = begin_registration(identity, &user)?;
    ask(identity, (Some(user.id), None), ChallengePurpose::PasskeyCreate, Some(ceremony), origin).await
}

/// Keeps the passkey that a device has made.
///
/// # Errors
/// `webauthn_challenge_not_found`, `webauthn_verification_failed`, and those of [`begin_passkey`].
pub async fn finish_passkey(
    identity: &Identity,
    caller: &UserCaller,
    (challenge_id, answer): (ChallengeId, Value),
    origin: &Origin,
) -> Result<Factor, Problem> {
    let (user, _) = own_strong_session(identity, caller, origin).await?;
    let challenge = find_challenge(identity, challenge_id, origin).await?;
    let challenge = challenge
        .filter(|found| found.purpose == ChallengePurpose::PasskeyCreate && found.user_id == Some(user.id));
    let challenge = challenge.ok_or(IdentityError::WebAuthnChallengeNotFound)?;
    let state = open_state(identity, &challenge)?;
    let made = accepted(identity.webauthn()?.finish_registration(&answer, &state));
    let made = made.ok_or(IdentityError::WebAuthnRefused)?;
    let id = FactorId::new(origin.now, identity.app().rng());
    let session_id = caller.session_id;
    let (inside, seen_from) = (identity.clone(), origin.clone());
    identity
        .db()
        .write("identity.passkey.register", move |tx| {
            let (user, _) = strong_session_in(tx, &inside, session_id, &seen_from)?;
            check_room_for(&user, None)?;
            if !challenges_global::consume(tx, challenge_id, seen_from.now)? {
                return Err(IdentityError::WebAuthnChallengeNotFound.into());
            }
            keep(tx, &inside, &user, (id, &made), &seen_from)
        })
        .await
}

fn keep(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    (id, made): (FactorId, &NewKey),
    origin: &Origin,
) -> Result<Factor, Problem> {
    let now = origin.now;
    if factors_global::find_by_credential(tx, &made.credential_id)?.is_some() {
        return Err(IdentityError::WebAuthnRefused.into());
    }
    let mut factor = Factor::new(id, user.id, FactorKind::Passkey, now);
    factor.credential_id = Some(made.credential_id.clone());
    factor.credential = Some(made.key.clone());
    factor.verified_at = Some(now);
    factors_global::insert(tx, &factor)?;
    let letter = Letter::FactorChanged { what: FactorChange::PasskeyAdded };
    letters::tell(tx, identity, user, &letter, origin)?;
    let entry = identity.entry(Actor::User(user.id), "identity.passkey.registered", origin);
    quoin_audit::record(tx, &entry.on(id))?;
    Ok(factor)
}

/// Asks a device for whatever passkey it has for this site. Whose it is shows in the answer.
///
/// # Errors
/// `mfa_webauthn_enroll_not_enabled`.
pub async fn begin_passkey_sign_in(identity: &Identity, origin: &Origin) -> Result<AskedChallenge, Problem> {
    gate::demand_own_store(identity)?;
    let ceremony = identity.webauthn()?.begin_discovery().map_err(Problem::internal)?;
    ask(identity, (None, None), ChallengePurpose::PasskeyGet, Some(ceremony), origin).await
}

/// Opens a session of level `aal2` for the holder of a passkey.
///
/// # Errors
/// `webauthn_challenge_not_found`, `webauthn_verification_failed`, `user_banned`, `email_not_confirmed`; 429 after too
/// many answers that proved nothing.
pub async fn sign_in_with_passkey(
    identity: &Identity,
    (challenge_id, answer): (ChallengeId, Value),
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    // There is no account yet that failures could be counted against, so they are counted by network address.
    limits::check_failures(identity, Guessed::Password(""), origin).await?;
    let found = find_challenge(identity, challenge_id, origin).await?;
    let challenge = found.filter(|challenge| challenge.purpose == ChallengePurpose::PasskeyGet);
    let challenge = challenge.ok_or(IdentityError::WebAuthnChallengeNotFound)?;
    let state = open_state(identity, &challenge)?;
    let Some((factor, key)) = judge(identity, &answer, &state).await? else {
        limits::count_network_failure(identity, origin).await?;
        return Err(IdentityError::WebAuthnRefused.into());
    };
    let draft = SessionDraft::new(identity, AuthMethod::Passkey, origin.now);
    let (inside, seen_from) = (identity.clone(), origin.clone());
    let open = identity
        .db()
        .write("identity.passkey.sign_in", move |tx| {
            if !challenges_global::consume(tx, challenge_id, seen_from.now)? {
                return Err(Problem::from(IdentityError::WebAuthnChallengeNotFound));
            }
            open(tx, &inside, (&factor, &key), &draft, &seen_from)
        })
        .await?;
    open.sign(identity, origin.now)
}

/// Finds the passkey that an answer claims, and judges the answer by it.
async fn judge(
    identity: &Identity,
    answer: &Value,
    state: &[u8],
) -> Result<Option<(Factor, Value)>, Problem> {
    let webauthn = identity.webauthn()?;
    let Some(claimed) = accepted(webauthn.claimed_key(answer)) else { return Ok(None) };
    let id = claimed.credential_id;
    let found = identity
        .db()
        .read("identity.passkey.find", move |tx| factors_global::find_by_credential(tx, &id))
        .await?;
    let found =
        found.filter(|factor| factor.kind == FactorKind::Passkey && factor.user_id == claimed.user_id);
    let Some(factor) = found else { return Ok(None) };
    let kept = factor.credential.clone().unwrap_or_default();
    Ok(accepted(webauthn.finish_discovery(answer, state, &kept)).map(|key| (factor, key)))
}

fn open(
    tx: &mut Tx<'_>,
    identity: &Identity,
    (factor, key): (&Factor, &Value),
    draft: &SessionDraft,
    origin: &Origin,
) -> Result<OpenSession, Problem> {
    let user = users_global::find(tx, factor.user_id)?.filter(|user| concerns(origin, user));
    let user = user.ok_or(IdentityError::WebAuthnRefused)?;
    if !factors_global::update_credential(tx, factor, key, origin.now)? {
        return Err(IdentityError::WebAuthnRefused.into());
    }
    issue_session(tx, identity, user, draft, origin)
}

/// Lists the caller's passkeys.
///
/// # Errors
/// `session_not_found`.
pub async fn list_passkeys(identity: &Identity, caller: &UserCaller) -> Result<Vec<Factor>, Problem> {
    let (user, _) = own_session(identity, caller).await?;
    Ok(user.factors.into_iter().filter(|factor| factor.kind == FactorKind::Passkey).collect())
}

/// Renames one of the caller's passkeys.
///
/// # Errors
/// `webauthn_credential_not_found`; 400 `validation_failed` for a name that cannot be used.
pub async fn rename_passkey(
    identity: &Identity,
    caller: &UserCaller,
    (id, name): (FactorId, &str),
    origin: &Origin,
) -> Result<Factor, Problem> {
    let name = usable_name(name, "friendly_name")?;
    let (user_id, now): (UserId, _) = (caller.user_id, origin.now);
    let renamed = identity
        .db()
        .write("identity.passkey.rename", move |tx| {
            let found = factors_global::find(tx, user_id, id)?;
            if found.is_none_or(|factor| factor.kind != FactorKind::Passkey) {
                return Ok(None);
            }
            factors_global::rename(tx, user_id, id, &name, now)?;
            Ok::<_, Problem>(factors_global::find(tx, user_id, id)?)
        })
        .await?;
    Ok(renamed.ok_or(IdentityError::PasskeyNotFound)?)
}
