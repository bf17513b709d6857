//! Whose people a call to a door is about: read once, before the handler.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use quoin_kernel::OrgId;
use quoin_kernel::port::Origin;
use quoin_web::credential::PUBLISHABLE_PREFIX;
use quoin_web::request::RequestInfo;
use quoin_web::{HeaderMap, Refusal, header};
use url::form_urlencoded;

use crate::Identity;
use crate::service::Named;

/// The header, and the parameter of pages that a browser opens, which carry a key.
const KEY: &str = "apikey";

/// Where a call to a door came from, with the organisation whose people it is about. Handlers of doors take it in place of
/// their context's origin.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) origin: Origin,
    /// The key in the address of a page, which its form has to repeat.
    pub(super) page_key: Option<String>,
}

impl FromRequestParts<Identity> for Door {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, identity: &Identity) -> Result<Self, Refusal> {
        let origin = RequestInfo::of(&parts.extensions)?.origin.clone();
        let page_key = key_in_query(parts.uri.query().unwrap_or_default());
        let key = key_in(&parts.headers).or(page_key.as_deref());
        let named = key.map(Named::Key).or_else(|| org_in_query(parts.uri.query()?).map(Named::Organization));
        let origin = identity.at_door(named, origin).await?;
        Ok(Self { origin, page_key })
    }
}

/// Finds the key beside the caller's own credential, or in its place.
fn key_in(headers: &HeaderMap) -> Option<&str> {
    let beside = headers.get(KEY).and_then(|value| value.to_str().ok());
    let instead = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let instead = instead.and_then(|value| value.split_once(' ')).map(|(_, credential)| credential.trim());
    let instead = instead.filter(|credential| credential.starts_with(PUBLISHABLE_PREFIX));
    beside.or(instead).map(str::trim).filter(|key| !key.is_empty())
}

/// Finds the organisation's id in an address: what a key names, where somebody has the id alone.
fn org_in_query(query: &str) -> Option<OrgId> {
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "org")?.1.parse().ok()
}

/// Finds the key in an address that a browser is sent to, where it can send no header. No secret belongs there.
fn key_in_query(query: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let key = pairs.into_iter().find(|(name, _)| name == KEY).map(|(_, key)| key.into_owned());
    key.filter(|key| key.starts_with(PUBLISHABLE_PREFIX))
}
