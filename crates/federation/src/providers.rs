//! The port: to a provider, and back with what it attests.

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod};
use openidconnect::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    TokenResponse as _,
};
use quoin_identity::model::{Attested, Provider};
use quoin_identity::port::{AuthorizationAnswer, AuthorizationWish, IdTokenWish, OpenId, Upstream};
use quoin_kernel::Timestamp;
use quoin_kernel::port::BoxFuture;
use serde_json::{Map, Value};
use url::Url;

use crate::fetch::{Client, Fetch, HttpsOnly};
use crate::published::{Metadata, Published};
use crate::token::{BadToken, Expected, ExpectedNonce, attested, verify};

/// Asks OpenID providers: the operator's own way, and another for those that organisations bring along. Neither reaches
/// nor remembers for the other.
pub struct Providers {
    pub(crate) of_operator: Side,
    of_organizations: Side,
}

/// One way out, and what was read through it.
pub(crate) struct Side {
    client: Client,
    pub(crate) published: Published,
    is_https_only: bool,
}

/// The way out to the providers that organisations bring along.
pub struct Guests {
    /// Sends the requests. It must reach nothing that an organisation's owner may not reach themselves.
    pub fetch: Arc<dyn Fetch>,
    /// Whether the issuer and everything it names must be reached by HTTPS.
    pub is_https_only: bool,
}

/// What the token endpoint gave.
struct Tokens {
    id_token: String,
    access_token: String,
}

impl Providers {
    /// Asks the operator's providers through the first way out, and organisations' own through the second.
    pub fn new(fetch: Arc<dyn Fetch>, guests: Guests) -> Self {
        let side = |client, is_https_only| Side { client, published: Published::default(), is_https_only };
        let Guests { fetch: theirs, is_https_only } = guests;
        let theirs: Arc<dyn Fetch> = if is_https_only { Arc::new(HttpsOnly(theirs)) } else { theirs };
        Self {
            of_operator: side(Client(fetch), false),
            of_organizations: side(Client(theirs), is_https_only),
        }
    }

    fn side(&self, provider: &Provider) -> &Side {
        if provider.is_own { &self.of_organizations } else { &self.of_operator }
    }

    async fn published(&self, provider: &Provider) -> Result<Arc<Metadata>, Upstream> {
        let side = self.side(provider);
        let metadata = side.published.of(&side.client, provider).await?;
        // The browser is sent there, so no way out sees it.
        if side.is_https_only && metadata.authorization_endpoint().url().scheme() != "https" {
            return Err(Upstream::Unreachable(
                "its authorization endpoint is not reached by HTTPS".to_owned(),
            ));
        }
        Ok(metadata)
    }

    /// Checks a token; where no known key fits, the keys are read again once.
    async fn verified(
        &self,
        provider: &Provider,
        text: &str,
        expected: &Expected<'_>,
    ) -> Result<Map<String, Value>, Upstream> {
        let metadata = self.published(provider).await?;
        let why = match verify(text, &metadata, provider, expected) {
            Ok(said) => return Ok(said),
            Err(BadToken::Refused(why)) => return Err(Upstream::Refused(why)),
            Err(BadToken::UnknownKey(why)) => why,
        };
        let side = self.side(provider);
        let Some(metadata) = side.published.with_new_keys(&side.client, provider).await? else {
            return Err(Upstream::Refused(why));
        };
        verify(text, &metadata, provider, expected).map_err(|bad| match bad {
            BadToken::Refused(why) | BadToken::UnknownKey(why) => Upstream::Refused(why),
        })
    }

    async fn exchange(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        answer: &AuthorizationAnswer,
    ) -> Result<Tokens, Upstream> {
        let code = answer.code.as_ref().ok_or_else(|| refused("there is no code"))?;
        let redirect = RedirectUrl::from_url(answer.redirect_uri.clone());
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new(provider.client_id.clone()),
            provider.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().clone())),
        )
        .set_redirect_uri(redirect)
        .set_auth_type(auth_type(metadata));
        let given = client
            .exchange_code(AuthorizationCode::new(code.expose().clone()))
            .map_err(|_| refused("the provider has no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(answer.verifier.expose().clone()))
            .request_async(&self.side(provider).client)
            .await
            .map_err(|error| match error {
                RequestTokenError::Request(cause) => Upstream::Unreachable(cause.to_string()),
                other => Upstream::Refused(other.to_string()),
            })?;
        let id_token = given.id_token().ok_or_else(|| refused("there is no ID token"))?;
        Ok(Tokens { id_token: id_token.to_string(), access_token: given.access_token().secret().clone() })
    }

    /// Asks for what the ID token leaves out; the answer must be about the same person.
    async fn userinfo(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        access_token: &str,
        mut said: Map<String, Value>,
    ) -> Result<Map<String, Value>, Upstream> {
        let Some(endpoint) = metadata.userinfo_endpoint().filter(|_| !said.contains_key("email")) else {
            return Ok(said);
        };
        let mut request = HttpRequest::new(Vec::new());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = endpoint.as_str().parse().map_err(|_| refused("userinfo has no URL"))?;
        let bearer = HeaderValue::from_str(&format!("Bearer {access_token}"));
        let bearer = bearer.map_err(|_| refused("the access token is no header"))?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let client = &self.side(provider).client;
        let answer =
            client.0.fetch(request).await.map_err(|error| Upstream::Unreachable(error.to_string()))?;
        if answer.status() != StatusCode::OK {
            return Err(refused("userinfo was refused"));
        }
        let more: Map<String, Value> =
            serde_json::from_slice(answer.body()).map_err(|_| refused("userinfo is no JSON object"))?;
        if more.get("sub") != said.get("sub") {
            return Err(refused("userinfo is about somebody else"));
        }
        for (key, value) in more {
            said.entry(key).or_insert(value);
        }
        Ok(said)
    }
}

