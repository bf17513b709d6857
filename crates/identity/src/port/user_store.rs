//! Another program that keeps people's passwords in place of this room, and says who they are.

use quoin_kernel::port::BoxFuture;
use quoin_kernel::{EmailAddress, Secret, Timestamp};

use crate::model::{Attested, AttestedOrganization, FactorKind, Provider};

/// Keeps people's accounts and passwords. An adapter keeps nothing itself but what the provider publishes and its own
/// access as an administrator.
///
/// What a provider has no call for, or what the operator has given no credentials for, is [`StoreError::NotOffered`].
pub trait UserStore: Send + Sync {
    /// Returns the provider: its name, its issuer, and for whose addresses it may speak.
    fn provider(&self) -> &Provider;

    /// Tells whether its tokens may say for which organisation somebody has signed in.
    fn has_organizations(&self) -> bool;

    /// Shows the provider a name (an address, or a user name where it has those) and a password.
    ///
    /// # Errors
    /// [`StoreError`].
    fn sign_in<'a>(
        &'a self,
        shown: &'a Credentials,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<FirstFactor, StoreError>>;

    /// Has the provider ask for the factor that somebody owes, where that is a call of its own, and returns the state with
    /// which the answer is given.
    ///
    /// # Errors
    /// [`StoreError`].
    fn ask<'a>(&'a self, state: &'a Secret<String>) -> BoxFuture<'a, Result<Secret<String>, StoreError>>;

    /// Gives the provider the code of the factor that somebody owes.
    ///
    /// # Errors
    /// [`StoreError::CodeRefused`] for a wrong code.
    fn answer<'a>(
        &'a self,
        state: &'a Secret<String>,
        code: &'a Secret<String>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Attestation, StoreError>>;

    /// Asks whether a session still holds. Not idempotent where the provider rotates refresh tokens, so each is shown once.
    ///
    /// # Errors
    /// [`StoreError::Ended`] where it does not.
    fn refresh<'a>(
        &'a self,
        token: &'a Secret<String>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Upheld, StoreError>>;

    /// Ends a session; one that has ended already is no error.
    ///
    /// # Errors
    /// [`StoreError`].
    fn end<'a>(&'a self, token: &'a Secret<String>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Tells whether somebody may sign in there; `false` too where there is no such person any more.
    ///
    /// # Errors
    /// [`StoreError`].
    fn is_enabled<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Signs somebody up, as far as the provider lets people do that.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::WeakPassword`].
    fn sign_up<'a>(&'a self, person: &'a NewPerson) -> BoxFuture<'a, Result<Registered, StoreError>>;

    /// Confirms a sign-up with the code that the provider has sent.
    ///
    /// # Errors
    /// [`StoreError::CodeRefused`].
    fn confirm_sign_up<'a>(
        &'a self,
        name: &'a str,
        code: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Has the provider send its confirmation again.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPerson`].
    fn resend_confirmation<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Has the provider send what lets somebody in who has forgotten the password: its code, or its own page's link.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPerson`].
    fn request_reset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Sets a new password for whoever has the code that the provider has sent.
    ///
    /// # Errors
    /// [`StoreError::CodeRefused`], [`StoreError::WeakPassword`].
    fn confirm_reset<'a>(
        &'a self,
        shown: &'a Credentials,
        code: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Changes a password on behalf of somebody who has proved who they are.
    ///
    /// # Errors
    /// [`StoreError::InvalidCredentials`] for a wrong present password, [`StoreError::WeakPassword`].
    fn change_password<'a>(
        &'a self,
        subject: &'a str,
        change: &'a PasswordChange,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Makes an account as an administrator does. Nothing is sent.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::WeakPassword`].
    fn create<'a>(&'a self, person: &'a NewPerson) -> BoxFuture<'a, Result<Registered, StoreError>>;

    /// Changes an account as an administrator does. Idempotent.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPerson`], [`StoreError::Exists`], [`StoreError::WeakPassword`].
    fn change<'a>(
        &'a self,
        subject: &'a str,
        changes: &'a PersonChanges,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Erases an account; one that is gone already is no error.
    ///
    /// # Errors
    /// [`StoreError`].
    fn delete<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// A name and a password.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// An address, or a user name where the provider has those.
    pub name: String,
    /// The password.
    pub password: Secret<String>,
}

