//! A tenant of Auth0: its token endpoint and MFA API for people, its Management API for their accounts.
//!
//! Source: Auth0 Authentication API (password-realm grant, MFA, database connections) and Management API v2.

mod administration;
mod answers;

use std::sync::Arc;

use http::Method;
use openidconnect::HttpRequest;
use quoin_identity::config::UpstreamConfig;
use quoin_identity::model::{FactorKind, Provider};
use quoin_identity::port::{
    Attestation, AttestedOrganizations, Credentials, FirstFactor, NewPerson, OwedFactor, PasswordChange,
    PersonChanges, Registered, StoreError, Upheld, UserStore,
};
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Secret, Timestamp};
use serde_json::{Value, json};
use url::Url;

use super::administrator::Administrator;
use super::tokens::Tokens;
use super::way::{self, Answer, below};
use crate::fetch::{Client, Fetch};
use answers::Owed;

/// The grant that names the database in which people are.
const PASSWORD_REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
/// What is asked for; without `offline_access` nothing would uphold a session.
const SCOPE: &str = "openid profile email offline_access";

/// A tenant.
pub struct Auth0 {
    provider: Provider,
    base: Url,
    connection: String,
    tokens: Tokens,
    administrator: Option<Administrator>,
}

impl Auth0 {
    /// Opens a tenant that the configuration describes.
    ///
    /// # Errors
    /// What cannot be used, in words for the operator.
    pub fn open(config: &UpstreamConfig, provider: Provider, fetch: Arc<dyn Fetch>) -> Result<Self, String> {
        let place = config.endpoint.as_deref().unwrap_or(&provider.issuer);
        let base: Url = place.parse().map_err(|_| format!("identity.upstream: {place:?} is no URL"))?;
        let client_id = config.admin_client_id.clone().unwrap_or_else(|| provider.client_id.clone());
        let secret = config.admin_client_secret.clone().or_else(|| provider.client_secret.clone());
        // The audience is the tenant's own name for its API, wherever that is reached.
        let audience = format!("{}/api/v2/", provider.issuer.trim_end_matches('/'));
        let token_url = below(&base, &["oauth", "token"]);
        let administrator = secret
            .filter(|_| config.administer)
            .map(|secret| Administrator::new(token_url, (client_id, secret), Some(audience)));
        let tokens = Tokens::new(Client(fetch), below(&base, &[".well-known", "jwks.json"]));
        Ok(Self { provider, base, connection: config.connection.clone(), tokens, administrator })
    }

    async fn send(&self, request: HttpRequest) -> Result<Answer, StoreError> {
        way::send(&self.tokens.client, request).await
    }

    /// Builds a call as our client.
    fn by_client(&self, segments: &[&str], mut body: Value) -> HttpRequest {
        body["client_id"] = json!(self.provider.client_id);
        if let Some(secret) = &self.provider.client_secret {
            body["client_secret"] = json!(secret.expose());
        }
        way::json(Method::POST, &below(&self.base, segments), Some(&body))
    }

    async fn attestation(&self, answer: &Answer, now: Timestamp) -> Result<Attestation, StoreError> {
        let attested = self.tokens.attested(&self.provider, answer, now).await?;
        let all = self.organizations_of(&attested.subject).await?;
        let organizations = AttestedOrganizations { active: attested.organization.clone(), all };
        let refresh_token = answer.text("refresh_token").map(|token| Secret::new(token.to_owned()));
        Ok(Attestation { attested, refresh_token, organizations })
    }

    /// Finds out whose second factor is owed, and which.
    async fn owed(&self, answer: &Answer, shown: &Credentials) -> Result<FirstFactor, StoreError> {
        let mfa_token = answer.needed("mfa_token")?;
        let list = way::json(Method::GET, &below(&self.base, &["mfa", "authenticators"]), None);
        let list = self.send(way::bearing(list, mfa_token)?).await?;
        let authenticator = answers::preferred(&list)?;
        let attested = self.look_up(&shown.name).await?;
        let owed = Owed {
            mfa_token: mfa_token.to_owned(),
            authenticator_id: authenticator.id,
            is_app: authenticator.kind == FactorKind::Totp,
            oob_code: None,
        };
        let state = owed.write();
        Ok(FirstFactor::Owes(Box::new(OwedFactor { kind: authenticator.kind, attested, state })))
    }

