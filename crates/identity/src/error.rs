//! What can be wrong with a call about people, one variant for each fact.

use quoin_kernel::Problem;

use crate::password::WeakPassword;

/// A fact that stands against a call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IdentityError {
    /// Address and password do not belong together, or there is no such account; which of both is not said.
    #[error("Address and password do not belong together.")]
    InvalidCredentials,
    /// The password is right, and the address is not proved yet.
    #[error("The address is not confirmed yet. Open the link in the mail, or ask for another one.")]
    EmailNotConfirmed,
    /// The person may not sign in.
    #[error("This account is suspended.")]
    UserBanned,
    /// An administrator names an address that somebody else has.
    #[error("Somebody else has this address already.")]
    EmailExists,
    /// Somebody signs up with an address that has an account, where the configuration reveals that.
    #[error("There is an account with this address already.")]
    UserAlreadyExists,
    /// People belong to one organisation each, and the call does not say to which.
    #[error("Say whose people this is about: send a key of the organisation as apikey.")]
    OrganizationNeeded,
    /// The configuration lets nobody sign themselves up.
    #[error("Sign-up is closed. An administrator can invite you.")]
    SignupDisabled,
    /// The call names a telephone number instead of an address.
    #[error("Telephone numbers cannot be used here; send an address.")]
    PhoneDisabled,
    /// The call names neither address nor password, and the configuration lets nobody in without.
    #[error("Anonymous sign-in is not available; send email and password.")]
    AnonymousDisabled,
    /// An anonymous account has no address that a password could belong to.
    #[error("An anonymous account needs a confirmed address before it can have a password.")]
    PasswordNeedsAddress,
    /// The person has no such factor.
    #[error("There is no such factor.")]
    FactorNotFound,
    /// Another factor of the person has this name.
    #[error("You have a factor with this name already.")]
    FactorNameConflict,
    /// The person has as many factors as anybody may have.
    #[error("Remove a factor before you add another one.")]
    TooManyFactors,
    /// The challenge is unknown, was answered already, or is too old.
    #[error("Ask for another challenge, and answer it within five minutes.")]
    ChallengeExpired,
    /// The code or the device's answer is wrong.
    #[error("The code is wrong, or was used already. Wait for the next one.")]
    FactorRefused,
    /// A stronger session is needed for this.
    #[error("Show one of your second factors first.")]
    InsufficientAal,
    /// The person's organisation is reached through its own provider alone.
    #[error("Sign in through your organisation's own provider.")]
    SsoRequired,
    /// No organisation that can be used has proved this domain and brought a provider along.
    #[error("There is no single sign-on for this domain.")]
    SsoProviderNotFound,
    /// The provider says nothing of an address, or one outside of the domains that its organisation has proved.
    #[error("The provider may speak only for addresses of the domains that its organisation has proved.")]
    SsoAddressNotAllowed,
    /// A session of an organisation's provider does nothing for the person themselves.
    #[error("This session acts for its organisation alone. Sign in another way.")]
    SessionConfined,
    /// No adapter for passkeys is there.
    #[error("Passkeys need a site URL with a domain name, or identity.webauthn_rp_id.")]
    WebAuthnDisabled,
    /// The challenge of a device is unknown, was answered already, or is too old.
    #[error("Begin again, and answer within five minutes.")]
    WebAuthnChallengeNotFound,
    /// The device's answer proves nothing.
    #[error("The device's answer was not accepted.")]
    WebAuthnRefused,
    /// The person has no such passkey.
    #[error("There is no such passkey.")]
    PasskeyNotFound,
    /// People come through the provider that keeps them.
    #[error("Sign in with the name and password that your provider knows.")]
    ProviderRequired,
    /// The provider that keeps people has what the call is about.
    #[error("{0}")]
    KeptByProvider(&'static str),
    /// The provider wants the person to do something on its own pages.
    #[error("Your provider wants you to do something first: {0}.")]
    ProviderActionRequired(String),
    /// The provider has no such call, or no credentials were given for it.
    #[error("The provider cannot do this: {0}.")]
    ProviderLacks(&'static str),
    /// The provider's own policy refuses the password.
    #[error("{0}")]
    PasswordRefused(String),
    /// No such provider is configured.
    #[error("There is no such provider here.")]
    ProviderNotSupported,
    /// The journey is unknown, another browser's, over already, or too old.
    #[error("Start again from the application; a sign-in is finished once, in the browser it began in.")]
    BadOauthState,
    /// The provider's answer is not what it must be.
    #[error("The provider's answer was not accepted. Start again.")]
    BadOauthCallback,
    /// The provider, or the person there, said no.
    #[error("The provider says: {0}")]
    OauthDenied(String),
    /// Somebody has this identity already.
    #[error("This account at the provider belongs to somebody already.")]
    IdentityAlreadyExists,
    /// The person has no such identity.
    #[error("There is no such identity.")]
    IdentityNotFound,
    /// Without the identity nothing would open the account.
    #[error("It is the last way into the account. Confirm an address, or link another account first.")]
    SingleIdentity,
    /// The password is too short or too common.
    #[error("{0}")]
    WeakPassword(WeakPassword),
    /// The new password is the present one.
    #[error("The new password must differ from the present one.")]
    SamePassword,
    /// The change needs a recent sign-in, or a code.
    #[error("Sign in again, or ask for a code with GET /auth/v1/reauthenticate and send it as nonce.")]
    ReauthenticationNeeded,
    /// The code for the change is wrong, used or too old.
    #[error("The code is not valid or has expired. Ask for another one.")]
    ReauthenticationNotValid,
    /// The configuration gives nobody a password.
    #[error("Passwords are not used here. Ask for a link with POST /auth/v1/otp.")]
    PasswordsOff,
    /// The link or code does not work; why is not said to somebody who may have invented it.
    #[error("The link or code is not valid, was used already, or has expired. Ask for another one.")]
    LinkExpired,
    /// The link was used before; said to whoever holds its token.
    #[error("It works once, and somebody has used it. Ask for another one if you still need it.")]
    LinkUsed,
    /// The link is too old; said to whoever holds its token.
    #[error("It worked for a few minutes only. Ask for another one, and open it when it arrives.")]
    LinkTooOld,
    /// A newer link was sent; said to whoever holds the older one's token.
    #[error("A newer mail was sent to you, and only the link in the newest one works.")]
    LinkReplaced,
    /// No session has this refresh token.
    #[error("The refresh token is not valid. Sign in again.")]
    RefreshTokenNotFound,
    /// A copy of the refresh token was used before; the session has ended.
    #[error("The refresh token was used already. The session has ended; sign in again.")]
    RefreshTokenAlreadyUsed,
    /// No such authorization code.
    #[error("The authorization code is not valid or was used already.")]
    FlowStateNotFound,
    /// The authorization code is too old.
    #[error("The authorization code has expired. Start again.")]
    FlowStateExpired,
    /// The verifier is not the one whose hash was sent before.
    #[error("The code verifier does not match the challenge.")]
    BadCodeVerifier,
    /// There is no such person.
    #[error("No such user.")]
    UserNotFound,
    /// The session has ended.
    #[error("The session has ended; sign in again.")]
    SessionNotFound,
    /// Too many mails were asked for.
    #[error("Too many mails were asked for. Wait, then try again.")]
    OverEmailSendRateLimit {
        /// When it makes sense to ask again, in seconds.
        retry_after_s: u32,
    },
}

impl IdentityError {
    /// Returns status, code and title, the codes being the contract's own.
    const fn facts(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidCredentials => (400, "invalid_credentials", "Invalid login credentials"),
            Self::EmailNotConfirmed => (400, "email_not_confirmed", "Email not confirmed"),
            Self::UserBanned => (400, "user_banned", "User is banned"),
            Self::EmailExists => (422, "email_exists", "The address is taken"),
            Self::UserAlreadyExists => (422, "user_already_exists", "User already registered"),
            Self::OrganizationNeeded => (400, "organization_needed", "An organisation is needed"),
            Self::SignupDisabled => (422, "signup_disabled", "Sign-up is closed"),
            Self::PhoneDisabled => (400, "phone_provider_disabled", "Telephone numbers are not available"),
            Self::AnonymousDisabled => (422, "anonymous_provider_disabled", "Anonymous sign-in is off"),
            Self::PasswordNeedsAddress => (422, "validation_failed", "A password needs an address"),
            Self::FactorNotFound => (404, "mfa_factor_not_found", "Factor not found"),
            Self::FactorNameConflict => (422, "mfa_factor_name_conflict", "The name is taken"),
            Self::TooManyFactors => (422, "too_many_enrolled_mfa_factors", "Too many factors"),
            Self::ChallengeExpired => (422, "mfa_challenge_expired", "The challenge has expired"),
            Self::FactorRefused => (422, "mfa_verification_failed", "The code is not valid"),
            Self::InsufficientAal => (403, "insufficient_aal", "A second factor is needed first"),
            Self::SsoRequired => (403, "sso_required", "Single sign-on is required"),
            Self::SsoProviderNotFound => (404, "sso_provider_not_found", "There is no such provider"),
            Self::SsoAddressNotAllowed => (403, "sso_address_not_allowed", "The address is foreign"),
            Self::SessionConfined => (403, "session_confined", "The session is its organisation's alone"),
            Self::WebAuthnDisabled => (422, "mfa_webauthn_enroll_not_enabled", "Passkeys are not available"),
            Self::WebAuthnChallengeNotFound => (404, "webauthn_challenge_not_found", "Challenge not found"),
            Self::WebAuthnRefused => (400, "webauthn_verification_failed", "The passkey was not accepted"),
            Self::PasskeyNotFound => (404, "webauthn_credential_not_found", "Passkey not found"),
            Self::ProviderRequired => (403, "provider_required", "The provider is the way in"),
            Self::KeptByProvider(_) => (422, "kept_by_provider", "The provider keeps this"),
            Self::ProviderActionRequired(_) => (403, "provider_action_required", "The provider wants more"),
            Self::ProviderLacks(_) => (422, "provider_lacks_this", "The provider cannot do this"),
            Self::ProviderNotSupported => (400, "oauth_provider_not_supported", "Unsupported provider"),
            Self::BadOauthState => (400, "bad_oauth_state", "This sign-in cannot be finished"),
            Self::BadOauthCallback => (400, "bad_oauth_callback", "The provider's answer was refused"),
            Self::OauthDenied(_) => (400, "access_denied", "The provider refused"),
            Self::IdentityAlreadyExists => (422, "identity_already_exists", "The identity is taken"),
            Self::IdentityNotFound => (404, "identity_not_found", "Identity not found"),
            Self::SingleIdentity => (422, "single_identity_not_deletable", "The last way in stays"),
            Self::WeakPassword(_) | Self::PasswordRefused(_) => {
                (422, "weak_password", "The password is too weak")
            }
            Self::SamePassword => (422, "same_password", "The password is the same"),
            Self::ReauthenticationNeeded => (400, "reauthentication_needed", "A recent sign-in is needed"),
            Self::ReauthenticationNotValid => (422, "reauthentication_not_valid", "The code is not valid"),
            Self::PasswordsOff => (422, "email_provider_disabled", "Passwords are not used here"),
            Self::LinkExpired => (403, "otp_expired", "The link or code does not work"),
            Self::LinkUsed => (403, "otp_expired", "This link was used already"),
            Self::LinkTooOld => (403, "otp_expired", "This link has expired"),
            Self::LinkReplaced => (403, "otp_expired", "There is a newer link"),
            Self::RefreshTokenNotFound => (400, "refresh_token_not_found", "Invalid refresh token"),
            Self::RefreshTokenAlreadyUsed => {
                (400, "refresh_token_already_used", "Invalid refresh token: already used")
            }
            Self::FlowStateNotFound => (404, "flow_state_not_found", "Invalid authorization code"),
            Self::FlowStateExpired => (403, "flow_state_expired", "The authorization code has expired"),
            Self::BadCodeVerifier => (400, "bad_code_verifier", "The code verifier does not match"),
            Self::UserNotFound => (404, "user_not_found", "User not found"),
            Self::SessionNotFound => (403, "session_not_found", "Session not found"),
            Self::OverEmailSendRateLimit { .. } => (429, "over_email_send_rate_limit", "Too many mails"),
        }
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        let (status, code, title) = error.facts();
        let problem = Self::new(status, code, title).detail(error.to_string());
        match error {
            IdentityError::WeakPassword(weak) => problem.weak_password(vec![weak.reason()]),
            IdentityError::OverEmailSendRateLimit { retry_after_s } => problem.retry_after_s(retry_after_s),
            _ => problem,
        }
    }
}
