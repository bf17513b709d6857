//! Showing a second factor: the challenge and the code are consumed in the transaction that opens the stronger session.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret, SessionId, UserCaller};
use serde_json::Value;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{
    AuthMethod, Challenge, ChallengeId, ChallengePurpose, Factor, FactorId, Session, User, totp,
};
use crate::service::challenge_factor::{open_state, own_factor};
use crate::service::end_sessions::{end_sessions, hand_over, replace_session};
use crate::service::enrol_factor::SEALED_AS;
use crate::service::issue_session::{IssuedSession, OpenSession, SessionDraft, issue_session};
use crate::service::letters::{self, FactorChange, Letter};
use crate::service::limits::{self, Guessed};
use crate::service::step_up::demand_strong;
use crate::service::update_user::{own_session, session_in};
use crate::service::upstream::owed_factor;
use crate::service::upstream::uphold::uphold_now;
use crate::store::{challenges_global, factors_global};

/// What the holder of a factor answers.
#[derive(Debug, Clone)]
pub struct FactorAnswer {
    /// The factor.
    pub factor_id: FactorId,
    /// The challenge it answers.
    pub challenge_id: ChallengeId,
    /// What proves it.
    pub proof: FactorProof,
}

/// What proves that somebody holds a factor.
#[derive(Debug, Clone)]
pub enum FactorProof {
    /// The code that an authenticator app shows.
    Code(Secret<String>),
    /// What a device has answered.
    Device(Box<Value>),
}

/// What the proof has shown, judged outside of the transaction.
enum Shown {
    Step(i64),
    NewKey { credential_id: Vec<u8>, key: Value },
    Key(Value),
}

struct Prepared {
    identity: Identity,
    session_id: SessionId,
    factor: Factor,
    challenge_id: ChallengeId,
    shown: Shown,
    draft: SessionDraft,
    origin: Origin,
}

/// Opens a session of level `aal2` in place of the caller's. The first showing of a factor ends all others too: they
/// were opened before more was demanded.
///
/// # Errors
/// `mfa_factor_not_found`, `mfa_challenge_expired`, `mfa_verification_failed`; 429 after too many wrong answers.
pub async fn verify_factor(
    identity: &Identity,
    caller: &UserCaller,
    answer: FactorAnswer,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let (user, session) = own_session(identity, caller).await?;
    if let Some(store) = identity.user_store().filter(|_| session.owed_factor.is_some()) {
        return owed_factor::verify(identity, store, (caller, &user, &session), &answer, origin).await;
    }
    let factor = own_factor(&user, answer.factor_id)?.clone();
    let guessed = Guessed::Factor(user.id);
    limits::check_failures(identity, guessed, origin).await?;
    let challenge = find_challenge(identity, answer.challenge_id, origin).await?;
    let challenge =
        challenge.filter(|found| (found.user_id, found.factor_id) == (Some(user.id), Some(factor.id)));
    let challenge = challenge.ok_or(IdentityError::ChallengeExpired)?;
    let judged = judge(identity, &factor, &challenge, &answer.proof, origin)?;
    let Some((shown, method)) = judged else {
        limits::count_failure(identity, guessed, origin).await?;
        return Err(IdentityError::FactorRefused.into());
    };
    // Again: of many guesses sent at once, all but the first few would otherwise be judged before any was counted.
    limits::check_failures(identity, guessed, origin).await?;
    if !uphold_now(identity, session.id, origin).await? {
        return Err(IdentityError::SessionNotFound.into());
    }
    let is_known = factor.verified_at.is_some();
    let prepared = Prepared {
        identity: identity.clone(),
        session_id: caller.session_id,
        factor,
        challenge_id: challenge.id,
        shown,
        draft: SessionDraft::stronger(identity, &session, method, origin.now),
        origin: origin.clone(),
    };
    let open = identity.db().write("identity.factor.verify", move |tx| prepared.open(tx)).await?;
    // A factor that was never shown before is whoever's who enrols it, and clears nothing.
    if is_known {
        limits::forget_failures(identity, guessed).await?;
    }
    open.sign(identity, origin.now)
}

/// Finds a challenge that may still be answered.
pub(crate) async fn find_challenge(
    identity: &Identity,
    id: ChallengeId,
    origin: &Origin,
) -> Result<Option<Challenge>, Problem> {
    let found =
        identity.db().read("identity.challenge.get", move |tx| challenges_global::find(tx, id)).await?;
    Ok(found.filter(|challenge| challenge.expires_at > origin.now))
}

