//! Hashes that people bring along from elsewhere: verified as they are, and replaced at the next sign-in.
//!
//! | format | as |
//! |---|---|
//! | bcrypt | `$2a$`, `$2b$`, `$2y$` |
//! | scrypt | `$scrypt$ln=15,r=8,p=1$salt$hash` (PHC) |
//! | PBKDF2 | `$pbkdf2-sha1$`, `$pbkdf2-sha256$`, `$pbkdf2-sha512$`, each `i=600000$salt$hash` (PHC) |
//! | scrypt of Firebase | `$fbscrypt$v=1,n=14,r=8,p=1,ss=separator,sk=signer key$salt$hash` (Base64) |

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use quoin_kernel::hash::equal_in_constant_time;

/// Both paddings are about.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Bounds on what a hash may cost, since it is paid at every try.
const MAX_BCRYPT_COST: u32 = 14;
const MAX_SCRYPT_BYTES: u64 = 256 * 1024 * 1024;
const MAX_SCRYPT_LANES: u32 = 4;
const MAX_PBKDF2_ITERATIONS: u32 = 2_000_000;
/// Bytes of the key with which Firebase encrypts its signer key.
const FIREBASE_KEY: usize = 32;

/// A hash that was made elsewhere.
pub(crate) enum Foreign {
    Bcrypt(String),
    Scrypt { params: scrypt::Params, salt: Vec<u8>, hash: Vec<u8> },
    Pbkdf2 { algorithm: pbkdf2::Algorithm, iterations: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
    Firebase { params: scrypt::Params, salt: Vec<u8>, signer_key: Vec<u8>, hash: Vec<u8> },
}

impl Foreign {
    /// Reads a hash; `None` for a format that is not known, or one that would cost too much.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix('$')?.split('$').next()?;
        match name {
            "2a" | "2b" | "2y" => bcrypt_of(text),
            "scrypt" => scrypt_of(text),
            "fbscrypt" => firebase_of(text),
            "pbkdf2-sha1" => pbkdf2_of(text, pbkdf2::PBKDF2_HMAC_SHA1),
            "pbkdf2" | "pbkdf2-sha256" => pbkdf2_of(text, pbkdf2::PBKDF2_HMAC_SHA256),
            "pbkdf2-sha512" => pbkdf2_of(text, pbkdf2::PBKDF2_HMAC_SHA512),
            _ => None,
        }
    }

    /// Compares a password.
    pub(crate) fn matches(&self, password: &[u8]) -> bool {
        match self {
            // The format itself reads 72 bytes; the hash that replaces it reads them all.
            Self::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            Self::Scrypt { params, salt, hash } => {
                let mut out = vec![0; hash.len()];
                scrypt::scrypt(password, salt, params, &mut out).is_ok() && equal_in_constant_time(&out, hash)
            }
            Self::Pbkdf2 { algorithm, iterations, salt, hash } => {
                pbkdf2::verify(*algorithm, *iterations, salt, password, hash).is_ok()
            }
            Self::Firebase { params, salt, signer_key, hash } => firebase(password, params, salt, signer_key)
                .is_some_and(|out| equal_in_constant_time(&out, hash)),
        }
    }
}

fn bcrypt_of(text: &str) -> Option<Foreign> {
    let parts: bcrypt::HashParts = text.parse().ok()?;
    (parts.get_cost() <= MAX_BCRYPT_COST).then(|| Foreign::Bcrypt(text.to_owned()))
}

/// Splits `$name$parameters$salt$hash`.
fn split(text: &str) -> Option<(&str, Vec<u8>, Vec<u8>)> {
    let mut parts = text.split('$').skip(2);
    let (parameters, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
    let (salt, hash) = (BASE64.decode(salt).ok()?, BASE64.decode(hash).ok()?);
    let usable = parts.next().is_none() && (16..=128).contains(&hash.len()) && salt.len() <= 128;
    usable.then_some((parameters, salt, hash))
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|pair| pair.1)
}

fn number(parameters: &str, name: &str) -> Option<u32> {
    parameter(parameters, name)?.parse().ok()
}

fn scrypt_params(parameters: &str, log_n: &str) -> Option<scrypt::Params> {
    let (log_n, r) = (number(parameters, log_n)?, number(parameters, "r")?);
    let p = number(parameters, "p")?;
    let bytes = 128_u64.checked_mul(u64::from(r))?.checked_mul(1_u64.checked_shl(log_n)?)?;
    let affordable = log_n < 32 && bytes <= MAX_SCRYPT_BYTES && p <= MAX_SCRYPT_LANES;
    affordable.then(|| scrypt::Params::new(u8::try_from(log_n).ok()?, r, p).ok())?
}

fn scrypt_of(text: &str) -> Option<Foreign> {
    let (parameters, salt, hash) = split(text)?;
    Some(Foreign::Scrypt { params: scrypt_params(parameters, "ln")?, salt, hash })
}

fn pbkdf2_of(text: &str, algorithm: pbkdf2::Algorithm) -> Option<Foreign> {
    let (parameters, salt, hash) = split(text)?;
    let iterations = number(parameters, "i").filter(|iterations| *iterations <= MAX_PBKDF2_ITERATIONS)?;
    Some(Foreign::Pbkdf2 { algorithm, iterations: NonZeroU32::new(iterations)?, salt, hash })
}

fn firebase_of(text: &str) -> Option<Foreign> {
    let (parameters, mut salt, hash) = split(text)?;
    if parameter(parameters, "v")? != "1" {
        return None;
    }
    let signer_key = BASE64.decode(parameter(parameters, "sk")?).ok()?;
    salt.extend(BASE64.decode(parameter(parameters, "ss")?).ok()?);
    Some(Foreign::Firebase { params: scrypt_params(parameters, "n")?, salt, signer_key, hash })
}

/// Firebase encrypts its signer key with what scrypt derives (AES-256-CTR, counter zero) and calls that the hash.
fn firebase(password: &[u8], params: &scrypt::Params, salt: &[u8], signer_key: &[u8]) -> Option<Vec<u8>> {
    let mut key = [0; FIREBASE_KEY];
    scrypt::scrypt(password, salt, params, &mut key).ok()?;
    let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, &key).ok()?).ok()?;
    let mut out = signer_key.to_vec();
    key.less_safe_encrypt(&mut out, EncryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
    Some(out)
}
