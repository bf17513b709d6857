//! What people change about themselves: password, address, and what they say about themselves.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret, SessionId, UserCaller};
use serde_json::{Map, Value, json};

use crate::Identity;
use crate::config::Unverified;
use crate::error::IdentityError;
use crate::model::{LinkEnding, Session, User};
use crate::service::change_email::{ChangeDraft, begin_change, change_at_once};
use crate::service::end_sessions::end_sessions;
use crate::service::letters::{self, Letter};
use crate::service::limits::{self, Guessed};
use crate::service::new_password::hash_new_password;
use crate::service::reauthenticate::{check_nonce, consume_nonce, is_recent};
use crate::service::send_link::LinkWishes;
use crate::service::upstream::{change, gate};
use crate::store::{links_global, sessions_global, users_global};

/// What a person wants to change; what is `None` stays.
#[derive(Debug, Default)]
pub struct UserChanges {
    /// The new address.
    pub email: Option<EmailAddress>,
    /// The new password.
    pub password: Option<Secret<String>>,
    /// The present password, which proves who asks.
    pub current_password: Option<Secret<String>>,
    /// The code that was sent for this change.
    pub nonce: Option<Secret<String>>,
    /// Changes to what they say about themselves, key by key; null removes a key.
    pub data: Option<Map<String, Value>>,
    /// What the confirmation links shall do besides.
    pub wishes: LinkWishes,
}

/// A password that was changed, and where it is kept.
enum NewPassword {
    /// Its hash, here.
    Here(String),
    /// At the provider that keeps people, already.
    Elsewhere,
}

/// The changes, checked and with everything made that the transaction needs.
struct Prepared {
    identity: Identity,
    password: Option<NewPassword>,
    email: Option<EmailAddress>,
    data: Option<Map<String, Value>>,
    nonce: Option<Secret<String>>,
    change: ChangeDraft,
    origin: Origin,
}

/// Reads the caller's account.
///
/// # Errors
/// `session_not_found` where the session has ended.
pub async fn get_own_user(identity: &Identity, caller: &UserCaller) -> Result<User, Problem> {
    Ok(own_session(identity, caller).await?.0)
}

/// Changes the caller's account. A new password ends their other sessions and every link on its way.
///
/// # Errors
/// `session_confined`; `reauthentication_needed` and `reauthentication_not_valid` for password and address; `same_password`,
/// `weak_password`; 429 `over_email_send_rate_limit`; `session_not_found`.
pub async fn update_user(
    identity: &Identity,
    caller: &UserCaller,
    changes: UserChanges,
    origin: &Origin,
) -> Result<User, Problem> {
    caller.demand_own_session()?;
    let (user, session) = own_session(identity, caller).await?;
    let email = changes.email.clone().filter(|email| Some(email) != user.email.as_ref());
    if email.is_some() {
        gate::demand_own_store(identity)?;
    }
    let needs_proof = changes.password.is_some() || email.is_some();
    if needs_proof {
        demand_proof(identity, (&user, &session), &changes, origin).await?;
    }
    let at_once = identity.config().unverified == Unverified::Autoconfirm;
    if changes.password.is_some()
        && user.email.is_none()
        && identity.user_store().is_none()
        && !(at_once && email.is_some())
    {
        return Err(IdentityError::PasswordNeedsAddress.into());
    }
    if let Some(data) = &changes.data {
        user.user_metadata.merged(data, "data")?;
    }
    let password = match changes.password {
        Some(password) => Some(change_password(identity, &user, (changes.current_password, password)).await?),
        None => None,
    };
    if let Some(email) = &email {
        limits::spend_mail(identity, (user.realm, email), origin).await?;
    }
    let prepared = Prepared {
        identity: identity.clone(),
        password,
        email,
        data: changes.data,
        nonce: changes.nonce.filter(|_| needs_proof),
        change: ChangeDraft::new(identity, &changes.wishes, origin),
        origin: origin.clone(),
    };
    let session_id = caller.session_id;
    identity
        .db()
        .write("identity.user.update", move |tx| {
            let (user, session) = session_in(tx, session_id)?;
            prepared.apply(tx, user, &session)
        })
        .await
}

