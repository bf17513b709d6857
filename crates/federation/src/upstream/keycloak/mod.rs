//! A realm of Keycloak: its token endpoint for people, its administration for their accounts.
//!
//! Keycloak does not say of a refused direct grant whether the password was wrong or a one-time code was missing. Where a second
//! client is configured whose direct grant asks for the password alone, that client tells the two apart.
//! Source: Keycloak Server Administration Guide, "Direct access grants"; Keycloak Admin REST API.

mod administration;
mod answers;

use std::sync::Arc;

use openidconnect::HttpRequest;
use quoin_identity::config::UpstreamConfig;
use quoin_identity::model::{FactorKind, Provider};
use quoin_identity::port::{
    Attestation, AttestedOrganizations, Credentials, FirstFactor, NewPerson, OwedFactor, PasswordChange,
    PersonChanges, Registered, StoreError, Upheld, UserStore,
};
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Secret, Timestamp};
use serde_json::json;
use url::Url;

use super::administrator::Administrator;
use super::tokens::Tokens;
use super::way::{self, Answer, below};
use crate::fetch::{Client, Fetch};

/// What is asked for with every grant.
const SCOPE: &str = "openid email profile";

/// A realm.
pub struct Keycloak {
    provider: Provider,
    /// The client whose direct grant asks for the password alone.
    by_password: Option<Provider>,
    realm: Url,
    tokens: Tokens,
    administrator: Option<Administrator>,
}

impl Keycloak {
    /// Opens a realm that the configuration describes.
    ///
    /// # Errors
    /// What cannot be used, in words for the operator.
    pub fn open(config: &UpstreamConfig, provider: Provider, fetch: Arc<dyn Fetch>) -> Result<Self, String> {
        let place = config.endpoint.as_deref().unwrap_or(&provider.issuer);
        let realm: Url = place.parse().map_err(|_| format!("identity.upstream: {place:?} is no URL"))?;
        if !realm.path().contains("/realms/") {
            return Err("identity.upstream.issuer must be https://HOST/realms/REALM".to_owned());
        }
        let by_password = config.password_client_id.as_ref().map(|id| Provider {
            client_id: id.clone(),
            client_secret: config.password_client_secret.clone(),
            ..provider.clone()
        });
        let client_id = config.admin_client_id.clone().unwrap_or_else(|| provider.client_id.clone());
        let secret = config.admin_client_secret.clone().or_else(|| provider.client_secret.clone());
        let token_url = protocol(&realm, "token");
        let administrator = secret
            .filter(|_| config.administer)
            .map(|secret| Administrator::new(token_url, (client_id, secret), None));
        let tokens = Tokens::new(Client(fetch), protocol(&realm, "certs"));
        Ok(Self { provider, by_password, realm, tokens, administrator })
    }

    async fn send(&self, request: HttpRequest) -> Result<Answer, StoreError> {
        way::send(&self.tokens.client, request).await
    }

    /// Asks for tokens with a name and a password, as one of our clients.
    async fn grant(
        &self,
        client: &Provider,
        shown: &Credentials,
        totp: Option<&Secret<String>>,
    ) -> Result<Answer, StoreError> {
        let answer = self.send(self.grant_request(client, shown, totp)).await?;
        if answer.is_ok() { Ok(answer) } else { Err(answers::of_grant(&answer)) }
    }

    fn grant_request(
        &self,
        client: &Provider,
        shown: &Credentials,
        totp: Option<&Secret<String>>,
    ) -> HttpRequest {
        let mut fields = vec![
            ("grant_type", "password"),
            ("username", shown.name.as_str()),
            ("password", shown.password.expose()),
            ("scope", SCOPE),
        ];
        fields.extend(totp.map(|code| ("totp", code.expose().as_str())));
        self.by_client(client, "token", fields)
    }

