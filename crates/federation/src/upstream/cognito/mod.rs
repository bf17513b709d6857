//! A user pool of Amazon Cognito, by its JSON API.
//!
//! Refresh tokens that the pool rotates are not supported (`GetTokensFromRefreshToken`); the pool's default keeps them. Calls of the
//! administration are signed (SigV4) by the library that signs for S3.
//! Source: Amazon Cognito user pools API reference.

mod administration;
mod answers;
mod calls;

use std::sync::Arc;

use quoin_identity::config::UpstreamConfig;
use quoin_identity::model::{Attested, Provider};
use quoin_identity::port::{
    Attestation, AttestedOrganizations, Credentials, FirstFactor, NewPerson, OwedFactor, PasswordChange,
    PersonChanges, Registered, StoreError, Upheld, UserStore,
};
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Secret, Timestamp};
use serde_json::{Map, Value, json};
use url::Url;

use super::tokens::Tokens;
use super::way::{self, Answer, below, lacks};
use crate::fetch::{Client, Fetch};
use crate::token::attested;
use administration::Signer;
use answers::{Owed, Session};
use calls::call;

/// A user pool.
pub struct Cognito {
    provider: Provider,
    endpoint: Url,
    pool_id: String,
    tokens: Tokens,
    signer: Option<Signer>,
}

impl Cognito {
    /// Opens a user pool that the configuration describes.
    ///
    /// # Errors
    /// What cannot be used, in words for the operator.
    pub fn open(config: &UpstreamConfig, provider: Provider, fetch: Arc<dyn Fetch>) -> Result<Self, String> {
        let (region, pool_id) = match (&config.region, &config.user_pool_id) {
            (Some(region), Some(pool_id)) => (region.clone(), pool_id.clone()),
            _ => return Err("identity.upstream needs region and user_pool_id".to_owned()),
        };
        let by_default = format!("https://cognito-idp.{region}.amazonaws.com");
        let place = config.endpoint.as_deref().unwrap_or(&by_default);
        let endpoint: Url =
            place.parse().map_err(|_| format!("identity.upstream.endpoint: {place:?} is no URL"))?;
        let keys = below(&endpoint, &[&pool_id, ".well-known", "jwks.json"]);
        let signer = Signer::of(config, region);
        Ok(Self { provider, endpoint, pool_id, tokens: Tokens::new(Client(fetch), keys), signer })
    }

    /// Sends a call that needs no signature.
    async fn ask_pool(&self, action: &str, body: Value) -> Result<Answer, StoreError> {
        let answer = way::send(&self.tokens.client, call(&self.endpoint, action, &body)).await?;
        if answer.is_ok() { Ok(answer) } else { Err(answers::of_call(&answer)) }
    }

    /// Writes a call about a name: with the client and its proof that it knows the secret.
    fn about(&self, name: &str, more: Value) -> Value {
        let mut body = json!({"ClientId": self.provider.client_id, "Username": name});
        if let Some(hash) = calls::secret_hash(&self.provider, name) {
            body["SecretHash"] = json!(hash);
        }
        merge(body, more)
    }

    fn with_hash(&self, name: &str, mut parameters: Map<String, Value>) -> Value {
        if let Some(hash) = calls::secret_hash(&self.provider, name) {
            parameters.insert("SECRET_HASH".to_owned(), json!(hash));
        }
        Value::Object(parameters)
    }

    /// Shows a name and a password.
    async fn show_password(&self, shown: &Credentials) -> Result<Answer, StoreError> {
        let parameters = Map::from_iter([
            ("USERNAME".to_owned(), json!(shown.name)),
            ("PASSWORD".to_owned(), json!(shown.password.expose())),
        ]);
        let body = json!({
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": self.provider.client_id,
            "AuthParameters": self.with_hash(&shown.name, parameters),
        });
        self.ask_pool("InitiateAuth", body).await.map_err(answers::of_sign_in)
    }

    /// Reads the tokens of an answer: whom they attest, and by what the session is upheld.
    async fn attestation(&self, answer: &Answer, now: Timestamp) -> Result<Attestation, StoreError> {
        let (attested, username) = self.verified(answer, now).await?;
        let token = answer.body["AuthenticationResult"]["RefreshToken"].as_str();
        let session = token.map(|token| Session { token: token.to_owned(), username }.write());
        Ok(Attestation { attested, refresh_token: session, organizations: AttestedOrganizations::default() })
    }

    /// Verifies the ID token of an answer. Returns also the name that the pool has for the person, which goes into proofs.
    async fn verified(&self, answer: &Answer, now: Timestamp) -> Result<(Attested, String), StoreError> {
        let result = &answer.body["AuthenticationResult"];
        let id_token = result["IdToken"].as_str().ok_or_else(|| lacks("IdToken"))?;
        let said =
            self.tokens.verified(&self.provider, (id_token, result["AccessToken"].as_str()), now).await?;
        // An access token is signed with the same keys.
        if said.get("token_use") != Some(&json!("id")) {
            return Err(StoreError::Refused("it is no ID token".to_owned()));
        }
        let username = said.get("cognito:username").and_then(Value::as_str).map(str::to_owned);
        let username = username.ok_or_else(|| lacks("cognito:username"))?;
        let mut attested = attested(&self.provider.issuer, &said).map_err(StoreError::Refused)?;
        attested.profile.insert("username".to_owned(), json!(username));
        Ok((attested, username))
    }

    async fn owed(&self, answer: &Answer, shown: &Credentials) -> Result<FirstFactor, StoreError> {
        let owed = Owed::of(answer, &shown.name)?;
        let attested = self.look_up(&owed.username).await?;
        let (kind, state) = (owed.kind()?, owed.write());
        Ok(FirstFactor::Owes(Box::new(OwedFactor { kind, attested, state })))
    }

