//! Every check of an ID token (OpenID Connect Core 3.1.3.7), and what it attests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm};
use openidconnect::{AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, Nonce};
use quoin_identity::model::{Attested, AttestedOrganization, Provider};
use quoin_kernel::hash::{equal_in_constant_time, sha256};
use quoin_kernel::{Secret, Timestamp};
use serde_json::{Map, Value};

use crate::published::Metadata;

/// The algorithms whose keys are public; `none` and those with a shared secret are refused.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// How far a provider's clock may be ahead of ours, in seconds.
const SKEW_S: i64 = 60;
/// What is kept of what a provider says about somebody.
const PROFILE: [&str; 8] =
    ["name", "given_name", "family_name", "nickname", "preferred_username", "picture", "locale", "hd"];
/// The longest subject (OpenID Connect Core 2).
const MAX_SUBJECT: usize = 255;

/// What a token must agree with.
pub(crate) struct Expected<'a> {
    /// The nonce.
    pub(crate) nonce: ExpectedNonce<'a>,
    /// The access token beside it.
    pub(crate) access_token: Option<&'a str>,
    /// The moment.
    pub(crate) now: Timestamp,
}

/// Which nonce a token must repeat.
pub(crate) enum ExpectedNonce<'a> {
    /// This one.
    Exactly(&'a Secret<String>),
    /// The one that an application drew, or its hash; none where it drew none.
    OfApplication(Option<&'a Secret<String>>),
}

/// Why a token is refused.
pub(crate) enum BadToken {
    /// Perhaps because the provider has new keys.
    UnknownKey(String),
    /// For good.
    Refused(String),
}

/// Checks a token against what its provider publishes, and returns what it says.
pub(crate) fn verify(
    text: &str,
    metadata: &Metadata,
    provider: &Provider,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, BadToken> {
    let token: CoreIdToken =
        text.parse().map_err(|_| refuse("it is no token with the claims that one needs"))?;
    let payload = payload(text).ok_or_else(|| refuse("its payload is no JSON object"))?;
    // Mobile apps have client ids of their own; the verifier is made for the one that the token is for.
    let audience = audience(&payload, provider).ok_or_else(|| refuse("it is for somebody else"))?;
    let verifier = CoreIdTokenVerifier::new_public_client(
        ClientId::new(audience.to_owned()),
        metadata.issuer().clone(),
        metadata.jwks().clone(),
    )
    .set_allowed_algs(ALGORITHMS);
    let nonce = |found: Option<&Nonce>| expected.nonce.check(found.map(|nonce| nonce.secret().as_str()));
    token.claims(&verifier, nonce).map_err(judge)?;
    check_access_token(&token, &verifier, expected.access_token)?;
    check_times(&payload, expected.now)?;
    check_party(&payload, audience)?;
    if payload.get("iss").and_then(Value::as_str) != Some(provider.issuer.as_str()) {
        return Err(refuse("its issuer is another one"));
    }
    Ok(payload)
}

fn judge(error: ClaimsVerificationError) -> BadToken {
    match error {
        ClaimsVerificationError::SignatureVerification(cause) => BadToken::UnknownKey(cause.to_string()),
        other => BadToken::Refused(other.to_string()),
    }
}

fn refuse(why: &'static str) -> BadToken {
    BadToken::Refused(why.to_owned())
}

fn payload(text: &str) -> Option<Map<String, Value>> {
    let part = text.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// Returns the client id that the token is for, where it is one of ours.
fn audience<'a>(payload: &Map<String, Value>, provider: &'a Provider) -> Option<&'a str> {
    let named: Vec<&str> = match payload.get("aud")? {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let ours = std::iter::once(&provider.client_id).chain(&provider.client_ids);
    ours.map(String::as_str).find(|id| named.contains(id))
}

/// Compares the access token's hash, where the token carries one.
fn check_access_token(
    token: &CoreIdToken,
    verifier: &CoreIdTokenVerifier<'_>,
    access_token: Option<&str>,
) -> Result<(), BadToken> {
    let claims = token.claims(verifier, |_: Option<&Nonce>| Ok(())).map_err(judge)?;
    let (Some(expected), Some(access_token)) = (claims.access_token_hash(), access_token) else {
        return Ok(());
    };
    let (algorithm, key) = token
        .signing_alg()
        .and_then(|algorithm| Ok((algorithm, token.signing_key(verifier)?)))
        .map_err(|error| BadToken::Refused(error.to_string()))?;
    let found = AccessTokenHash::from_token(&AccessToken::new(access_token.to_owned()), algorithm, key)
        .map_err(|error| BadToken::Refused(error.to_string()))?;
    if found == *expected { Ok(()) } else { Err(refuse("the access token is another one's")) }
}

/// Refuses a token that has expired, is not valid yet, or was issued in the future.
fn check_times(payload: &Map<String, Value>, now: Timestamp) -> Result<(), BadToken> {
    let (now, moment) = (now.as_seconds(), |name: &str| payload.get(name).and_then(seconds));
    if moment("exp").is_none_or(|exp| exp <= now) {
        return Err(refuse("it has expired"));
    }
    if moment("iat").is_none_or(|iat| iat > now + SKEW_S) {
        return Err(refuse("it was issued in the future"));
    }
    if moment("nbf").is_some_and(|nbf| nbf > now + SKEW_S) {
        return Err(refuse("it is not valid yet"));
    }
    Ok(())
}

fn seconds(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "fractions of a second do not matter")]
    value.as_i64().or_else(|| value.as_f64().map(|number| number as i64))
}

