//! What Keycloak's answers mean.

use quoin_identity::port::{Credentials, StoreError};
use quoin_kernel::Secret;
use serde_json::Value;

use crate::upstream::way::Answer;

/// Reads a refused direct grant. A wrong password, an unknown name and a locked account read alike there too; one that is
/// disabled says so before the password is judged, so it is not told apart either.
pub(super) fn of_grant(answer: &Answer) -> StoreError {
    match (answer.text("error"), answer.text("error_description")) {
        (Some("invalid_grant"), Some(words)) if words.contains("not fully set up") => {
            StoreError::ActionRequired("finish setting up the account on its own pages".to_owned())
        }
        (Some("invalid_grant"), _) => StoreError::InvalidCredentials,
        _ => ours(answer),
    }
}

/// Reads a refused refresh.
pub(super) fn of_refresh(answer: &Answer) -> StoreError {
    match answer.text("error") {
        Some("invalid_grant") => StoreError::Ended(answer.words("error", "error_description")),
        _ => ours(answer),
    }
}

/// Reads the answer to a logout; a session that is gone needs none.
pub(super) fn of_logout(answer: &Answer) -> Result<(), StoreError> {
    match answer.text("error") {
        _ if answer.is_ok() => Ok(()),
        Some("invalid_grant") => Ok(()),
        _ => Err(ours(answer)),
    }
}

/// Reads a refused call of the administration.
pub(super) fn of_administration(answer: &Answer) -> StoreError {
    match answer.status {
        404 => StoreError::NoSuchPerson,
        409 => StoreError::Exists,
        400 => {
            let code = answer.text("error").or_else(|| answer.text("errorMessage")).unwrap_or_default();
            if code.to_ascii_lowercase().contains("password") {
                let words = answer.text("error_description").or_else(|| answer.text("errorMessage"));
                return StoreError::WeakPassword(
                    words.unwrap_or("The provider's policy refuses it.").to_owned(),
                );
            }
            StoreError::Refused(answer.words("error", "errorMessage"))
        }
        _ => StoreError::Unreachable(answer.words("error", "error_description")),
    }
}

/// Whatever else it refuses, it refuses us.
fn ours(answer: &Answer) -> StoreError {
    StoreError::Unreachable(answer.words("error", "error_description"))
}

/// Reads the name and password that wait for a one-time code.
pub(super) fn kept_credentials(state: &Secret<String>) -> Result<Credentials, StoreError> {
    let broken = || StoreError::Refused("the state of the factor cannot be read".to_owned());
    let kept: Value = serde_json::from_str(state.expose()).map_err(|_| broken())?;
    let text = |name: &str| kept[name].as_str().map(str::to_owned).ok_or_else(broken);
    Ok(Credentials { name: text("name")?, password: Secret::new(text("password")?) })
}

/// Reads the id of an account that was made from where it is.
pub(super) fn made_id(answer: &Answer) -> Result<String, StoreError> {
    let location = answer.location.as_deref().unwrap_or_default();
    let id = location.rsplit('/').next().unwrap_or_default();
    if id.is_empty() {
        Err(StoreError::Refused("it does not say where the account is".to_owned()))
    } else {
        Ok(id.to_owned())
    }
}

/// Finds the account whose user name or address this is, exactly.
pub(super) fn only_id(answer: &Answer) -> Result<String, StoreError> {
    let found = answer.body.as_array().ok_or_else(|| StoreError::Refused("it has no list".to_owned()))?;
    match found.as_slice() {
        [one] => one["id"].as_str().map(str::to_owned).ok_or(StoreError::NoSuchPerson),
        _ => Err(StoreError::NoSuchPerson),
    }
}
