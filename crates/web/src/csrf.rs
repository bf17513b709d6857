//! Forms that only our own pages can send: a random cookie, and its HMAC in a hidden field.

#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use quoin_kernel::hash::{equal_in_constant_time, hmac_sha256};
use quoin_kernel::{Problem, rng};

use crate::app::App;
use crate::cookies;

const COOKIE: &str = "csrf";
/// The name of the hidden field.
pub const FIELD: &str = "csrf_token";
/// How long a form may stay open before it is sent.
const LIFETIME: Duration = Duration::from_hours(12);

/// What a page with a form needs.
#[derive(Debug)]
pub struct FormToken {
    /// The content of the hidden field [`FIELD`].
    pub field: String,
    /// The cookie to set beside it.
    pub set_cookie: HeaderValue,
}

/// Makes the token of a form; a browser that has the cookie already keeps it, so that several tabs work.
///
/// # Errors
/// None that a client could cause.
pub fn issue(app: &App, headers: &HeaderMap) -> Result<FormToken, Problem> {
    let known = cookies::get(app.config(), headers, COOKIE).filter(|value| value.len() == 43);
    let cookie = known.map_or_else(|| rng::token(app.rng()), str::to_owned);
    let set_cookie = cookies::set(app.config(), COOKIE, &cookie, Some(LIFETIME))?;
    Ok(FormToken { field: field_for(app, &cookie), set_cookie })
}

/// Checks a form that came back. A missing `Origin` is accepted, because cookie and field suffice.
///
/// # Errors
/// 403 `csrf_failed`.
pub fn verify(app: &App, headers: &HeaderMap, field: Option<&str>) -> Result<(), Problem> {
    let refused = || {
        Problem::new(403, "csrf_failed", "This form did not come from our page, or was open for too long")
            .hint("Open the page again and send the form from there.")
    };
    if let Some(origin) = headers.get(header::ORIGIN) {
        let own = app.config().public_url.origin().ascii_serialization();
        if origin.as_bytes() != own.as_bytes() {
            return Err(refused());
        }
    }
    let cookie = cookies::get(app.config(), headers, COOKIE).ok_or_else(refused)?;
    let expected = field_for(app, cookie);
    let same = equal_in_constant_time(expected.as_bytes(), field.unwrap_or_default().as_bytes());
    if same { Ok(()) } else { Err(refused()) }
}

fn field_for(app: &App, cookie: &str) -> String {
    let key = app.master_key().derive("web.csrf");
    URL_SAFE_NO_PAD.encode(hmac_sha256(key.expose(), cookie.as_bytes()))
}
