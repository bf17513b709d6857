//! Changing one's password at the provider.

use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret};

use super::{abandon, name_of, subject_of, told};
use crate::Identity;
use crate::error::IdentityError;
use crate::model::User;
use crate::port::{Credentials, FirstFactor, PasswordChange, StoreError, UserStore};
use crate::service::limits::{self, Guessed};
use crate::service::new_password::check_new_password;

/// Tells whether the provider knows this as the person's present password. A wrong one is counted.
///
/// # Errors
/// `invalid_credentials`; 429 after too many.
pub(crate) async fn prove(
    identity: &Identity,
    store: &dyn UserStore,
    (user, password): (&User, &Secret<String>),
    origin: &Origin,
) -> Result<(), Problem> {
    let name = name_of(identity, user).ok_or(IdentityError::ProviderRequired)?;
    let account = name.to_lowercase();
    let guessed = Guessed::Password(&account);
    limits::check_failures(identity, guessed, origin).await?;
    let shown = Credentials { name, password: password.clone() };
    let subject = match store.sign_in(&shown, origin.now).await {
        Ok(FirstFactor::Attested(attestation)) => {
            abandon(identity, attestation.refresh_token.as_ref()).await;
            Some(attestation.attested.subject)
        }
        Ok(FirstFactor::Owes(owed)) => Some(owed.attested.subject),
        Err(StoreError::InvalidCredentials) => None,
        Err(error) => return Err(told(error)),
    };
    if subject.as_deref() == subject_of(identity, user) && subject.is_some() {
        return limits::check_failures(identity, guessed, origin).await;
    }
    limits::count_failure(identity, guessed, origin).await?;
    Err(IdentityError::InvalidCredentials.into())
}

/// Changes the password of somebody who has proved who they are.
///
/// # Errors
/// `same_password`, `weak_password`; `provider_required` for somebody whom the provider does not keep.
pub(crate) async fn change_password(
    identity: &Identity,
    store: &dyn UserStore,
    user: &User,
    (current, new): (Option<Secret<String>>, Secret<String>),
) -> Result<(), Problem> {
    check_new_password(identity, &new)?;
    if current.as_ref() == Some(&new) {
        return Err(IdentityError::SamePassword.into());
    }
    let subject = subject_of(identity, user).ok_or(IdentityError::ProviderRequired)?;
    let name = name_of(identity, user).ok_or(IdentityError::ProviderRequired)?;
    let change = PasswordChange { name, current, new };
    store.change_password(subject, &change).await.map_err(told)
}