    fn challenge_request(&self, owed: &Owed) -> HttpRequest {
        let body = json!({
            "mfa_token": owed.mfa_token,
            "challenge_type": if owed.is_app { "otp" } else { "oob" },
            "authenticator_id": owed.authenticator_id,
        });
        self.by_client(&["mfa", "challenge"], body)
    }
}

impl UserStore for Auth0 {
    fn provider(&self) -> &Provider {
        &self.provider
    }

    fn has_organizations(&self) -> bool {
        true
    }

    fn sign_in<'a>(
        &'a self,
        shown: &'a Credentials,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<FirstFactor, StoreError>> {
        Box::pin(async move {
            let body = json!({
                "grant_type": PASSWORD_REALM,
                "realm": self.connection,
                "username": shown.name,
                "password": shown.password.expose(),
                "scope": SCOPE,
            });
            let answer = self.send(self.by_client(&["oauth", "token"], body)).await?;
            if answer.is_ok() {
                return Ok(FirstFactor::Attested(Box::new(self.attestation(&answer, now).await?)));
            }
            match answer.text("error") {
                Some("mfa_required") => self.owed(&answer, shown).await,
                _ => Err(answers::of_grant(&answer)),
            }
        })
    }

    fn ask<'a>(&'a self, state: &'a Secret<String>) -> BoxFuture<'a, Result<Secret<String>, StoreError>> {
        Box::pin(async move {
            let mut owed = Owed::read(state)?;
            let answer = self.send(self.challenge_request(&owed)).await?;
            if !answer.is_ok() {
                return Err(answers::of_factor(&answer));
            }
            owed.oob_code = answer.text("oob_code").map(str::to_owned);
            Ok(owed.write())
        })
    }

    fn answer<'a>(
        &'a self,
        state: &'a Secret<String>,
        code: &'a Secret<String>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Attestation, StoreError>> {
        Box::pin(async move {
            let body = Owed::read(state)?.grant(code);
            let answer = self.send(self.by_client(&["oauth", "token"], body)).await?;
            if !answer.is_ok() {
                return Err(answers::of_factor(&answer));
            }
            self.attestation(&answer, now).await
        })
    }

    fn refresh<'a>(
        &'a self,
        token: &'a Secret<String>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Upheld, StoreError>> {
        Box::pin(async move {
            let body = json!({"grant_type": "refresh_token", "refresh_token": token.expose()});
            let answer = self.send(self.by_client(&["oauth", "token"], body)).await?;
            if !answer.is_ok() {
                return Err(answers::of_refresh(&answer));
            }
            self.tokens.upheld(&self.provider, &answer, now).await
        })
    }

    fn end<'a>(&'a self, token: &'a Secret<String>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let answer =
                self.send(self.by_client(&["oauth", "revoke"], json!({"token": token.expose()}))).await?;
            if answer.is_ok() { Ok(()) } else { Err(answers::of_refresh(&answer)) }
        })
    }

    fn is_enabled<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.look_at(subject))
    }

    fn sign_up<'a>(&'a self, person: &'a NewPerson) -> BoxFuture<'a, Result<Registered, StoreError>> {
        Box::pin(self.register(person))
    }

    fn confirm_sign_up<'a>(
        &'a self,
        _: &'a str,
        _: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::NotOffered("Auth0 confirms an address by the link in its mail")) })
    }

    fn resend_confirmation<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.mail_confirmation(name))
    }

    fn request_reset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.mail_reset(name))
    }

    fn confirm_reset<'a>(
        &'a self,
        _: &'a Credentials,
        _: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            Err(StoreError::NotOffered("Auth0 takes a new password on the page that its mail names"))
        })
    }

    fn change_password<'a>(
        &'a self,
        subject: &'a str,
        change: &'a PasswordChange,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.set_password(subject, &change.new))
    }

    fn create<'a>(&'a self, person: &'a NewPerson) -> BoxFuture<'a, Result<Registered, StoreError>> {
        Box::pin(self.make(person))
    }

    fn change<'a>(
        &'a self,
        subject: &'a str,
        changes: &'a PersonChanges,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.update(subject, changes))
    }

    fn delete<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.erase(subject))
    }
}
