//! What the provider is told after our own transaction has committed, as often as it takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quoin_db::{DbError, Tx};
use quoin_jobs::NewJob;
use quoin_kernel::job::JobError;
use quoin_kernel::{EmailAddress, Problem, Timestamp, UserId};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::reset::Wanted;
use super::{TOKEN_SEALED_AS, open_text, subject_of};
use crate::Identity;
use crate::error::IdentityError;
use crate::model::User;
use crate::port::{PersonChanges, StoreError};
use crate::store::users_global;

/// The job that ends a session at the provider.
pub(crate) const END_SESSION: &str = "identity.upstream.end_session";
/// The job that carries over whether somebody may sign in.
pub(crate) const CARRY_STANDING: &str = "identity.upstream.carry_standing";

/// The job that has the provider send a mail, once it can be asked again.
pub(crate) const SEND_MAIL: &str = "identity.upstream.send_mail";
/// The purpose under which the address of such a mail is sealed.
const MAIL_SEALED_AS: &str = "identity.upstream.mail";

/// Has a session ended at the provider. The token stays sealed in the queue.
pub(crate) fn end_session(
    tx: &mut Tx<'_>,
    identity: &Identity,
    sealed_token: &[u8],
    now: Timestamp,
) -> Result<(), DbError> {
    let payload = json!({"sealed_token": STANDARD.encode(sealed_token)});
    let job = NewJob::new(identity.app().rng(), now, END_SESSION, payload);
    quoin_jobs::enqueue(tx, &job).map(drop)
}

/// Has the provider told whether somebody may sign in: now, and again when a ban lapses.
pub(crate) fn carry_standing(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    now: Timestamp,
) -> Result<(), DbError> {
    if subject_of(identity, user).is_none() {
        return Ok(());
    }
    let lapses = user.banned_until.filter(|until| *until > now);
    for at in [Some(now), lapses].into_iter().flatten() {
        let payload = json!({"user_id": user.id});
        let job = NewJob::new(identity.app().rng(), now, CARRY_STANDING, payload).not_before(at);
        quoin_jobs::enqueue(tx, &job)?;
    }
    Ok(())
}

/// Has the provider asked once more to send a mail. The address stays sealed in the queue: there may be no such person.
pub(crate) fn send_mail(
    tx: &mut Tx<'_>,
    identity: &Identity,
    (email, wanted): (&EmailAddress, Wanted),
    now: Timestamp,
) -> Result<(), DbError> {
    let sealed = identity.app().master_key().seal(MAIL_SEALED_AS, email.as_str().as_bytes());
    let payload = json!({"sealed_email": STANDARD.encode(sealed), "wanted": wanted});
    let job = NewJob::new(identity.app().rng(), now, SEND_MAIL, payload);
    quoin_jobs::enqueue(tx, &job).map(drop)
}

/// Runs [`SEND_MAIL`]. Whom the provider does not know, or does not write to, gets no mail.
pub(crate) async fn run_send_mail(identity: &Identity, payload: &Value) -> Result<(), JobError> {
    let Some(store) = identity.user_store() else { return Ok(()) };
    let wanted = Wanted::deserialize(&payload["wanted"]).map_err(|error| JobError::Fail(Box::new(error)))?;
    let sealed = STANDARD.decode(payload["sealed_email"].as_str().unwrap_or_default());
    let sealed = sealed.map_err(|error| JobError::Fail(Box::new(error)))?;
    let email =
        open_text(identity, MAIL_SEALED_AS, &sealed).map_err(|error| JobError::Fail(Box::new(error)))?;
    match wanted.send(store, email.expose()).await {
        Ok(()) => Ok(()),
        Err(error @ (StoreError::Busy | StoreError::Unreachable(_))) => Err(JobError::Retry(Box::new(error))),
        Err(error) => {
            tracing::warn!(%error, ?wanted, "the provider has not sent a mail");
            Ok(())
        }
    }
}

/// Runs [`END_SESSION`].
pub(crate) async fn run_end_session(identity: &Identity, payload: &Value) -> Result<(), JobError> {
    let Some(store) = identity.user_store() else { return Ok(()) };
    let sealed = payload["sealed_token"].as_str().unwrap_or_default();
    let sealed = STANDARD.decode(sealed).map_err(|error| JobError::Fail(Box::new(error)))?;
    let token =
        open_text(identity, TOKEN_SEALED_AS, &sealed).map_err(|error| JobError::Fail(Box::new(error)))?;
    store.end(&token).await.or_else(ended)
}

/// Runs [`CARRY_STANDING`]: what counts is how the person stands when it runs.
pub(crate) async fn run_carry_standing(
    identity: &Identity,
    payload: &Value,
    now: Timestamp,
) -> Result<(), JobError> {
    let Some(store) = identity.user_store() else { return Ok(()) };
    let id = UserId::deserialize(&payload["user_id"]).map_err(|error| JobError::Fail(Box::new(error)))?;
    let found: Result<_, Problem> =
        identity.db().read("identity.user.get", move |tx| Ok(users_global::find(tx, id)?)).await;
    let Some(user) = found.map_err(|error| JobError::Retry(Box::new(error)))? else { return Ok(()) };
    let Some(subject) = subject_of(identity, &user) else { return Ok(()) };
    let changes = PersonChanges { is_enabled: Some(!user.is_banned(now)), ..PersonChanges::default() };
    store.change(subject, &changes).await.or_else(ended)
}

/// Judges a refusal: what is gone already needs nothing more, and what the provider cannot do is no error of the queue's.
fn ended(error: StoreError) -> Result<(), JobError> {
    match error {
        StoreError::Ended(_) | StoreError::NoSuchPerson => Ok(()),
        StoreError::NotOffered(what) => {
            tracing::warn!(what, "the provider was not told");
            Ok(())
        }
        error @ (StoreError::Busy | StoreError::Refused(_) | StoreError::Unreachable(_)) => {
            Err(JobError::Retry(Box::new(error)))
        }
        error => Err(JobError::Fail(Box::new(error))),
    }
}

/// Tells why an erasure waits: the provider's account goes first.
pub(crate) fn erased(error: StoreError) -> Result<(), Problem> {
    match error {
        StoreError::NoSuchPerson => Ok(()),
        StoreError::NotOffered(what) => Err(IdentityError::ProviderLacks(what).into()),
        error => Err(super::told(error)),
    }
}