/// The party that a token was made for must be the one it names as audience.
fn check_party(payload: &Map<String, Value>, audience: &str) -> Result<(), BadToken> {
    match payload.get("azp") {
        None => Ok(()),
        Some(Value::String(party)) if party == audience => Ok(()),
        Some(_) => Err(refuse("it was made for another party")),
    }
}

impl ExpectedNonce<'_> {
    fn check(&self, found: Option<&str>) -> Result<(), String> {
        let same = |expected: &str| {
            found.is_some_and(|found| equal_in_constant_time(found.as_bytes(), expected.as_bytes()))
        };
        let agrees = match self {
            Self::Exactly(nonce) => same(nonce.expose()),
            Self::OfApplication(Some(nonce)) => same(nonce.expose()) || same(&hashed(nonce)),
            Self::OfApplication(None) => found.is_none(),
        };
        if agrees { Ok(()) } else { Err("the nonce is another one".to_owned()) }
    }
}

fn hashed(nonce: &Secret<String>) -> String {
    use std::fmt::Write as _;
    sha256(nonce.expose().as_bytes()).iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("writing to a String cannot fail");
        digits
    })
}

/// Reads what a provider attests. Only JSON `true` proves an address.
///
/// # Errors
/// Where the subject is missing, or longer than it may be.
pub(crate) fn attested(issuer: &str, said: &Map<String, Value>) -> Result<Attested, String> {
    let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
    let subject = text("sub").filter(|subject| !subject.is_empty() && subject.len() <= MAX_SUBJECT);
    let profile = PROFILE.iter().filter_map(|key| Some(((*key).to_owned(), said.get(*key)?.clone())));
    Ok(Attested {
        issuer: issuer.to_owned(),
        subject: subject.ok_or("the subject is missing or too long")?,
        email: text("email"),
        email_verified: said.get("email_verified") == Some(&Value::Bool(true)),
        email_disputed: said.get("email_verified").is_some_and(|word| *word != Value::Bool(true)),
        hosted_domain: text("hd"),
        organization: text("org_id")
            .filter(|id| !id.is_empty() && id.len() <= MAX_SUBJECT)
            .map(|id| AttestedOrganization { id, name: text("org_name") }),
        profile: profile.collect(),
    })
}