/// Reads the caller's session and account.
///
/// # Errors
/// `session_not_found` where the session has ended.
pub(crate) async fn own_session(
    identity: &Identity,
    caller: &UserCaller,
) -> Result<(User, Session), Problem> {
    let session_id = caller.session_id;
    identity.db().read("identity.session.get", move |tx| session_in(tx, session_id)).await
}

/// Reads a session and its person.
///
/// # Errors
/// `session_not_found` where the session has ended.
pub(crate) fn session_in(tx: &mut Tx<'_>, session_id: SessionId) -> Result<(User, Session), Problem> {
    Ok(sessions_global::find_with_user(tx, session_id)?.ok_or(IdentityError::SessionNotFound)?)
}

/// Demands one of: the code that was sent, the present password, a recent sign-in.
async fn demand_proof(
    identity: &Identity,
    (user, session): (&User, &Session),
    changes: &UserChanges,
    origin: &Origin,
) -> Result<(), Problem> {
    if let Some(nonce) = &changes.nonce {
        return check_nonce(identity, user, nonce, origin).await;
    }
    if let Some(password) = &changes.current_password {
        if let Some(store) = identity.user_store() {
            return change::prove(identity, store, (user, password), origin).await;
        }
        limits::check_failures(identity, Guessed::Password(&user.account()), origin).await?;
        let verdict = identity.passwords().verify(password.clone(), user.password_hash.clone()).await?;
        if verdict.matches {
            return limits::check_failures(identity, Guessed::Password(&user.account()), origin).await;
        }
        limits::count_failure(identity, Guessed::Password(&user.account()), origin).await?;
        return Err(IdentityError::InvalidCredentials.into());
    }
    if is_recent(identity, session, origin) {
        Ok(())
    } else {
        Err(IdentityError::ReauthenticationNeeded.into())
    }
}

/// Changes the password at the provider that keeps people, or makes the hash that is to be kept here.
async fn change_password(
    identity: &Identity,
    user: &User,
    (current, new): (Option<Secret<String>>, Secret<String>),
) -> Result<NewPassword, Problem> {
    match identity.user_store() {
        Some(store) => {
            change::change_password(identity, store, user, (current, new)).await?;
            Ok(NewPassword::Elsewhere)
        }
        None => new_hash(identity, user, new).await.map(NewPassword::Here),
    }
}

async fn new_hash(identity: &Identity, user: &User, password: Secret<String>) -> Result<String, Problem> {
    if user.password_hash.is_some() {
        let same = identity.passwords().verify(password.clone(), user.password_hash.clone()).await?;
        if same.matches {
            return Err(IdentityError::SamePassword.into());
        }
    }
    hash_new_password(identity, password).await
}

impl Prepared {
    fn apply(&self, tx: &mut Tx<'_>, mut user: User, session: &Session) -> Result<User, Problem> {
        let now = self.origin.now;
        if let Some(nonce) = &self.nonce {
            consume_nonce(tx, &self.identity, &user, nonce, &self.origin)?;
            sessions_global::update_authenticated(tx, session.id, now)?;
        }
        if let Some(data) = &self.data {
            user.user_metadata = user.user_metadata.merged(data, "data")?;
        }
        if let Some(password) = &self.password {
            if let NewPassword::Here(hash) = password {
                user.password_hash = Some(hash.clone());
            }
            links_global::end_of_user(tx, user.id, LinkEnding::Revoked, now)?;
            end_sessions(tx, &self.identity, user.id, Some(session.id), now)?;
            letters::tell(tx, &self.identity, &user, &Letter::PasswordChanged, &self.origin)?;
        }
        user.updated_at = now;
        users_global::update(tx, &user)?;
        let detail = json!({
            "password": self.password.is_some(), "email": self.email.is_some(), "data": self.data.is_some(),
        });
        let entry = self.identity.entry(Actor::User(user.id), "identity.user.updated", &self.origin);
        quoin_audit::record(tx, &entry.on(user.id).detail(detail))?;
        match &self.email {
            Some(email) if self.identity.config().unverified == Unverified::Autoconfirm => {
                change_at_once(tx, &self.identity, user, email.clone(), &self.origin)
            }
            Some(email) => begin_change(tx, &self.identity, user, email.clone(), &self.change, now),
            None => Ok(user),
        }
    }
}
