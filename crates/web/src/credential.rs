//! The credential of a request, and who holds it.

use http::{HeaderMap, HeaderValue, header};
use quoin_kernel::billing::Subject;
use quoin_kernel::port::CallMeter;
use quoin_kernel::{Caller, Problem, Secret};

use crate::app::App;
use crate::request::RequestInfo;
use crate::route::Operation;

/// The prefix of publishable keys: they name the instance and prove nothing.
pub const PUBLISHABLE_PREFIX: &str = "quoin_pub_";

/// Finds the credential: `Authorization: Bearer …`, else `apikey: …`.
///
/// # Errors
/// 401 for an `Authorization` header that holds no bearer credential.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let credential = match (values.next(), values.next()) {
        (Some(value), None) => Some(read_bearer(value).ok_or_else(malformed)?),
        (Some(_), Some(_)) => return Err(malformed()),
        (None, _) => match headers.get("apikey") {
            Some(value) => Some(value.to_str().map_err(|_| malformed())?.trim()),
            None => None,
        },
    };
    Ok(credential.filter(|text| !text.is_empty() && !text.starts_with(PUBLISHABLE_PREFIX)))
}

/// Reads `Authorization: Basic …` (RFC 7617): a service's id and secret.
pub fn basic(headers: &HeaderMap) -> Option<(String, Secret<String>)> {
    use base64::Engine as _;
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), Secret::new(secret.to_owned())))
}

/// Says who calls; asks the authenticator, and counts the call, once per request.
///
/// # Errors
/// 401 or 403 for a credential that is not valid, 402 where the plan allows no more calls, 503 where that cannot be found out.
pub async fn identify(info: &RequestInfo, headers: &HeaderMap, app: &App) -> Result<Caller, Problem> {
    if let Some(caller) = info.caller() {
        return Ok(caller.clone());
    }
    let caller = match bearer(headers)? {
        Some(credential) => app.ports()?.authenticator.authenticate(credential, info.origin.now).await?,
        None => Caller::Anonymous,
    };
    info.remember(&caller);
    if let Some(meter) = app.call_meter()
        && info.operation().is_some_and(Operation::is_counted)
    {
        count(meter, &caller, info).await?;
    }
    Ok(caller)
}

/// Counts the call for whoever is billed for it: the organisation of the caller, or the person. The platform's own keys
/// and nobody in particular call uncounted.
async fn count(meter: &dyn CallMeter, caller: &Caller, info: &RequestInfo) -> Result<(), Problem> {
    let subject = match caller {
        Caller::User(user) => Some(Subject::of(user)),
        Caller::ApiKey(key) => key.org_id.map(Subject::Org),
        Caller::Anonymous => None,
    };
    let Some(subject) = subject else { return Ok(()) };
    match meter.count(subject, info.origin.now) {
        Some(counted) => Ok(counted?),
        None => meter.reserve(subject, info.origin.now).await,
    }
}

fn read_bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
    let token = token.trim();
    let valid = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ');
    valid.then_some(token)
}

fn malformed() -> Problem {
    Problem::new(401, "no_authorization", "The Authorization header is not valid")
        .detail("Authorization must be one header of the form: Bearer, a space, and one credential.")
}
