//! Showing the factor that the provider wants to see: its challenge is asked for and answered through ours.

use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret, SessionId, UserCaller};

use super::sign_in::take_over;
use super::{OWED_SEALED_AS, abandon, open_text, seal_token, subject_of, told};
use crate::Identity;
use crate::error::IdentityError;
use crate::model::challenge::LIFETIME;
use crate::model::{
    AuthMethod, Challenge, ChallengeId, ChallengePurpose, FactorId, FactorKind, Session, User,
};
use crate::port::{Attestation, AttestedOrganizations, StoreError, UserStore};
use crate::service::attested_account::Arrival;
use crate::service::challenge_factor::AskedChallenge;
use crate::service::end_sessions::end_session;
use crate::service::issue_session::{Hold, IssuedSession, OpenSession, SessionDraft, issue_session};
use crate::service::limits::{self, Guessed};
use crate::service::verify_factor::{FactorAnswer, FactorProof, find_challenge, reread};
use crate::store::{challenges_global, sessions_global};

/// Has the provider ask for the factor that the caller's session owes.
///
/// # Errors
/// `mfa_factor_not_found` for any other factor: none of ours stands in for the provider's; `mfa_challenge_expired`.
pub(crate) async fn challenge(
    identity: &Identity,
    store: &dyn UserStore,
    (user, session): (&User, &Session),
    factor_id: FactorId,
    origin: &Origin,
) -> Result<AskedChallenge, Problem> {
    let owed = session.owed().filter(|owed| owed.id == factor_id).ok_or(IdentityError::FactorNotFound)?;
    let sealed = session.upstream_state.as_deref().unwrap_or_default();
    let state = store.ask(&open_text(identity, OWED_SEALED_AS, sealed)?).await.map_err(answered)?;
    let (app, now) = (identity.app(), origin.now);
    let challenge = Challenge {
        id: ChallengeId::new(now, app.rng()),
        user_id: Some(user.id),
        factor_id: None,
        purpose: ChallengePurpose::Upstream,
        sealed_state: Some(app.master_key().seal(OWED_SEALED_AS, state.expose().as_bytes())),
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
    Ok(AskedChallenge { challenge, options: None, kind: owed.kind })
}

/// Gives the provider the code, and opens a session of level `aal2` in place of the caller's once it attests the person.
///
/// # Errors
/// `mfa_factor_not_found`, `mfa_challenge_expired`, `mfa_verification_failed`; 429 after too many wrong codes.
pub(crate) async fn verify(
    identity: &Identity,
    store: &dyn UserStore,
    (caller, user, session): (&UserCaller, &User, &Session),
    answer: &FactorAnswer,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let owed =
        session.owed().filter(|owed| owed.id == answer.factor_id).ok_or(IdentityError::FactorNotFound)?;
    let FactorProof::Code(code) = &answer.proof else { return Err(IdentityError::FactorRefused.into()) };
    let found = find_challenge(identity, answer.challenge_id, origin).await?;
    let challenge = found
        .filter(|found| found.purpose == ChallengePurpose::Upstream && found.user_id == Some(user.id))
        .ok_or(IdentityError::ChallengeExpired)?;
    let sealed = challenge.sealed_state.as_deref().unwrap_or_default();
    let state = open_text(identity, OWED_SEALED_AS, sealed)?;
    let attestation = ask_about(identity, store, (user, &state, code), origin).await?;
    let shown = Shown { session_id: caller.session_id, challenge_id: challenge.id, kind: owed.kind };
    let opened = open(identity, store, (user, session), (&attestation, &shown), origin).await;
    match opened {
        Ok(open) => {
            limits::forget_failures(identity, Guessed::Factor(user.id)).await?;
            open.sign(identity, origin.now)
        }
        Err(problem) => {
            abandon(identity, attestation.refresh_token.as_ref()).await;
            Err(problem)
        }
    }
}

/// Shows the provider a code. The guess is spent before the provider is asked: of many that are sent at once, no more than
/// the limit reach it.
async fn ask_about(
    identity: &Identity,
    store: &dyn UserStore,
    (user, state, code): (&User, &Secret<String>, &Secret<String>),
    origin: &Origin,
) -> Result<Attestation, Problem> {
    let guessed = Guessed::Factor(user.id);
    limits::spend_guess(identity, guessed, origin).await?;
    let judged = store.answer(state, code, origin.now).await;
    if let Err(StoreError::CodeRefused | StoreError::InvalidCredentials) = judged {
        return Err(IdentityError::FactorRefused.into());
    }
    limits::give_back(identity, guessed, origin).await?;
    judged.map_err(answered)
}

/// What was shown, in which session, to which challenge.
struct Shown {
    session_id: SessionId,
    challenge_id: ChallengeId,
    kind: FactorKind,
}

async fn open(
    identity: &Identity,
    store: &dyn UserStore,
    (user, session): (&User, &Session),
    (attestation, shown): (&Attestation, &Shown),
    origin: &Origin,
) -> Result<OpenSession, Problem> {
    if subject_of(identity, user) != Some(attestation.attested.subject.as_str()) {
        tracing::warn!("the provider attests somebody else than it has asked");
        return Err(IdentityError::FactorRefused.into());
    }
    let method = match shown.kind {
        FactorKind::Totp => AuthMethod::Totp,
        _ => AuthMethod::Otp,
    };
    let hold = Hold { state: seal_token(identity, attestation.refresh_token.as_ref()), owed: None };
    let prepared = Prepared {
        identity: identity.clone(),
        session_id: shown.session_id,
        challenge_id: shown.challenge_id,
        arrival: Arrival::new(identity, store.provider().clone(), attestation.attested.clone(), origin),
        organizations: attestation.organizations.clone(),
        draft: SessionDraft::stronger(identity, session, method, origin.now).upheld(hold),
        origin: origin.clone(),
    };
    identity.db().write("identity.factor.verify_elsewhere", move |tx| prepared.open(tx)).await
}

struct Prepared {
    identity: Identity,
    session_id: SessionId,
    challenge_id: ChallengeId,
    arrival: Arrival,
    organizations: AttestedOrganizations,
    draft: SessionDraft,
    origin: Origin,
}

impl Prepared {
    fn open(&self, tx: &mut Tx<'_>) -> Result<OpenSession, Problem> {
        let (identity, origin) = (&self.identity, &self.origin);
        let found = sessions_global::find_with_user(tx, self.session_id)?;
        let (user, session) = found.ok_or(IdentityError::SessionNotFound)?;
        if !challenges_global::consume(tx, self.challenge_id, origin.now)? {
            return Err(IdentityError::ChallengeExpired.into());
        }
        end_session(tx, identity, session.id, origin.now)?;
        let user = reread(tx, &user)?;
        let (user, active) = take_over(tx, identity, user, (&self.arrival, &self.organizations), origin)?;
        issue_session(tx, identity, user, &self.draft.clone().in_org(active), origin)
    }
}

/// Says what a provider's refusal means to whoever answers a challenge.
fn answered(error: StoreError) -> Problem {
    match error {
        StoreError::CodeExpired | StoreError::Ended(_) => IdentityError::ChallengeExpired.into(),
        error => told(error),
    }
}
