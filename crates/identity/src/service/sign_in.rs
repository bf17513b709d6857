//! Signing in with a password.

use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{AuthMethod, Realm, User};
use crate::service::issue_session::{IssuedSession, SessionDraft, issue_session};
use crate::service::limits::{self, Guessed};
use crate::service::new_password::demand_passwords;
use crate::service::upstream;
use crate::store::users_global;

/// Opens a session for whoever knows address and password. An unknown address costs the same work and answers alike.
///
/// # Errors
/// `email_provider_disabled`; `organization_needed`; `invalid_credentials`; after a right password `email_not_confirmed` and `user_banned`; 429 after too many failures.
pub async fn sign_in(
    identity: &Identity,
    email: EmailAddress,
    password: Secret<String>,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    if let Some(store) = identity.user_store() {
        return upstream::sign_in::sign_in(identity, store, (email.as_str(), password), origin).await;
    }
    demand_passwords(identity)?;
    let realm = identity.realm(origin)?;
    let account = realm.account(&email);
    quoin_web::refused_evenly(&account, verify_and_open(identity, (realm, email), password, origin)).await
}

/// Opens a session for whoever knows a user name and its password, where a provider keeps people and has user names.
///
/// # Errors
/// 400 `validation_failed` where people are kept here; else those of [`sign_in`].
pub async fn sign_in_with_name(
    identity: &Identity,
    name: &str,
    password: Secret<String>,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let Some(store) = identity.user_store() else {
        let why = "is not used here; send email";
        return Err(Problem::invalid(format!("username {why}.")).field("username", why));
    };
    upstream::sign_in::sign_in(identity, store, (name, password), origin).await
}

async fn verify_and_open(
    identity: &Identity,
    (realm, email): (Realm, EmailAddress),
    password: Secret<String>,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let account = realm.account(&email);
    let guessed = Guessed::Password(&account);
    limits::check_failures(identity, guessed, origin).await?;
    let user = identity
        .db()
        .read("identity.user.find_by_email", move |tx| users_global::find_by_email(tx, realm, &email))
        .await?;
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let verdict = identity.passwords().verify(password.clone(), stored).await?;
    let Some(user) = user.filter(|_| verdict.matches) else {
        limits::count_failure(identity, guessed, origin).await?;
        return Err(IdentityError::InvalidCredentials.into());
    };
    // Again: of many guesses sent at once, all but the first few would otherwise be judged before any was counted.
    limits::check_failures(identity, guessed, origin).await?;
    let new_hash = if verdict.needs_rehash { Some(identity.passwords().hash(password).await?) } else { None };
    let issued = open(identity, user, new_hash, origin).await?;
    limits::forget_failures(identity, guessed).await?;
    Ok(issued)
}

async fn open(
    identity: &Identity,
    verified: User,
    new_hash: Option<String>,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let draft = SessionDraft::new(identity, AuthMethod::Password, origin.now);
    let (inside, seen_from) = (identity.clone(), origin.clone());
    let open = identity
        .db()
        .write("identity.session.sign_in", move |tx| {
            // Read again: the password may have been changed, or the person erased, while it was being verified.
            let user = users_global::find(tx, verified.id)?;
            let user = user.filter(|user| user.password_hash == verified.password_hash);
            let user = user.ok_or(IdentityError::InvalidCredentials)?;
            if let (Some(old), Some(new)) = (&user.password_hash, &new_hash) {
                users_global::update_hash(tx, user.id, old, new)?;
            }
            issue_session(tx, &inside, user, &draft, &seen_from)
        })
        .await?;
    open.sign(identity, origin.now)
}
