//! Tells another service what a token or key stands for at this moment (RFC 7662).

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quoin_kernel::billing::Subject;
use quoin_kernel::port::Authenticator;
use quoin_kernel::{ApiKeyId, Caller, OrgId, Problem, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::Identity;

/// The scope that introspection needs.
const SCOPE: &str = "introspect";

/// What a token or key stands for; only `active: false` where it stands for nothing any more.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Introspection {
    /// Whether it is valid now: not expired, not revoked, session and membership alive.
    pub active: bool,
    /// `access_token`, `api_key` or `publishable_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<UserId>,
    /// The person's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the address is proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// How strongly the person was authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aal: Option<String>,
    /// The active organisation, or the one an API key is confined to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    /// The name of the person's role in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_role: Option<Arc<str>>,
    /// The API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<ApiKeyId>,
    /// What the API key may do.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub scopes: Vec<String>,
    /// The plan in force for the active organisation, or for the person where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Whether it is paid for, or on trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub premium: Option<bool>,
    /// Until when, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub premium_until: Option<Timestamp>,
    /// Whether it goes on after that by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_renew: Option<bool>,
    /// When it expires, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
}

/// What a token's claims say of an address. Nothing else of them is read, because every call of every service may ask.
#[derive(Default, Deserialize)]
struct AddressClaims<'a> {
    #[serde(borrow)]
    email: Option<Cow<'a, str>>,
    email_verified: Option<bool>,
}

/// Who asks: an API key as Bearer, or a service's client id and secret as Basic credentials.
#[derive(Debug, Clone, Copy)]
pub struct ServiceCredentials<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
}

impl Identity {
    /// Checks that a service may introspect.
    ///
    /// # Errors
    /// 401 without valid credentials, 403 without the scope `introspect`.
    pub async fn admit_service(
        &self,
        credentials: ServiceCredentials<'_>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let refused =
            || Problem::new(401, "invalid_client", "Send a secret key, or a service's id and secret");
        let header = credentials.authorization.ok_or_else(refused)?;
        let (scheme, rest) = header.split_once(' ').ok_or_else(refused)?;
        let (key, client_id) = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => (rest.trim().to_owned(), None),
            "basic" => {
                let (id, secret) = read_basic(rest).ok_or_else(refused)?;
                (secret, Some(id))
            }
            _ => return Err(refused()),
        };
        let Caller::ApiKey(key) = self.authenticate(&key, now).await? else {
            return Err(refused());
        };
        if client_id.is_some_and(|id| id != key.key_id.to_string()) {
            return Err(refused());
        }
        if !key.allows(SCOPE) || key.org_id.is_some() {
            return Err(Problem::forbidden("Introspection needs a platform key with the scope introspect."));
        }
        Ok(())
    }

    /// Says what `token` stands for. A token that is refused for whatever reason is just not active.
    ///
    /// # Errors
    /// 503 where that cannot be found out.
    pub async fn introspect(&self, token: &str, now: Timestamp) -> Result<Introspection, Problem> {
        match self.authenticate(token, now).await {
            // Whoever owes a factor may do nothing but show it, and that is nobody else's business.
            Ok(Caller::User(user)) if user.needs_second_factor => Ok(Introspection::default()),
            Ok(caller) => self.with_coverage(Introspection::of(&caller), &caller).await,
            Err(problem) if problem.status() < 500 => Ok(Introspection::default()),
            Err(problem) => Err(problem),
        }
    }
}

impl Identity {
    /// Adds what has been paid for. Where that cannot be found out, nobody is called premium by guess.
    async fn with_coverage(
        &self,
        mut introspection: Introspection,
        caller: &Caller,
    ) -> Result<Introspection, Problem> {
        let (Some(billing), Caller::User(user)) = (self.billing(), caller) else { return Ok(introspection) };
        let coverage = billing.coverage(Subject::of(user)).await?;
        introspection.plan = coverage.plan;
        introspection.premium = Some(coverage.premium);
        introspection.premium_until = coverage.premium_until;
        introspection.auto_renew = Some(coverage.auto_renew);
        Ok(introspection)
    }
}

impl Introspection {
    fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Anonymous => {
                Self { active: true, token_type: Some("publishable_key".into()), ..Self::default() }
            }
            Caller::ApiKey(key) => Self {
                active: true,
                token_type: Some("api_key".into()),
                key_id: Some(key.key_id),
                org_id: key.org_id,
                scopes: key.scopes.clone(),
                ..Self::default()
            },
            Caller::User(user) => {
                let address: AddressClaims<'_> = serde_json::from_str(&user.claims).unwrap_or_default();
                Self {
                    active: true,
                    token_type: Some("access_token".into()),
                    sub: Some(user.user_id),
                    email: address.email.filter(|email| !email.is_empty()).map(Cow::into_owned),
                    email_verified: address.email_verified,
                    session_id: Some(user.session_id),
                    aal: Some(user.aal.as_str().into()),
                    org_id: user.org.map(|(org_id, _)| org_id),
                    org_role: user.org_role.clone(),
                    exp: Some(user.expires_at.as_seconds()),
                    ..Self::default()
                }
            }
        }
    }
}

fn read_basic(encoded: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
