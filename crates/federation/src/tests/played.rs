//! A provider in memory: configuration, keys, token endpoint, userinfo. Tests change what it says before it says it.

use std::sync::{Arc, Mutex, OnceLock};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderValue, StatusCode, header};
use openidconnect::{HttpRequest, HttpResponse};
use quoin_identity::model::provider::ProviderConfig;
use quoin_identity::model::{Attested, Provider};
use quoin_identity::port::{AuthorizationAnswer, AuthorizationWish, OpenId as _, Upstream};
use quoin_kernel::clock::SystemClock;
use quoin_kernel::hash::sha256;
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Clock as _, Secret, Timestamp};
use serde_json::{Map, Value, json};
use url::Url;

use crate::{CannotFetch, Fetch, Guests, Providers};

pub(super) const ISSUER: &str = "https://idp.example";
const CLIENT_SECRET: &str = "a secret of sixteen bytes";
const ACCESS_TOKEN: &str = "an-access-token";

/// A way out that leads nowhere.
struct Nowhere;

impl Fetch for Nowhere {
    fn fetch(&self, _: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, CannotFetch>> {
        Box::pin(async { Err(CannotFetch("there is no way out".to_owned())) })
    }
}

/// How the next ID token is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signing {
    Rs256,
    Es256,
    Hs256,
    None,
}

/// What the provider says; tests change it.
pub(super) struct Script {
    pub(super) signing: Signing,
    pub(super) kid: Option<&'static str>,
    pub(super) broken_signature: bool,
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) userinfo: Value,
    pub(super) userinfo_type: &'static str,
    pub(super) configuration: Map<String, Value>,
    pub(super) keys: Vec<Value>,
    pub(super) token_status: u16,
    /// What was asked, `METHOD path`, and what a test may want to look at.
    pub(super) log: Vec<String>,
    pub(super) challenge: String,
}

#[derive(Clone)]
pub(super) struct Played(Arc<Mutex<Script>>);

/// The application's side: a journey to this provider and back.
pub(super) struct Stage {
    pub(super) provider: Provider,
    pub(super) played: Played,
    pub(super) providers: Providers,
    /// The URL that the browser was sent to.
    pub(super) sent_to: Mutex<Option<Url>>,
}

pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

fn rsa() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

fn p256() -> &'static EcdsaKeyPair {
    static KEY: OnceLock<EcdsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
}

/// The RSA key as it is published.
pub(super) fn rsa_key(kid: &str) -> Value {
    let public = rsa().public_key();
    let (modulus, exponent) = (public.modulus(), public.exponent());
    json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
        "n": encode(modulus.big_endian_without_leading_zero()),
        "e": encode(exponent.big_endian_without_leading_zero()),
    })
}

/// The P-256 key as it is published.
pub(super) fn p256_key(kid: &str) -> Value {
    let point = p256().public_key().as_ref();
    json!({"kty": "EC", "use": "sig", "crv": "P-256", "kid": kid, "x": encode(&point[1..33]), "y": encode(&point[33..])})
}