    /// Changes a password with the present one, where nobody may administer.
    async fn change_with_present(&self, change: &PasswordChange) -> Result<(), StoreError> {
        let Some(current) = &change.current else {
            return Err(StoreError::NotOffered("send current_password, or give access_key_id to the server"));
        };
        let shown = Credentials { name: change.name.clone(), password: current.clone() };
        let answer = self.show_password(&shown).await?;
        let result = &answer.body["AuthenticationResult"];
        let Some(token) = result["AccessToken"].as_str() else {
            return Err(StoreError::NotOffered("with a second factor, a change needs access_key_id"));
        };
        let body = json!({
            "AccessToken": token,
            "PreviousPassword": current.expose(),
            "ProposedPassword": change.new.expose(),
        });
        self.ask_pool("ChangePassword", body).await?;
        match result["RefreshToken"].as_str() {
            Some(token) => self.revoke(token).await,
            None => Ok(()),
        }
    }

    async fn revoke(&self, token: &str) -> Result<(), StoreError> {
        let mut body = json!({"Token": token, "ClientId": self.provider.client_id});
        if let Some(secret) = &self.provider.client_secret {
            body["ClientSecret"] = json!(secret.expose());
        }
        self.ask_pool("RevokeToken", body).await.map(drop)
    }
}

fn merge(mut body: Value, more: Value) -> Value {
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}

impl UserStore for Cognito {
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
            let answer = self.show_password(shown).await?;
            if answer.text("ChallengeName").is_some_and(|name| !name.is_empty()) {
                return self.owed(&answer, shown).await;
            }
            Ok(FirstFactor::Attested(Box::new(self.attestation(&answer, now).await?)))
        })
    }

    fn ask<'a>(&'a self, state: &'a Secret<String>) -> BoxFuture<'a, Result<Secret<String>, StoreError>> {
        // The pool has sent the code, or the person's app shows it.
        Box::pin(async move { Ok(state.clone()) })
    }

    fn answer<'a>(
        &'a self,
        state: &'a Secret<String>,
        code: &'a Secret<String>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Attestation, StoreError>> {
        Box::pin(async move {
            let owed = Owed::read(state)?;
            let responses = Map::from_iter([
                ("USERNAME".to_owned(), json!(owed.username)),
                (owed.code_name()?.to_owned(), json!(code.expose())),
            ]);
            let body = json!({
                "ClientId": self.provider.client_id,
                "ChallengeName": owed.challenge,
                "Session": owed.session,
                "ChallengeResponses": self.with_hash(&owed.username, responses),
            });
            let answer = match self.ask_pool("RespondToAuthChallenge", body).await {
                // The session of the challenge has ended.
                Err(StoreError::InvalidCredentials) => return Err(StoreError::CodeExpired),
                answer => answer?,
            };
            self.attestation(&answer, now).await
        })
    }

    fn refresh<'a>(
        &'a self,
        token: &'a Secret<String>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Upheld, StoreError>> {
        Box::pin(async move {
            let session = Session::read(token)?;
            let parameters = Map::from_iter([("REFRESH_TOKEN".to_owned(), json!(session.token))]);
            let body = json!({
                "AuthFlow": "REFRESH_TOKEN_AUTH",
                "ClientId": self.provider.client_id,
                "AuthParameters": self.with_hash(&session.username, parameters),
            });
            let answer = self.ask_pool("InitiateAuth", body).await.map_err(answers::of_refresh)?;
            let (attested, _) = self.verified(&answer, now).await?;
            Ok(Upheld { refresh_token: None, subject: attested.subject })
        })
    }

    fn end<'a>(&'a self, token: &'a Secret<String>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.revoke(&Session::read(token)?.token).await })
    }

    fn is_enabled<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.look_at(subject))
    }

    fn sign_up<'a>(&'a self, person: &'a NewPerson) -> BoxFuture<'a, Result<Registered, StoreError>> {
        Box::pin(async move {
            let name = person.username.as_deref().unwrap_or(person.email.as_str());
            let mut more = json!({"UserAttributes": [{"Name": "email", "Value": person.email.as_str()}]});
            if let Some(password) = &person.password {
                more["Password"] = json!(password.expose());
            }
            let answer = self.ask_pool("SignUp", self.about(name, more)).await?;
            Ok(Registered { subject: answer.needed("UserSub")?.to_owned() })
        })
    }

    fn confirm_sign_up<'a>(
        &'a self,
        name: &'a str,
        code: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let body = self.about(name, json!({"ConfirmationCode": code.expose()}));
            self.ask_pool("ConfirmSignUp", body).await.map(drop)
        })
    }

    fn resend_confirmation<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let sent = self.ask_pool("ResendConfirmationCode", self.about(name, json!({}))).await;
            sent.map(drop).map_err(answers::of_mail)
        })
    }

    fn request_reset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let sent = self.ask_pool("ForgotPassword", self.about(name, json!({}))).await;
            sent.map(drop).map_err(answers::of_mail)
        })
    }

    fn confirm_reset<'a>(
        &'a self,
        shown: &'a Credentials,
        code: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let more = json!({"ConfirmationCode": code.expose(), "Password": shown.password.expose()});
            self.ask_pool("ConfirmForgotPassword", self.about(&shown.name, more)).await.map(drop)
        })
    }

    fn change_password<'a>(
        &'a self,
        subject: &'a str,
        change: &'a PasswordChange,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            match &self.signer {
                Some(_) => self.set_password(&self.name_of(subject).await?, &change.new).await,
                None => self.change_with_present(change).await,
            }
        })
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