    fn by_client<'a>(
        &self,
        client: &'a Provider,
        call: &str,
        mut fields: Vec<(&'a str, &'a str)>,
    ) -> HttpRequest {
        fields.push(("client_id", &client.client_id));
        fields
            .extend(client.client_secret.as_ref().map(|secret| ("client_secret", secret.expose().as_str())));
        way::form(&protocol(&self.realm, call), &fields)
    }

    async fn attestation(
        &self,
        client: &Provider,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<Attestation, StoreError> {
        Ok(Attestation {
            attested: self.tokens.attested(client, answer, now).await?,
            refresh_token: answer.text("refresh_token").map(|token| Secret::new(token.to_owned())),
            organizations: AttestedOrganizations::default(),
        })
    }

    /// Finds out whether a refused password was right, and only a one-time code is missing.
    async fn owed(&self, shown: &Credentials, now: Timestamp) -> Result<FirstFactor, StoreError> {
        let Some(client) = &self.by_password else { return Err(StoreError::InvalidCredentials) };
        let answer = self.grant(client, shown, None).await?;
        let attestation = self.attestation(client, &answer, now).await?;
        if let Some(token) = &attestation.refresh_token {
            self.send(self.logout_request(client, token)).await?;
        }
        let state = json!({"name": shown.name, "password": shown.password.expose()}).to_string();
        Ok(FirstFactor::Owes(Box::new(OwedFactor {
            kind: FactorKind::Totp,
            attested: attestation.attested,
            state: Secret::new(state),
        })))
    }

    fn logout_request(&self, client: &Provider, token: &Secret<String>) -> HttpRequest {
        self.by_client(client, "logout", vec![("refresh_token", token.expose())])
    }
}

/// Returns where a call of OpenID Connect is.
fn protocol(realm: &Url, call: &str) -> Url {
    below(realm, &["protocol", "openid-connect", call])
}

impl UserStore for Keycloak {
    fn provider(&self) -> &Provider {
        &self.provider
    }

    fn has_organizations(&self) -> bool {
        false
    }

    fn sign_in<'a>(
        &'a self,
        shown: &'a Credentials,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<FirstFactor, StoreError>> {
        Box::pin(async move {
            match self.grant(&self.provider, shown, None).await {
                Ok(answer) => {
                    let attestation = self.attestation(&self.provider, &answer, now).await?;
                    Ok(FirstFactor::Attested(Box::new(attestation)))
                }
                Err(StoreError::InvalidCredentials) => self.owed(shown, now).await,
                Err(error) => Err(error),
            }
        })
    }

    fn ask<'a>(&'a self, state: &'a Secret<String>) -> BoxFuture<'a, Result<Secret<String>, StoreError>> {
        // The person's app shows the code by itself.
        Box::pin(async move { Ok(state.clone()) })
    }

    fn answer<'a>(
        &'a self,
        state: &'a Secret<String>,
        code: &'a Secret<String>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Attestation, StoreError>> {
        Box::pin(async move {
            let shown = answers::kept_credentials(state)?;
            match self.grant(&self.provider, &shown, Some(code)).await {
                Ok(answer) => self.attestation(&self.provider, &answer, now).await,
                Err(StoreError::InvalidCredentials) => Err(StoreError::CodeRefused),
                Err(error) => Err(error),
            }
        })
    }

    fn refresh<'a>(
        &'a self,
        token: &'a Secret<String>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Upheld, StoreError>> {
        Box::pin(async move {
            let fields = vec![("grant_type", "refresh_token"), ("refresh_token", token.expose().as_str())];
            let answer = self.send(self.by_client(&self.provider, "token", fields)).await?;
            if !answer.is_ok() {
                return Err(answers::of_refresh(&answer));
            }
            self.tokens.upheld(&self.provider, &answer, now).await
        })
    }

    fn end<'a>(&'a self, token: &'a Secret<String>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let answer = self.send(self.logout_request(&self.provider, token)).await?;
            answers::of_logout(&answer)
        })
    }

    fn is_enabled<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.look_at(subject))
    }

    fn sign_up<'a>(&'a self, person: &'a NewPerson) -> BoxFuture<'a, Result<Registered, StoreError>> {
        Box::pin(async move {
            let registered = self.make(person).await?;
            if let Err(error) = self.send_confirmation(&registered.subject).await {
                // The account is there, and the person can ask for the mail again; a realm may also send none.
                tracing::warn!(%error, "Keycloak has sent no confirmation");
            }
            Ok(registered)
        })
    }

    fn confirm_sign_up<'a>(
        &'a self,
        _: &'a str,
        _: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            Err(StoreError::NotOffered("Keycloak confirms an address by the link in its mail"))
        })
    }

    fn resend_confirmation<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let subject = self.find(name).await?;
            self.send_confirmation(&subject).await
        })
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
            Err(StoreError::NotOffered("Keycloak takes a new password on the page that its mail names"))
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
