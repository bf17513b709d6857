//! Removing a factor or passkey: by its holder from a strong session, or by an administrator.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, SessionId, UserCaller, UserId};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Factor, FactorId, FactorKind, User};
use crate::service::end_sessions::end_sessions;
use crate::service::letters::{self, FactorChange, Letter};
use crate::service::step_up::{own_strong_session, strong_session_in};
use crate::store::{factors_global, sessions_global, users_global};

/// Which of a person's keys is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// A second factor.
    SecondFactor,
    /// A passkey.
    Passkey,
}

impl Held {
    /// Tells whether a factor is of this kind.
    pub(crate) fn is(self, factor: &Factor) -> bool {
        (factor.kind == FactorKind::Passkey) == (self == Self::Passkey)
    }

    const fn missing(self) -> IdentityError {
        match self {
            Self::SecondFactor => IdentityError::FactorNotFound,
            Self::Passkey => IdentityError::PasskeyNotFound,
        }
    }
}

/// Removes one of the caller's factors or passkeys. Their other sessions end; without a second factor this one is weak
/// again from its next refresh on, and the recovery codes are gone.
///
/// # Errors
/// `insufficient_aal`, `reauthentication_needed`, `mfa_factor_not_found` or `webauthn_credential_not_found`.
pub async fn remove_own_factor(
    identity: &Identity,
    caller: &UserCaller,
    (held, id): (Held, FactorId),
    origin: &Origin,
) -> Result<(), Problem> {
    own_strong_session(identity, caller, origin).await?;
    let session_id = caller.session_id;
    let (inside, seen_from) = (identity.clone(), origin.for_another_reader());
    identity
        .db()
        .write("identity.factor.remove", move |tx| {
            let (user, _) = strong_session_in(tx, &inside, session_id, &seen_from)?;
            let actor = Actor::User(user.id);
            remove(tx, &inside, (&user, held, id), Some(session_id), actor, &seen_from)
        })
        .await
}

/// Removes a factor or passkey of somebody who has lost it; all their sessions end.
///
/// # Errors
/// `user_not_found`, `mfa_factor_not_found` or `webauthn_credential_not_found`.
pub async fn remove_factor(
    identity: &Identity,
    user_id: UserId,
    (held, id): (Held, FactorId),
    actor: Actor,
    origin: &Origin,
) -> Result<(), Problem> {
    let (inside, seen_from) = (identity.clone(), origin.for_another_reader());
    identity
        .db()
        .write("identity.factor.remove", move |tx| {
            let user = users_global::find(tx, user_id)?.ok_or(IdentityError::UserNotFound)?;
            remove(tx, &inside, (&user, held, id), None, actor.clone(), &seen_from)
        })
        .await
}

fn remove(
    tx: &mut Tx<'_>,
    identity: &Identity,
    (user, held, id): (&User, Held, FactorId),
    keep: Option<SessionId>,
    actor: Actor,
    origin: &Origin,
) -> Result<(), Problem> {
    let now = origin.now;
    let factor =
        user.factors.iter().find(|factor| factor.id == id && held.is(factor)).ok_or(held.missing())?;
    factors_global::delete(tx, user.id, id)?;
    let entry = identity.entry(actor, "identity.factor.removed", origin).on(id);
    quoin_audit::record(
        tx,
        &entry.detail(serde_json::json!({"user_id": user.id, "kind": factor.kind.as_str()})),
    )?;
    if factor.verified_at.is_none() {
        return Ok(());
    }
    end_sessions(tx, identity, user.id, keep, now)?;
    let what = match held {
        Held::SecondFactor => FactorChange::FactorRemoved,
        Held::Passkey => FactorChange::PasskeyRemoved,
    };
    letters::tell(tx, identity, user, &Letter::FactorChanged { what }, origin)?;
    let still_guarded = User {
        factors: user.factors.iter().filter(|factor| factor.id != id).cloned().collect(),
        ..user.clone()
    }
    .has_second_factor();
    if !still_guarded {
        factors_global::delete_codes(tx, user.id)?;
        if let Some(session_id) = keep {
            sessions_global::weaken(tx, session_id)?;
        }
    }
    Ok(())
}
