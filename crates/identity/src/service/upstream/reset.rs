//! Forgotten passwords, and confirmations that were lost: the provider sends its own mail, and known and unknown addresses are
//! answered alike.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret};
use serde::{Deserialize, Serialize};

use super::{later, sign_in, told};
use crate::Identity;
use crate::error::IdentityError;
use crate::model::Realm;
use crate::port::{Credentials, StoreError, UserStore};
use crate::service::issue_session::IssuedSession;
use crate::service::limits::{self, Guessed};
use crate::service::new_password::{check_new_password, demand_passwords};

/// Which of the provider's mails is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    /// What lets somebody in who has forgotten the password.
    Reset,
    /// The confirmation of a sign-up, once more.
    Confirmation,
}

/// Has the provider send a mail, if there is somebody to send it to.
///
/// # Errors
/// `email_provider_disabled`; 429 `over_email_send_rate_limit`, for unknown addresses too; `provider_lacks_this`. Nothing
/// else that the provider says is told: it could be said of the people it knows alone.
pub(crate) async fn request(
    identity: &Identity,
    store: &dyn UserStore,
    (email, wanted): (&EmailAddress, Wanted),
    origin: &Origin,
) -> Result<(), Problem> {
    demand_passwords(identity)?;
    quoin_web::evenly(email.as_str(), send(identity, store, (email, wanted), origin)).await
}

async fn send(
    identity: &Identity,
    store: &dyn UserStore,
    (email, wanted): (&EmailAddress, Wanted),
    origin: &Origin,
) -> Result<(), Problem> {
    limits::spend_mail(identity, (Realm::INSTANCE, email), origin).await?;
    let is_sent_later = match wanted.send(store, email.as_str()).await {
        Ok(()) => false,
        Err(error @ StoreError::NotOffered(_)) => return Err(told(error)),
        Err(error) => {
            tracing::warn!(%error, ?wanted, "the provider has not sent a mail");
            matches!(error, StoreError::Busy | StoreError::Unreachable(_))
        }
    };
    let action = match wanted {
        Wanted::Reset => "identity.recovery.requested",
        Wanted::Confirmation => "identity.link.resend_requested",
    };
    let (entry, now) = (identity.entry(Actor::Anonymous, action, origin), origin.now);
    let (inside, email) = (identity.clone(), email.clone());
    identity
        .db()
        .write("identity.mail.request_elsewhere", move |tx| {
            if is_sent_later {
                later::send_mail(tx, &inside, (&email, wanted), now)?;
            }
            Ok::<_, Problem>(quoin_audit::record(tx, &entry)?)
        })
        .await
}

impl Wanted {
    /// Has the provider send it.
    pub(crate) async fn send(self, store: &dyn UserStore, name: &str) -> Result<(), StoreError> {
        match self {
            Self::Reset => store.request_reset(name).await,
            Self::Confirmation => store.resend_confirmation(name).await,
        }
    }
}

/// Sets a new password for whoever has the provider's code, and signs them in with it.
///
/// # Errors
/// `otp_expired` for a code that does not work, `weak_password`; those of a sign-in; 429 after too many codes.
pub(crate) async fn confirm(
    identity: &Identity,
    store: &dyn UserStore,
    (email, code, password): (&EmailAddress, &Secret<String>, Option<Secret<String>>),
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let missing = "is needed: the provider takes its code together with the new password";
    let password = password
        .ok_or_else(|| Problem::invalid(format!("password {missing}.")).field("password", missing))?;
    check_new_password(identity, &password)?;
    let guessed = Guessed::Password(email.as_str());
    // Before the provider is asked: of many codes that are sent at once, no more than the limit reach it.
    limits::spend_guess(identity, guessed, origin).await?;
    let shown = Credentials { name: email.to_string(), password: password.clone() };
    let problem = match store.confirm_reset(&shown, code).await {
        Ok(()) => {
            limits::give_back(identity, guessed, origin).await?;
            return sign_in::sign_in(identity, store, (email.as_str(), password), origin).await;
        }
        Err(error @ (StoreError::WeakPassword(_) | StoreError::NotOffered(_))) => told(error),
        Err(error) => {
            let problem = told(error);
            if problem.status() < 500 {
                return Err(IdentityError::LinkExpired.into());
            }
            problem
        }
    };
    limits::give_back(identity, guessed, origin).await?;
    Err(problem)
}
