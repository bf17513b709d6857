//! What Auth0's answers mean, and what is remembered of a factor that is owed.

use quoin_identity::model::{AttestedOrganization, FactorKind};
use quoin_identity::port::StoreError;
use quoin_kernel::Secret;
use serde_json::{Value, json};

use crate::upstream::way::{Answer, lacks};

/// Reads a refused grant. A blocked account is not told apart from a wrong password.
pub(super) fn of_grant(answer: &Answer) -> StoreError {
    match (answer.text("error"), words(answer)) {
        (Some("invalid_grant"), _) => StoreError::InvalidCredentials,
        (Some("unauthorized" | "access_denied"), words) if words.contains("blocked") => {
            StoreError::InvalidCredentials
        }
        (Some("unauthorized"), words) if words.contains("verify") => StoreError::Unconfirmed,
        (Some("password_leaked" | "password_expired"), _) => {
            StoreError::ActionRequired("choose a new password".to_owned())
        }
        (Some("too_many_attempts" | "too_many_logins" | "too_many_requests"), _) => StoreError::Busy,
        _ => ours(answer),
    }
}

/// Reads a refused answer to a second factor.
pub(super) fn of_factor(answer: &Answer) -> StoreError {
    match (answer.text("error"), words(answer)) {
        (Some("expired_token"), _) => StoreError::CodeExpired,
        (Some("invalid_grant" | "invalid_token" | "access_denied"), words) if words.contains("mfa_token") => {
            StoreError::CodeExpired
        }
        (Some("invalid_grant"), _) => StoreError::CodeRefused,
        (Some("too_many_attempts" | "too_many_requests"), _) => StoreError::Busy,
        _ => ours(answer),
    }
}

/// Reads a refused refresh.
pub(super) fn of_refresh(answer: &Answer) -> StoreError {
    let is_blocked = words(answer).contains("blocked");
    match answer.text("error") {
        Some("invalid_grant") => StoreError::Ended(answer.words("error", "error_description")),
        Some("unauthorized" | "access_denied") if is_blocked => {
            StoreError::Ended(answer.words("error", "error_description"))
        }
        _ => ours(answer),
    }
}

/// Reads a refused sign-up.
pub(super) fn of_sign_up(answer: &Answer) -> StoreError {
    match answer.text("code").or_else(|| answer.text("name")) {
        // The first of them is what a tenant says that tells nothing about who exists.
        Some("invalid_signup" | "user_exists" | "username_exists") => StoreError::Exists,
        Some(
            "invalid_password"
            | "PasswordStrengthError"
            | "password_strength_error"
            | "password_dictionary_error"
            | "password_no_user_info_error",
        ) => weak(answer),
        _ => StoreError::Unreachable(answer.words("code", "message")),
    }
}

/// Reads a refused call of the administration.
pub(super) fn of_administration(answer: &Answer) -> StoreError {
    let words = answer.text("message").unwrap_or_default();
    match answer.status {
        404 => StoreError::NoSuchPerson,
        409 => StoreError::Exists,
        400 if words.contains("Password") => weak(answer),
        400 => StoreError::Refused(answer.words("errorCode", "message")),
        _ => StoreError::Unreachable(answer.words("errorCode", "message")),
    }
}

fn weak(answer: &Answer) -> StoreError {
    let words = answer.text("policy").or_else(|| answer.text("message"));
    StoreError::WeakPassword(words.unwrap_or("The provider's policy refuses it.").to_owned())
}

fn words(answer: &Answer) -> &str {
    answer.text("error_description").unwrap_or_default()
}

/// Whatever else it refuses, it refuses us.
fn ours(answer: &Answer) -> StoreError {
    StoreError::Unreachable(answer.words("error", "error_description"))
}

/// An authenticator that somebody has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authenticator {
    pub(super) id: String,
    pub(super) kind: FactorKind,
}

/// Chooses the authenticator that is asked for: an app, else a code by text message, else one by mail.
///
/// # Errors
/// [`StoreError::ActionRequired`] where there is none yet.
pub(super) fn preferred(answer: &Answer) -> Result<Authenticator, StoreError> {
    let list = answer.body.as_array().ok_or_else(|| lacks("list of authenticators"))?;
    let active = list.iter().filter(|one| one["active"] == json!(true)).filter_map(|one| {
        let kind = match (one["authenticator_type"].as_str()?, one["oob_channel"].as_str()) {
            ("otp", _) => FactorKind::Totp,
            ("oob", Some("sms" | "voice")) => FactorKind::Phone,
            ("oob", Some("email")) => FactorKind::Email,
            _ => return None,
        };
        Some(Authenticator { id: one["id"].as_str()?.to_owned(), kind })
    });
    let order = |kind: FactorKind| match kind {
        FactorKind::Totp => 0,
        FactorKind::Phone => 1,
        _ => 2,
    };
    let first = active.min_by_key(|one| order(one.kind));
    first.ok_or_else(|| StoreError::ActionRequired("set up a second factor".to_owned()))
}

/// Reads how many there are in all, where a page of a list says so.
pub(super) fn total(answer: &Answer) -> Option<usize> {
    answer.body["total"].as_u64().and_then(|total| usize::try_from(total).ok())
}

/// Reads a list of organisations.
///
/// # Errors
/// [`StoreError::Refused`] for something else.
pub(super) fn organizations(answer: &Answer) -> Result<Vec<AttestedOrganization>, StoreError> {
    let list = answer.body.as_array().or_else(|| answer.body["organizations"].as_array());
    let list = list.ok_or_else(|| lacks("list of organisations"))?;
    let read = |one: &Value| {
        let id = one["id"].as_str().filter(|id| !id.is_empty()).ok_or_else(|| lacks("id"))?;
        let name = one["display_name"].as_str().or_else(|| one["name"].as_str());
        Ok(AttestedOrganization { id: id.to_owned(), name: name.map(str::to_owned) })
    };
    list.iter().map(read).collect()
}

/// A factor that is owed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) mfa_token: String,
    pub(super) authenticator_id: String,
    /// Whether an app shows the code; else it is sent.
    pub(super) is_app: bool,
    /// What belongs to a code that was sent.
    pub(super) oob_code: Option<String>,
}

impl Owed {
    /// Writes it as one secret.
    pub(super) fn write(&self) -> Secret<String> {
        let kept = json!({
            "mfa_token": self.mfa_token,
            "authenticator_id": self.authenticator_id,
            "is_app": self.is_app,
            "oob_code": self.oob_code,
        });
        Secret::new(kept.to_string())
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for something else.
    pub(super) fn read(text: &Secret<String>) -> Result<Self, StoreError> {
        let kept: Value = serde_json::from_str(text.expose()).map_err(|_| lacks("state that can be read"))?;
        let needed = |name: &str| kept[name].as_str().map(str::to_owned).ok_or_else(|| lacks(name));
        Ok(Self {
            mfa_token: needed("mfa_token")?,
            authenticator_id: needed("authenticator_id")?,
            is_app: kept["is_app"] == json!(true),
            oob_code: kept["oob_code"].as_str().map(str::to_owned),
        })
    }

    /// Writes the grant that answers it.
    pub(super) fn grant(&self, code: &Secret<String>) -> Value {
        if self.is_app {
            return json!({
                "grant_type": "http://auth0.com/oauth/grant-type/mfa-otp",
                "mfa_token": self.mfa_token,
                "otp": code.expose(),
            });
        }
        json!({
            "grant_type": "http://auth0.com/oauth/grant-type/mfa-oob",
            "mfa_token": self.mfa_token,
            "oob_code": self.oob_code,
            "binding_code": code.expose(),
        })
    }
}