impl OpenId for Providers {
    fn authorization_endpoint<'a>(&'a self, provider: &'a Provider) -> BoxFuture<'a, Result<Url, Upstream>> {
        Box::pin(async move { Ok(self.published(provider).await?.authorization_endpoint().url().clone()) })
    }

    fn authorization_url<'a>(
        &'a self,
        provider: &'a Provider,
        wish: &'a AuthorizationWish,
    ) -> BoxFuture<'a, Result<Url, Upstream>> {
        Box::pin(async move {
            let metadata = self.published(provider).await?;
            let client = CoreClient::from_provider_metadata(
                (*metadata).clone(),
                ClientId::new(provider.client_id.clone()),
                None,
            )
            .set_redirect_uri(RedirectUrl::from_url(wish.redirect_uri.clone()));
            let (state, nonce) = (wish.state.expose().clone(), wish.nonce.expose().clone());
            let verifier = PkceCodeVerifier::new(wish.verifier.expose().clone());
            let mut request = client
                .authorize_url(
                    CoreAuthenticationFlow::AuthorizationCode,
                    move || CsrfToken::new(state),
                    move || Nonce::new(nonce),
                )
                .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
            // The library asks for openid by itself.
            for scope in wish.scopes.iter().filter(|scope| *scope != "openid") {
                request = request.add_scope(Scope::new(scope.clone()));
            }
            Ok(request.url().0)
        })
    }

    fn redeem<'a>(
        &'a self,
        provider: &'a Provider,
        answer: AuthorizationAnswer,
    ) -> BoxFuture<'a, Result<Attested, Upstream>> {
        Box::pin(async move {
            let metadata = self.published(provider).await?;
            check_issuer(provider, &metadata, answer.iss.as_deref())?;
            if let Some(error) = &answer.error {
                return Err(Upstream::Denied(error.chars().take(100).collect()));
            }
            let tokens = self.exchange(provider, &metadata, &answer).await?;
            let expected = Expected {
                nonce: ExpectedNonce::Exactly(&answer.nonce),
                access_token: Some(&tokens.access_token),
                now: answer.now,
            };
            let said = self.verified(provider, &tokens.id_token, &expected).await?;
            let said = self.userinfo(provider, &metadata, &tokens.access_token, said).await?;
            attested(&provider.issuer, &said).map_err(Upstream::Refused)
        })
    }

    fn read_id_token<'a>(
        &'a self,
        provider: &'a Provider,
        wish: IdTokenWish,
    ) -> BoxFuture<'a, Result<(Attested, Timestamp), Upstream>> {
        Box::pin(async move {
            let expected = Expected {
                nonce: ExpectedNonce::OfApplication(wish.nonce.as_ref()),
                access_token: wish.access_token.as_ref().map(|token| token.expose().as_str()),
                now: wish.now,
            };
            let said = self.verified(provider, wish.id_token.expose(), &expected).await?;
            let expires_at = said.get("exp").and_then(Value::as_i64).unwrap_or_default();
            let expires_at = Timestamp::from_micros(expires_at.saturating_mul(1_000_000));
            Ok((attested(&provider.issuer, &said).map_err(Upstream::Refused)?, expires_at))
        })
    }
}

/// Compares who the provider says it is with who was asked (RFC 9207): a code of one provider is never shown to another.
fn check_issuer(provider: &Provider, metadata: &Metadata, iss: Option<&str>) -> Result<(), Upstream> {
    match iss {
        Some(iss) if iss == provider.issuer => Ok(()),
        None if !metadata.additional_metadata().authorization_response_iss_parameter_supported => Ok(()),
        _ => Err(refused("another provider has answered")),
    }
}

/// Chooses how the client shows its secret: in the header, which every provider takes, unless it says otherwise.
fn auth_type(metadata: &Metadata) -> AuthType {
    let takes = metadata.token_endpoint_auth_methods_supported();
    let only_post = takes.is_some_and(|methods| {
        methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
    });
    if only_post { AuthType::RequestBody } else { AuthType::BasicAuth }
}

fn refused(why: &'static str) -> Upstream {
    Upstream::Refused(why.to_owned())
}
