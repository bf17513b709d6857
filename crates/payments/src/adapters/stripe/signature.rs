//! The header `Stripe-Signature`: `t=SECONDS,v1=HEX[,v1=HEX…]`, HMAC-SHA-256 over `SECONDS.BODY` with the endpoint's secret.

use quoin_kernel::hash::{equal_in_constant_time, hmac_sha256};
use quoin_kernel::{Secret, Timestamp};

use crate::port::InvalidAnnouncement;

/// How far the signature's time may lie from ours, in seconds, either way.
const TOLERANCE_S: i64 = 300;
/// More signatures than this in one header are not read: each costs one comparison per secret.
const MOST_SIGNATURES: usize = 16;

/// Tells whether one of the secrets signed this body just now. Only the scheme `v1` counts.
///
/// # Errors
/// Why it is not believed.
pub(super) fn verify(
    header: Option<&str>,
    body: &[u8],
    secrets: &[Secret<String>],
    now: Timestamp,
) -> Result<(), InvalidAnnouncement> {
    if secrets.is_empty() || secrets.iter().any(|secret| secret.expose().is_empty()) {
        return Err(InvalidAnnouncement::NoSecret);
    }
    let (time, signatures) = read(header.unwrap_or_default()).ok_or(InvalidAnnouncement::NoSignature)?;
    let mut signed = time.as_bytes().to_vec();
    signed.push(b'.');
    signed.extend_from_slice(body);
    let mut matches = false;
    for secret in secrets {
        let expected = hmac_sha256(secret.expose().as_bytes(), &signed);
        for signature in &signatures {
            matches |= equal_in_constant_time(&expected, signature);
        }
    }
    if !matches {
        return Err(InvalidAnnouncement::Mismatch);
    }
    // Only after the signature: whoever cannot sign learns nothing about our clock.
    let seconds: i64 = time.parse().map_err(|_| InvalidAnnouncement::NoSignature)?;
    if now.as_seconds().abs_diff(seconds) > TOLERANCE_S.unsigned_abs() {
        return Err(InvalidAnnouncement::TooOld);
    }
    Ok(())
}

/// Reads the one time and the signatures of scheme `v1`; `None` where either is missing.
fn read(header: &str) -> Option<(&str, Vec<[u8; 32]>)> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            // Two times would let a signature be paired with another one's time.
            Some(("t", _)) if time.is_some() => return None,
            Some(("t", value)) => time = Some(value),
            Some(("v1", value)) if signatures.len() < MOST_SIGNATURES => signatures.extend(from_hex(value)),
            _ => {}
        }
    }
    let time = time.filter(|time| !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit()))?;
    (!signatures.is_empty()).then_some((time, signatures))
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