/// Judges an answer; `None` for a wrong one.
fn judge(
    identity: &Identity,
    factor: &Factor,
    challenge: &Challenge,
    proof: &FactorProof,
    origin: &Origin,
) -> Result<Option<(Shown, AuthMethod)>, Problem> {
    match (challenge.purpose, proof) {
        (ChallengePurpose::Totp, FactorProof::Code(code)) => {
            let sealed = factor.sealed_secret.as_deref().unwrap_or_default();
            let secret = identity.app().master_key().open(SEALED_AS, sealed).map_err(Problem::internal)?;
            let step = totp::step_of(&secret, code.expose(), origin.now);
            Ok(step.map(|step| (Shown::Step(step), AuthMethod::Totp)))
        }
        (ChallengePurpose::WebauthnCreate, FactorProof::Device(answer)) => {
            let state = open_state(identity, challenge)?;
            let made = identity.webauthn()?.finish_registration(answer, &state);
            Ok(accepted(made).map(|made| {
                let shown = Shown::NewKey { credential_id: made.credential_id, key: made.key };
                (shown, AuthMethod::Webauthn)
            }))
        }
        (ChallengePurpose::WebauthnGet, FactorProof::Device(answer)) => {
            let state = open_state(identity, challenge)?;
            let key = factor.credential.clone().unwrap_or_default();
            let used = identity.webauthn()?.finish_authentication(answer, &state, &key);
            Ok(accepted(used).map(|key| (Shown::Key(key), AuthMethod::Webauthn)))
        }
        _ => Ok(None),
    }
}

/// Logs why a device's answer proves nothing; whoever sent it is not told.
pub(crate) fn accepted<T>(judged: Result<T, crate::port::Refused>) -> Option<T> {
    judged.inspect_err(|refused| tracing::info!(%refused, "a device's answer proves nothing")).ok()
}

impl Prepared {
    fn open(&self, tx: &mut Tx<'_>) -> Result<OpenSession, Problem> {
        let (identity, now) = (&self.identity, self.origin.now);
        let (user, session) = session_in(tx, self.session_id)?;
        let factor = own_factor(&user, self.factor.id)?.clone();
        if factor.verified_at.is_none() {
            demand_strong(identity, (&user, &session), &self.origin)?;
        }
        if !challenges_global::consume(tx, self.challenge_id, now)? {
            return Err(IdentityError::ChallengeExpired.into());
        }
        if !self.show(tx, &factor)? {
            return Err(IdentityError::FactorRefused.into());
        }
        if factor.verified_at.is_none() {
            self.tell_of_new_factor(tx, &user)?;
            hand_over(tx, identity, session.id)?;
            end_sessions(tx, identity, user.id, None, now)?;
        } else {
            replace_session(tx, identity, session.id, now)?;
        }
        let user = reread(tx, &user)?;
        let draft = self.draft.clone().upheld_like(identity, &user, &session);
        issue_session(tx, identity, user, &draft, &self.origin)
    }

    /// Takes what was shown, once.
    fn show(&self, tx: &mut Tx<'_>, factor: &Factor) -> Result<bool, Problem> {
        let now = self.origin.now;
        Ok(match &self.shown {
            Shown::Step(step) => factors_global::consume_step(tx, factor, *step, now)?,
            Shown::NewKey { credential_id, key } => {
                let is_free = factors_global::find_by_credential(tx, credential_id)?.is_none();
                is_free && factors_global::bind(tx, factor, (credential_id, key), now)?
            }
            Shown::Key(key) => factors_global::update_credential(tx, factor, key, now)?,
        })
    }

    fn tell_of_new_factor(&self, tx: &mut Tx<'_>, user: &User) -> Result<(), Problem> {
        let letter = Letter::FactorChanged { what: FactorChange::FactorAdded };
        letters::tell(tx, &self.identity, user, &letter, &self.origin)?;
        let entry = self.identity.entry(Actor::User(user.id), "identity.factor.enrolled", &self.origin);
        Ok(quoin_audit::record(tx, &entry.on(self.factor.id))?)
    }
}

/// Reads a person again whose factors have just changed.
pub(crate) fn reread(tx: &mut Tx<'_>, user: &User) -> Result<User, Problem> {
    Ok(crate::store::users_global::find(tx, user.id)?.ok_or(IdentityError::UserNotFound)?)
}

/// Draws the stronger session that a recovery code opens.
pub(crate) fn stronger_by_code(identity: &Identity, session: &Session, origin: &Origin) -> SessionDraft {
    SessionDraft::stronger(identity, session, AuthMethod::RecoveryCode, origin.now)
}
