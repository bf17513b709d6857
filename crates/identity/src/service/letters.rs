//! The mails of this room: which template, which parameters, and that links and codes are sealed.

use quoin_db::Tx;
use quoin_kernel::{EmailAddress, Problem, Secret, Timestamp};
use quoin_mail::NewMail;
use serde_json::json;
use url::Url;

use crate::Identity;
use crate::model::{Purpose, Realm, User};

/// A mail to a person about their account.
pub(crate) enum Letter {
    /// Carries a link and its code.
    Link {
        /// What the link is for.
        purpose: Purpose,
        /// The link.
        url: Url,
        /// The code.
        code: Secret<String>,
    },
    /// Tells the owner of an address that somebody wanted to sign up with it, or to take it.
    AccountExists,
    /// Tells that the password was changed.
    PasswordChanged,
    /// Tells that a second factor or passkey was added or removed, or that a recovery code was used.
    FactorChanged {
        /// What has happened, as a sentence.
        what: &'static str,
    },
    /// Tells that the address was changed; goes to the old and the new one.
    EmailChanged {
        /// The new address.
        new: EmailAddress,
    },
}

/// Queues a mail to an address of a realm, in the transaction that it is about.
pub(crate) fn send(
    tx: &mut Tx<'_>,
    identity: &Identity,
    (realm, to): (Realm, &EmailAddress),
    letter: &Letter,
    now: Timestamp,
) -> Result<(), Problem> {
    let app = identity.app();
    let mail = NewMail::new(app.rng(), now, to.clone(), letter.template());
    let mail = match realm.org_id() {
        Some(org_id) => mail.in_org(org_id),
        None => mail,
    };
    let site = app.config().site_url.as_str();
    let mail = match letter {
        Letter::Link { url, code, .. } => {
            let minutes = identity.config().link_s.div_ceil(60);
            mail.params(json!({"email": to, "site": site, "minutes": minutes}))
                .secrets(app.master_key(), &json!({"link": url.as_str(), "code": code.expose()}))
        }
        Letter::FactorChanged { what } => mail.params(json!({"email": to, "site": site, "what": what})),
        Letter::AccountExists | Letter::PasswordChanged => mail.params(json!({"email": to, "site": site})),
        Letter::EmailChanged { new } => mail.params(json!({"email": to, "site": site, "new_email": new})),
    };
    quoin_mail::enqueue(tx, &mail)?;
    Ok(())
}

/// Queues a mail to a person, where they have an address.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    letter: &Letter,
    now: Timestamp,
) -> Result<(), Problem> {
    user.email.as_ref().map_or(Ok(()), |email| send(tx, identity, (user.realm, email), letter, now))
}

impl Letter {
    const fn template(&self) -> &'static str {
        match self {
            Self::Link { purpose, .. } => match purpose {
                Purpose::Signup => "identity.confirm",
                Purpose::Invite => "identity.invite",
                Purpose::Recovery => "identity.recovery",
                Purpose::Magiclink => "identity.magic_link",
                Purpose::EmailChangeCurrent => "identity.email_change_current",
                Purpose::EmailChangeNew => "identity.email_change",
                Purpose::Reauthentication => "identity.reauthenticate",
            },
            Self::AccountExists => "identity.account_exists",
            Self::PasswordChanged => "identity.password_changed_notice",
            Self::FactorChanged { .. } => "identity.factor_changed_notice",
            Self::EmailChanged { .. } => "identity.email_changed_notice",
        }
    }
}
