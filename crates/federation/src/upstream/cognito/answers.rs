//! What Cognito's answers mean, and what is remembered of them.

use quoin_identity::model::FactorKind;
use quoin_identity::port::StoreError;
use quoin_kernel::Secret;
use serde_json::{Value, json};

use crate::upstream::way::{Answer, lacks};

/// Reads a refused call by the name of its exception.
pub(super) fn of_call(answer: &Answer) -> StoreError {
    let kind = answer.text("__type").unwrap_or_default();
    let kind = kind.rsplit('#').next().unwrap_or(kind);
    let words = answer.text("message").or_else(|| answer.text("Message")).unwrap_or_default();
    let log = || answer.words("__type", "message");
    match kind {
        // The same name where our own proof is wrong, which is the operator's to mend.
        "NotAuthorizedException" if words.contains("secret hash") || words.contains("Client") => {
            StoreError::Unreachable(log())
        }
        "NotAuthorizedException" | "InvalidPasswordError" => StoreError::InvalidCredentials,
        "UserNotFoundException" => StoreError::NoSuchPerson,
        "UserNotConfirmedException" => StoreError::Unconfirmed,
        "PasswordResetRequiredException" => {
            StoreError::ActionRequired("choose a new password with the code in its mail".to_owned())
        }
        "UsernameExistsException" | "AliasExistsException" => StoreError::Exists,
        "InvalidPasswordException" => StoreError::WeakPassword(words.to_owned()),
        "InvalidParameterException" if words.to_ascii_lowercase().contains("password") => {
            StoreError::WeakPassword(words.to_owned())
        }
        "CodeMismatchException" | "EnableSoftwareTokenMFAException" => StoreError::CodeRefused,
        "ExpiredCodeException" => StoreError::CodeExpired,
        "TooManyRequestsException" | "LimitExceededException" | "TooManyFailedAttemptsException" => {
            StoreError::Busy
        }
        "InvalidParameterException" => StoreError::Refused(log()),
        _ => StoreError::Unreachable(log()),
    }
}

/// Reads a refused sign-in: unknown names are refused as wrong passwords are.
pub(super) fn of_sign_in(error: StoreError) -> StoreError {
    match error {
        StoreError::NoSuchPerson | StoreError::WeakPassword(_) => StoreError::InvalidCredentials,
        error => error,
    }
}

/// Reads a refused refresh: the token was revoked or has expired, or its person was disabled or erased.
pub(super) fn of_refresh(error: StoreError) -> StoreError {
    match error {
        StoreError::InvalidCredentials | StoreError::NoSuchPerson => StoreError::Ended(error.to_string()),
        error => error,
    }
}

/// Reads why no mail was sent. What depends on the account counts as nobody being there, so that it is not told.
pub(super) fn of_mail(error: StoreError) -> StoreError {
    match error {
        error @ (StoreError::Unreachable(_) | StoreError::NotOffered(_)) => error,
        _ => StoreError::NoSuchPerson,
    }
}

/// By what a session is upheld: the refresh token, and the name that its proof needs.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) token: String,
    pub(super) username: String,
}

impl Session {
    /// Writes it as one secret.
    pub(super) fn write(&self) -> Secret<String> {
        Secret::new(json!({"token": self.token, "username": self.username}).to_string())
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for something else.
    pub(super) fn read(text: &Secret<String>) -> Result<Self, StoreError> {
        let kept = kept(text)?;
        Ok(Self { token: needed(&kept, "token")?, username: needed(&kept, "username")? })
    }
}

/// A challenge that the pool has made.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) challenge: String,
    pub(super) session: String,
    pub(super) username: String,
}

impl Owed {
    /// Reads it from an answer.
    ///
    /// # Errors
    /// [`StoreError::ActionRequired`] for what is answered on the provider's own pages alone.
    pub(super) fn of(answer: &Answer, name: &str) -> Result<Self, StoreError> {
        let username = answer.body["ChallengeParameters"]["USER_ID_FOR_SRP"].as_str().unwrap_or(name);
        let owed = Self {
            challenge: answer.needed("ChallengeName")?.to_owned(),
            session: answer.needed("Session")?.to_owned(),
            username: username.to_owned(),
        };
        owed.kind().map(|_| owed)
    }

    /// Writes it as one secret.
    pub(super) fn write(&self) -> Secret<String> {
        let kept = json!({"challenge": self.challenge, "session": self.session, "username": self.username});
        Secret::new(kept.to_string())
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for something else.
    pub(super) fn read(text: &Secret<String>) -> Result<Self, StoreError> {
        let kept = kept(text)?;
        Ok(Self {
            challenge: needed(&kept, "challenge")?,
            session: needed(&kept, "session")?,
            username: needed(&kept, "username")?,
        })
    }

    /// Says what kind of factor answers it.
    ///
    /// # Errors
    /// [`StoreError::ActionRequired`] where none does.
    pub(super) fn kind(&self) -> Result<FactorKind, StoreError> {
        match self.challenge.as_str() {
            "SOFTWARE_TOKEN_MFA" => Ok(FactorKind::Totp),
            "SMS_MFA" | "SMS_OTP" => Ok(FactorKind::Phone),
            "EMAIL_OTP" => Ok(FactorKind::Email),
            "NEW_PASSWORD_REQUIRED" => Err(action("choose a new password")),
            "MFA_SETUP" => Err(action("set up a second factor")),
            "SELECT_MFA_TYPE" => Err(action("choose one of your second factors as the preferred one")),
            _ => Err(action("answer a question that only its own pages ask")),
        }
    }

    /// Returns the name under which the code is answered.
    ///
    /// # Errors
    /// As [`Owed::kind`].
    pub(super) fn code_name(&self) -> Result<&'static str, StoreError> {
        match self.challenge.as_str() {
            "SOFTWARE_TOKEN_MFA" => Ok("SOFTWARE_TOKEN_MFA_CODE"),
            "SMS_MFA" => Ok("SMS_MFA_CODE"),
            "SMS_OTP" => Ok("SMS_OTP_CODE"),
            "EMAIL_OTP" => Ok("EMAIL_OTP_CODE"),
            _ => Err(action("answer a question that only its own pages ask")),
        }
    }
}

fn action(what: &str) -> StoreError {
    StoreError::ActionRequired(what.to_owned())
}

fn kept(text: &Secret<String>) -> Result<Value, StoreError> {
    serde_json::from_str(text.expose()).map_err(|_| lacks("state that can be read"))
}

fn needed(kept: &Value, name: &str) -> Result<String, StoreError> {
    kept[name].as_str().map(str::to_owned).ok_or_else(|| lacks(name))
}