/// Signs claims with the RSA key.
pub(super) fn signed(claims: &Value) -> String {
    let script = Script { claims: object(claims.clone()), ..Script::new() };
    script.id_token()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl Script {
    fn new() -> Self {
        let seconds = now().as_seconds();
        Self {
            signing: Signing::Rs256,
            kid: Some("one"),
            broken_signature: false,
            header: Map::new(),
            claims: object(json!({
                "iss": ISSUER, "sub": "248289761001", "aud": "quoin", "exp": seconds + 300, "iat": seconds,
                "email": "jane@example.com", "email_verified": true, "name": "Jane Doe",
                "at_hash": encode(&sha256(ACCESS_TOKEN.as_bytes())[..16]),
            })),
            userinfo: json!({"sub": "248289761001", "email": "jane@example.com", "email_verified": true}),
            userinfo_type: "application/json",
            configuration: object(json!({
                "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/authorize"),
                "token_endpoint": format!("{ISSUER}/token"), "userinfo_endpoint": format!("{ISSUER}/userinfo"),
                "jwks_uri": format!("{ISSUER}/jwks"), "response_types_supported": ["code"],
                "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
            })),
            keys: vec![rsa_key("one")],
            token_status: 200,
            log: Vec::new(),
            challenge: String::new(),
        }
    }

    fn id_token(&self) -> String {
        let name = match self.signing {
            Signing::Rs256 => "RS256",
            Signing::Es256 => "ES256",
            Signing::Hs256 => "HS256",
            Signing::None => "none",
        };
        let mut header = self.header.clone();
        header.insert("alg".to_owned(), json!(name));
        if let Some(kid) = self.kid {
            header.insert("kid".to_owned(), json!(kid));
        }
        let signed = format!(
            "{}.{}",
            encode(Value::Object(header).to_string().as_bytes()),
            encode(Value::Object(self.claims.clone()).to_string().as_bytes())
        );
        let mut signature = self.sign(signed.as_bytes());
        if self.broken_signature
            && let Some(byte) = signature.last_mut()
        {
            *byte ^= 1;
        }
        format!("{signed}.{}", encode(&signature))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self.signing {
            Signing::Rs256 => {
                let mut signature = vec![0; rsa().public_modulus_len()];
                rsa().sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
            Signing::Es256 => p256().sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Signing::Hs256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Signing::None => Vec::new(),
        }
    }

    fn answer(&mut self, request: &HttpRequest) -> (u16, &'static str, Vec<u8>) {
        let path = request.uri().path().to_owned();
        self.log.push(format!("{} {path}", request.method()));
        let json = |status: u16, value: &Value| (status, "application/json", value.to_string().into_bytes());
        match path.as_str() {
            "/.well-known/openid-configuration" => json(200, &Value::Object(self.configuration.clone())),
            "/jwks" => json(200, &json!({"keys": self.keys})),
            "/token" => {
                let given = self.tokens(request);
                json(self.token_status, &given)
            }
            "/userinfo" => {
                assert_eq!(
                    request.headers()[header::AUTHORIZATION],
                    format!("Bearer {ACCESS_TOKEN}").as_str()
                );
                assert!(request.uri().query().is_none() && request.body().is_empty());
                (200, self.userinfo_type, self.userinfo.to_string().into_bytes())
            }
            other => panic!("nobody should ask for {other}"),
        }
    }

    /// Checks what a careful provider checks: client, verifier, redirect URI.
    fn tokens(&self, request: &HttpRequest) -> Value {
        let form: Map<String, Value> = url::form_urlencoded::parse(request.body())
            .map(|(name, value)| (name.into_owned(), json!(value)))
            .collect();
        let basic =
            format!("Basic {}", STANDARD.encode(format!("quoin:{}", CLIENT_SECRET.replace(' ', "+"))));
        assert_eq!(request.headers()[header::AUTHORIZATION], basic.as_str());
        assert_eq!(form["redirect_uri"], "https://app.example/auth/v1/callback");
        let verifier = form["code_verifier"].as_str().unwrap();
        assert_eq!(encode(&sha256(verifier.as_bytes())), self.challenge);
        json!({
            "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300, "id_token": self.id_token(),
        })
    }
}

impl Fetch for Played {
    fn fetch(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, CannotFetch>> {
        Box::pin(async move {
            let (status, kind, body) = self.0.lock().unwrap().answer(&request);
            let mut response = HttpResponse::new(body);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            Ok(response)
        })
    }
}

impl Stage {
    pub(super) fn new() -> Self {
        let config = ProviderConfig {
            issuer: Some(ISSUER.to_owned()),
            client_id: "quoin".to_owned(),
            client_secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
            email_domains: vec!["*".to_owned()],
            ..ProviderConfig::default()
        };
        let played = Played(Arc::new(Mutex::new(Script::new())));
        let guests = Guests { fetch: Arc::new(Nowhere), is_https_only: true };
        let providers = Providers::new(Arc::new(played.clone()), guests);
        Self { provider: config.build("idp").unwrap(), played, providers, sent_to: Mutex::default() }
    }

    /// The provider as one that an organisation has brought along, reached by the way for those alone.
    pub(super) fn of_organization() -> Self {
        let mut stage = Self::new();
        let guests = Guests { fetch: Arc::new(stage.played.clone()), is_https_only: true };
        stage.providers = Providers::new(Arc::new(Nowhere), guests);
        stage.provider.is_own = true;
        stage
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.played.0.lock().unwrap());
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.played.0.lock().unwrap().log.clone()
    }

    /// Goes to the provider and comes back with a code.
    pub(super) async fn sign_in(&self) -> Result<Attested, Upstream> {
        self.sign_in_with(|_| {}).await
    }

    /// Goes to the provider and comes back with what `change` makes of the answer.
    pub(super) async fn sign_in_with(
        &self,
        change: impl FnOnce(&mut AuthorizationAnswer),
    ) -> Result<Attested, Upstream> {
        let redirect_uri: Url = "https://app.example/auth/v1/callback".parse().unwrap();
        let wish = AuthorizationWish {
            redirect_uri: redirect_uri.clone(),
            scopes: self.provider.scopes.clone(),
            state: Secret::new("the-state".to_owned()),
            nonce: Secret::new("the-nonce".to_owned()),
            verifier: Secret::new("v".repeat(43)),
        };
        let url = self.providers.authorization_url(&self.provider, &wish).await?;
        let parameter = |name: &str| {
            url.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        self.change(|script| {
            script.challenge = parameter("code_challenge");
            script.claims.entry("nonce").or_insert_with(|| json!(parameter("nonce")));
        });
        *self.sent_to.lock().unwrap() = Some(url.clone());
        let mut answer = AuthorizationAnswer {
            code: Some(Secret::new("the-code".to_owned())),
            error: None,
            iss: None,
            redirect_uri,
            nonce: wish.nonce.clone(),
            verifier: wish.verifier.clone(),
            now: now(),
        };
        change(&mut answer);
        self.providers.redeem(&self.provider, answer).await
    }

    /// Returns an ID token as an application would get it.
    pub(super) fn id_token(&self) -> Secret<String> {
        Secret::new(self.played.0.lock().unwrap().id_token())
    }
}