/// What a right password leads to.
#[derive(Debug)]
pub enum FirstFactor {
    /// The provider says who it is.
    Attested(Box<Attestation>),
    /// The provider wants to see another factor first.
    Owes(Box<OwedFactor>),
}

/// What a provider says after every factor it wants to see.
#[derive(Debug)]
pub struct Attestation {
    /// Who it is.
    pub attested: Attested,
    /// By which the session is upheld; none where the provider gives none.
    pub refresh_token: Option<Secret<String>>,
    /// What it says about organisations.
    pub organizations: AttestedOrganizations,
}

/// A factor that the provider wants to see before it says who somebody is.
#[derive(Debug)]
pub struct OwedFactor {
    /// What it is.
    pub kind: FactorKind,
    /// Whose password was right, as the provider's administration knows them.
    pub attested: Attested,
    /// With which the answer is given; the adapter's own.
    pub state: Secret<String>,
}

/// Where a provider says that somebody belongs.
#[derive(Debug, Clone, Default)]
pub struct AttestedOrganizations {
    /// For which organisation they have signed in.
    pub active: Option<AttestedOrganization>,
    /// All they belong to, where the provider was asked.
    pub all: Option<Vec<AttestedOrganization>>,
}

/// A session that still holds.
#[derive(Debug)]
pub struct Upheld {
    /// The token that replaces the one that was shown, where it is another one.
    pub refresh_token: Option<Secret<String>>,
    /// Whose session it is, as the provider says again.
    pub subject: String,
}

/// Somebody who shall have an account.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// Their address.
    pub email: EmailAddress,
    /// Their user name, where the provider has those.
    pub username: Option<String>,
    /// Their password; none where they shall choose one by a reset.
    pub password: Option<Secret<String>>,
    /// Whether the address counts as proved, on an administrator's word.
    pub email_verified: bool,
}

/// An account that was made.
#[derive(Debug, Clone)]
pub struct Registered {
    /// Who it is there, for ever.
    pub subject: String,
}

/// A new password.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// By which the person signs in.
    pub name: String,
    /// The present password, where they gave it.
    pub current: Option<Secret<String>>,
    /// The new one.
    pub new: Secret<String>,
}

/// What an administrator changes; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct PersonChanges {
    /// The address, proved on the administrator's word.
    pub email: Option<EmailAddress>,
    /// The password.
    pub password: Option<Secret<String>>,
    /// Whether the person may sign in.
    pub is_enabled: Option<bool>,
}

/// Why a provider does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Name and password do not belong together, there is no such account, or it may not be used: which is not said on.
    #[error("the provider refuses these credentials")]
    InvalidCredentials,
    /// The password is right, and the address is not proved yet.
    #[error("the account is not confirmed")]
    Unconfirmed,
    /// The person has to do something on the provider's own pages first.
    #[error("the provider wants the person to {0} first")]
    ActionRequired(String),
    /// The session does not hold any more: it was ended, or its person was disabled or erased.
    #[error("the session has ended at the provider: {0}")]
    Ended(String),
    /// The name is taken.
    #[error("the account exists already")]
    Exists,
    /// There is no such account.
    #[error("there is no such account")]
    NoSuchPerson,
    /// The provider's own policy refuses the password.
    #[error("the provider refuses the password: {0}")]
    WeakPassword(String),
    /// The code is wrong.
    #[error("the code is wrong")]
    CodeRefused,
    /// The code, or what it answers, is too old.
    #[error("the code has expired")]
    CodeExpired,
    /// The provider has no such call, or the operator has given no credentials for it.
    #[error("{0}")]
    NotOffered(&'static str),
    /// The provider wants to be asked later.
    #[error("the provider limits how often it is asked")]
    Busy,
    /// The answer is not what it must be; what is wrong is for the log.
    #[error("the provider's answer was refused: {0}")]
    Refused(String),
    /// The provider could not be asked, or refuses us ourselves.
    #[error("the provider could not be asked: {0}")]
    Unreachable(String),
}
