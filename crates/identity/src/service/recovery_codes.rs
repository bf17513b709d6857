//! Codes for the day on which a factor is lost: made together, shown once, used once each.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret, SessionId, UserCaller};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::recovery_code::{self, COUNT};
use crate::service::end_sessions::replace_session;
use crate::service::issue_session::{IssuedSession, OpenSession, SessionDraft, issue_session};
use crate::service::letters::{self, FactorChange, Letter};
use crate::service::limits::{self, Guessed};
use crate::service::step_up::own_strong_session;
use crate::service::update_user::{own_session, session_in};
use crate::service::upstream::uphold::uphold_now;
use crate::service::verify_factor::stronger_by_code;
use crate::store::factors_global;

/// Makes ten new codes; older ones are dead from then on.
///
/// # Errors
/// `insufficient_aal`, `reauthentication_needed`; `mfa_factor_not_found` for somebody without a second factor.
pub async fn make_recovery_codes(
    identity: &Identity,
    caller: &UserCaller,
    origin: &Origin,
) -> Result<Vec<Secret<String>>, Problem> {
    let (user, _) = own_strong_session(identity, caller, origin).await?;
    if !user.has_second_factor() {
        return Err(IdentityError::FactorNotFound.into());
    }
    let (app, now) = (identity.app(), origin.now);
    let codes: Vec<Secret<String>> = (0..COUNT).map(|_| recovery_code::draw(app.rng())).collect();
    let macs: Vec<[u8; 32]> =
        codes.iter().map(|code| recovery_code::mac(app.master_key(), user.id, code.expose())).collect();
    let entry = identity.entry(Actor::User(user.id), "identity.recovery_codes.made", origin).on(user.id);
    let session_id = caller.session_id;
    identity
        .db()
        .write("identity.recovery_codes.make", move |tx| {
            let (user, _) = session_in(tx, session_id)?;
            factors_global::replace_codes(tx, user.id, &macs, now)?;
            Ok::<_, Problem>(quoin_audit::record(tx, &entry)?)
        })
        .await?;
    Ok(codes)
}

/// Opens a session of level `aal2` in place of the caller's, for a code that nobody has used.
///
/// # Errors
/// `mfa_verification_failed`; 429 after too many wrong codes.
pub async fn use_recovery_code(
    identity: &Identity,
    caller: &UserCaller,
    code: &Secret<String>,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let (user, session) = own_session(identity, caller).await?;
    if session.owed_factor.is_some() {
        // None of ours stands in for the provider's own factor.
        return Err(IdentityError::InsufficientAal.into());
    }
    let guessed = Guessed::Factor(user.id);
    limits::check_failures(identity, guessed, origin).await?;
    if !uphold_now(identity, session.id, origin).await? {
        return Err(IdentityError::SessionNotFound.into());
    }
    let prepared = Prepared {
        identity: identity.clone(),
        session_id: session.id,
        mac: recovery_code::mac(identity.app().master_key(), user.id, code.expose()),
        draft: stronger_by_code(identity, &session, origin),
        origin: origin.clone(),
    };
    let opened = identity.db().write("identity.recovery_codes.use", move |tx| prepared.open(tx)).await?;
    let Some(open) = opened else {
        limits::count_failure(identity, guessed, origin).await?;
        return Err(IdentityError::FactorRefused.into());
    };
    limits::forget_failures(identity, guessed).await?;
    open.sign(identity, origin.now)
}

struct Prepared {
    identity: Identity,
    session_id: SessionId,
    mac: [u8; 32],
    draft: SessionDraft,
    origin: Origin,
}

impl Prepared {
    fn open(&self, tx: &mut Tx<'_>) -> Result<Option<OpenSession>, Problem> {
        let (identity, now) = (&self.identity, self.origin.now);
        let (user, session) = session_in(tx, self.session_id)?;
        if !factors_global::consume_code(tx, user.id, &self.mac, now)? {
            return Ok(None);
        }
        let left = factors_global::count_codes(tx, user.id)?;
        let letter = Letter::FactorChanged { what: FactorChange::RecoveryCodeUsed };
        letters::tell(tx, identity, &user, &letter, &self.origin)?;
        let entry = identity.entry(Actor::User(user.id), "identity.recovery_codes.used", &self.origin);
        quoin_audit::record(tx, &entry.on(user.id).detail(serde_json::json!({"left": left})))?;
        replace_session(tx, identity, session.id, now)?;
        let draft = self.draft.clone().upheld_like(identity, &user, &session);
        issue_session(tx, identity, user, &draft, &self.origin).map(Some)
    }
}
