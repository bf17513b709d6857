//! The mails of this room: which template, which parameters, and that links and codes are sealed.

use quoin_db::{DbError, Tx};
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Language, OrgId, Problem, Secret, Timestamp};
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
        /// What has happened.
        what: FactorChange,
    },
    /// Tells that the address was changed; goes to the old and the new one.
    EmailChanged {
        /// The new address.
        new: EmailAddress,
    },
}

/// What has happened to the ways in which somebody signs in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FactorChange {
    /// A second factor was added.
    FactorAdded,
    /// A second factor was removed.
    FactorRemoved,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// An account at a provider was linked.
    IdentityLinked,
    /// An account at a provider was unlinked.
    IdentityUnlinked,
}

/// Queues a mail to an address of a realm, in the transaction that it is about, in the reader's language, else the
/// instance's.
pub(crate) fn send(
    tx: &mut Tx<'_>,
    identity: &Identity,
    (realm, to, language): (Realm, &EmailAddress, Option<Language>),
    letter: &Letter,
    now: Timestamp,
) -> Result<(), Problem> {
    let app = identity.app();
    let mail = NewMail::new(app.rng(), now, to.clone(), letter.template()).language(language);
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
        Letter::FactorChanged { what } => {
            mail.params(json!({"email": to, "site": site, "what": what.name()}))
        }
        Letter::AccountExists | Letter::PasswordChanged => mail.params(json!({"email": to, "site": site})),
        Letter::EmailChanged { new } => mail.params(json!({"email": to, "site": site, "new_email": new})),
    };
    quoin_mail::enqueue(tx, &mail)?;
    Ok(())
}

/// Queues a mail to a person, where they have an address, in their language or the one that was asked in.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    letter: &Letter,
    origin: &Origin,
) -> Result<(), Problem> {
    let Some(email) = &user.email else { return Ok(()) };
    send(tx, identity, (user.realm, email, user.language_in(origin)), letter, origin.now)
}

/// The mails to an address that can be about nobody but the account that has it. Those about a change of address are not
/// among them: whoever left the address, and whoever wants it, is somebody else.
const OWN: &[&str] = &[
    "identity.confirm",
    "identity.invite",
    "identity.recovery",
    "identity.magic_link",
    "identity.email_change_current",
    "identity.reauthenticate",
    "identity.account_exists",
    "identity.password_changed_notice",
    "identity.factor_changed_notice",
];

/// Gives up what waits for an account that has an address without having proved it, and leaves what others are told there.
pub(crate) fn forget_own(
    tx: &mut Tx<'_>,
    (org_id, address): (Option<OrgId>, &EmailAddress),
    now: Timestamp,
) -> Result<(), DbError> {
    for template in OWN {
        quoin_mail::forget_template(tx, org_id, (address, template), now)?;
    }
    Ok(())
}

impl FactorChange {
    const fn name(self) -> &'static str {
        match self {
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::IdentityLinked => "identity_linked",
            Self::IdentityUnlinked => "identity_unlinked",
        }
    }
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
