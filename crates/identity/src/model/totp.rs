//! Codes of authenticator apps (RFC 6238): six digits, thirty seconds, one step of tolerance on each side.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};
use quoin_kernel::{Rng, Secret, Timestamp};
use totp_rs::Builder;
use url::Url;

/// Bytes of a secret, as RFC 4226 recommends for HMAC-SHA-1.
const SECRET_BYTES: usize = 20;
/// Light modules around a QR code.
const QUIET_ZONE: i32 = 4;

/// Draws a secret.
pub fn draw(rng: &dyn Rng) -> Secret<Vec<u8>> {
    let mut bytes = vec![0; SECRET_BYTES];
    rng.fill(&mut bytes);
    Secret::new(bytes)
}

/// Returns the time step whose code this is; `None` for a wrong one.
pub fn step_of(secret: &Secret<Vec<u8>>, code: &str, now: Timestamp) -> Option<i64> {
    let app = Builder::new().with_secret(secret.expose().clone()).build().ok()?;
    let seconds = u64::try_from(now.as_seconds()).ok()?;
    let step = app.check(code.trim(), seconds)?;
    i64::try_from(step).ok()
}

/// Writes a secret as people type it.
pub fn base32(secret: &Secret<Vec<u8>>) -> Secret<String> {
    Secret::new(totp_rs::Secret::from(secret.expose().clone()).to_base32())
}

/// Builds the `otpauth` URI that apps read; a colon would separate issuer and account, so neither keeps one.
pub fn uri(issuer: &str, account: &str, secret: &Secret<Vec<u8>>) -> Secret<String> {
    let (issuer, account) = (issuer.replace(':', " "), account.replace(':', " "));
    let mut uri = Url::parse("otpauth://totp/").expect("the text is a URL");
    uri.set_path(&format!("/{issuer}:{account}"));
    uri.query_pairs_mut()
        .append_pair("secret", base32(secret).expose())
        .append_pair("issuer", &issuer)
        .append_pair("algorithm", "SHA1")
        .append_pair("digits", "6")
        .append_pair("period", "30");
    // Apps read a plus as a plus; one of the text's own is written %2B.
    Secret::new(uri.as_str().replace('+', "%20"))
}

/// Draws the URI as a QR code in SVG, without characters that a data URL would have to escape. `None` where it is too long.
pub fn qr_code(uri: &Secret<String>) -> Option<String> {
    let code = QrCode::encode_text(uri.expose(), QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * QUIET_ZONE;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            write!(path, "M{},{}h1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE)
                .expect("writing to a String cannot fail");
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/><path d=\"{path}\" fill=\"black\"/></svg>"
    ))
}
